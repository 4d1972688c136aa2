"""What speaking comes to: folders and clips, or a list of voices."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mltk_like.data.speech.catalogue import EngineVoices
from mltk_like.data.speech.export import MANIFEST
from mltk_like.data.speech.words import NEAR_HOMOPHONE, Alike
from mltk_like.paths import portable

_SHOWN = 30


@dataclass(frozen=True, kw_only=True)
class EngineLine:
    """What one engine said: its voices, clips and seconds of audio."""

    engine: str
    voices: int
    clips: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SynthesizeResult:
    """A folder of synthetic speech.

    Attributes:
        folder: where it is; none for a dry run.
        labels: clips of each sub-folder.
        engines: what each engine said.
        made: how many of the clips were made now; the others were there.
        missing: clips that could not be made right.
        seconds: wall time.
        alikes: of each word, what sounds like it, with distances; empty without sound-alikes.
    """

    folder: Path | None
    labels: Mapping[str, int]
    engines: tuple[EngineLine, ...]
    made: int
    missing: int
    seconds: float
    alikes: Mapping[str, tuple[Alike, ...]]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"folder": str(self.folder) if self.folder else None}

    def __str__(self) -> str:
        lines = [line for word, found in self.alikes.items() for line in _alike_lines(word, found)]
        if self.folder is None:
            return "\n".join(lines)
        lines += [f"{'engine':<12} {'voices':>6} {'clips':>7} {'seconds':>8}"]
        lines += [f"{e.engine:<12} {e.voices:>6} {e.clips:>7} {e.seconds:>8.1f}" for e in self.engines]
        clips = sum(self.labels.values())
        parts = ", ".join(f"{count} in {label}" for label, count in list(self.labels.items())[:8])
        more = f" and {len(self.labels) - 8} more folders" if len(self.labels) > 8 else ""
        lines += [f"{clips} clips ({parts}{more}), {self.made} of them made now in {self.seconds:.0f} s"]
        if self.missing:
            lines += [f"{self.missing} clips are missing: they came out wrong whenever they were drawn"]
        path = portable(self.folder)
        lines += [f"manifest: {path}/{MANIFEST}", f"as a source: data.Folder(path={path!r}, group=data.SPOKEN_BY)"]
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class VoiceList:
    """Engines and their voices; `names` prints each voice."""

    engines: tuple[EngineVoices, ...]
    names: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"engines": [asdict(engine) for engine in self.engines]}

    def __str__(self) -> str:
        lines = [f"{'engine':<18} {'voices':>6}  {'licence':<12} "]
        for engine in self.engines:
            note = engine.problem or engine.download or (f"{engine.voices[0]} ..." if engine.voices else "")
            lines.append(f"{engine.engine:<18} {len(engine.voices):>6}  {engine.licence:<12} {note}")
            lines += [f"  {voice}" for voice in engine.voices] if self.names else []
        return "\n".join(line.rstrip() for line in lines)


def engine_lines(rows: Sequence[Mapping[str, Any]]) -> tuple[EngineLine, ...]:
    """One for each engine, from the rows of a manifest."""
    lines = []
    for engine in sorted({row["engine"] for row in rows}):
        own = [row for row in rows if row["engine"] == engine]
        seconds = round(sum(row["duration_s"] for row in own), 1)
        voices = len({row["voice_id"] for row in own})
        lines.append(EngineLine(engine=engine, voices=voices, clips=len(own), seconds=seconds))
    return tuple(lines)


def _alike_lines(word: str, found: Sequence[Alike]) -> list[str]:
    lines = [f"sounds like {word!r} (0: the same; what is below {NEAR_HOMOPHONE} is left out):"]
    lines += [f"  {alike.distance:4.2f}  {alike.phrase:<24} {alike.phonemes}" for alike in found[:_SHOWN]]
    return lines + ([f"  ... and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else [])
