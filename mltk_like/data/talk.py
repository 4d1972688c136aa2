"""What a model listens to when it is judged, where its own data has too little without the keyword."""

from collections.abc import Iterable, Sequence

from mltk_like.data.source import STREAM_LABEL, Source
from mltk_like.data.speech.source import SpeechSource
from mltk_like.data.speech.spoken import say_for_hours
from mltk_like.data.speech.texts import Said

# Far from the seeds that model files use, so that no training has the same talk.
_SEEDS = {"test": 0x7E57, "validation": 0x7A11}


def talk_for(sources: Iterable[Source], split: str, hours: float) -> list[SpeechSource]:
    """Talk for a model whose keywords are synthetic speech; nothing for others, whose keywords nobody says.

    Args:
        sources: of the model; what they say as a keyword is not said.
        split: 'test' or 'validation', which hear different talk.
        hours: of it.
    """
    avoid = keywords_said(sources)
    return say_for_hours(hours, label=STREAM_LABEL, avoid=avoid, seed=_SEEDS[split]) if avoid and hours > 0 else []


def keywords_said(sources: Iterable[Source]) -> Sequence[str]:
    """The texts of a model's keywords, sorted."""
    said = {
        text
        for source in sources
        if isinstance(source, SpeechSource) and isinstance(source.texts, Said) and not source.label.startswith("_")
        for text in source.texts.texts
    }
    return sorted(said)
