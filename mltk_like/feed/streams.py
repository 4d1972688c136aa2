"""Hours of sound without the keywords, for splits whose own clips are too few to tell how often a model fires wrongly.

They are heard as streams alone: no window is cut out of them and no babble mixed, so that nothing else changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip, lengths_s
from mltk_like.data.source import MICROPHONE_LABEL, NOISE_LABEL, ROOM_LABEL, STREAM_LABEL, Source, checked_sources
from mltk_like.data.split import Splits
from mltk_like.errors import DataError
from mltk_like.mixins import AudioDatasetMixin

WITHOUT_HOURS = "without_evaluate_hours"
"""The key in the state.json of a run that was not judged, whose test voices have no hours added to them yet."""

_NOT_HEARD = (NOISE_LABEL, MICROPHONE_LABEL, ROOM_LABEL)


def with_streams(
    model: AudioDatasetMixin, splits: Splits, *, judged: bool = True, workers: Workers = None, progress: bool = True
) -> tuple[Splits, tuple[str, ...]]:
    """The splits with as many hours without the keywords in test (and validation, where streams rank the checkpoints)
    as the model wants, as far as its `stream_sources` give them.

    What is added has the label `_stream_` and groups that begin with `streams/`, whose voices may be heard in training
    too: there are too few cheap voices to keep one aside. So nothing but false accepts is counted on them, and figures
    and reports say how many hours they are (`evaluation.voices`, the data card).

    Args:
        model: the model.
        splits: its clips, divided.
        judged: the model will be judged on its test voices; without that they need no hours.
        workers: processes for synthesis; none: one a core.
        progress: show bars.

    Returns:
        The splits, and one sentence for each source that could not be had.

    Raises:
        SettingError: `stream_sources` gives what is no source.
        ToolError: a package that such a source needs is not installed.
    """
    parts, problems = dict(splits.items()), []
    if any(clip.row is not None for _, clips in splits.items() for clip in clips):
        return splits, ()  # a model of ready features hears nothing
    for split, hours in wanted_hours(model).items():
        if split == "test" and not judged:
            continue
        missing = hours - _heard_hours(parts[split])
        for source in checked_sources(model.stream_sources(split, missing)) if missing > 0 else ():
            try:
                found = source.collect(workers=workers, progress=progress)
            except DataError as error:
                problems.append(f"{source.name}: {error.message}")
            else:
                parts[split] += tuple(_streamed(clip, split) for clip in found)
    return replace(splits, **parts), tuple(problems)


def wanted_hours(model: AudioDatasetMixin) -> dict[str, float]:
    """Hours without the keywords that each split should have: those that are listened to."""
    hours = {"test": float(getattr(model, "evaluate_hours", 0.0))}
    return {**hours, "validation": model.validation_hours} if getattr(model, "rank_by", "") == "streams" else hours


def all_stream_sources(model: AudioDatasetMixin) -> Iterator[Source]:
    """Every source that `with_streams` may have asked, with all the clips that it can have wanted."""
    for split, hours in wanted_hours(model).items():
        yield from checked_sources(model.stream_sources(split, hours))


def _heard_hours(clips: Sequence[Clip]) -> float:
    negatives = [clip for clip in clips if clip.label.startswith("_") and clip.label not in _NOT_HEARD]
    return float(np.nansum(lengths_s(negatives))) / 3600


def _streamed(clip: Clip, split: str) -> Clip:
    return replace(clip, label=STREAM_LABEL, group=f"streams/{split}/{clip.group}", split=split)
