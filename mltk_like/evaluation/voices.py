"""Who is heard in an evaluation: people or synthetic voices. Figures of the one say little of the other."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mltk_like.data.clip import Clip
from mltk_like.data.source import STREAM_LABEL


@dataclass(frozen=True, kw_only=True)
class Voices:
    """How much of what a model was judged on is synthetic speech.

    Attributes:
        positives: clips with a word.
        synthetic_positives: those among them that an engine spoke.
        hours: without a word.
        synthetic_hours: those that an engine spoke.
        stream_hours: those of them that were made for the evaluation alone, in voices that training may have heard.
        engines: that spoke the words.
    """

    positives: int
    synthetic_positives: int
    hours: float
    synthetic_hours: float
    stream_hours: float = 0.0
    engines: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "engines": list(self.engines)}

    def sentences(self) -> list[str]:
        """What a reader must know of it; nothing where no engine spoke."""
        found = []
        if self.hours and self.synthetic_hours:
            alone = f" ({self.stream_hours:.2f} h of it made for this alone, in voices that training may have heard)"
            other = self.hours - self.synthetic_hours
            found.append(
                f"False accepts were counted in {self.hours:.2f} h: {self.synthetic_hours:.2f} h of synthetic speech"
                f"{alone if self.stream_hours else ''} and {other:.2f} h of other recordings. "
                "In rooms where people talk expect other rates."
            )
        if self.synthetic_positives:
            count = "All" if self.synthetic_positives == self.positives else f"{self.synthetic_positives} of the"
            found.append(
                f"{count} {self.positives} clips with the word are spoken by synthetic voices "
                f"({', '.join(self.engines)}). People are missed more often, several times as often where the word was "
                "trained without recordings of people: --positives DIR judges the model on some."
            )
        return found


def voices_of(positives: Sequence[Clip], negatives: Sequence[Clip], seconds: Sequence[float]) -> Voices:
    """Count what engines spoke; their clips name the engine.

    Args:
        positives: clips with a word.
        negatives: clips without.
        seconds: that each of the negatives was heard.
    """

    def hours(wanted: Sequence[bool]) -> float:
        return sum(length for length, counts in zip(seconds, wanted, strict=True) if counts) / 3600

    return Voices(
        positives=len(positives),
        synthetic_positives=sum("engine" in clip.details for clip in positives),
        hours=sum(seconds) / 3600,
        synthetic_hours=hours(["engine" in clip.details for clip in negatives]),
        stream_hours=hours(["engine" in clip.details and clip.label == STREAM_LABEL for clip in negatives]),
        engines=tuple(sorted({clip.details["engine"] for clip in positives if "engine" in clip.details})),
    )
