"""False accepts as a threshold is chosen by them: what an engine spoke says less of people than recordings do.

Word salad by the voices that also say the keyword in the training is what a detector confuses with it most. Four
detectors whose own test gave 2 false accepts an hour, nearly all of them by synthetic voices, gave 0 to 0.9 on 2.3
hours of people, 0.3 on average (docs/evaluation.md). A threshold for 0.5 an hour of the one is too careful for the
other.
"""

from collections.abc import Iterator
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.data.source import STREAM_LABEL
from mltk_like.evaluation.judge import ScoredTests
from mltk_like.evaluation.streams import ScoredStream

SYNTHETIC = 0.25
"""What a false accept by a synthetic voice counts, where recordings of people were heard as well."""

PEOPLE_HOURS = 1.0
"""So much of people must be heard for that. Of a detector that met none, nothing is known but the synthetic voices."""


def weighs(scored: ScoredTests) -> bool:
    """Whether false accepts by synthetic voices count less than those in recordings."""
    negatives = scored.tests.negatives
    people = sum(
        seconds
        for clip, seconds in zip(negatives, scored.seconds, strict=True)
        if "engine" not in clip.details and clip.label in (STREAM_LABEL, "_unknown_")
    )
    return people >= 3600 * PEOPLE_HOURS and any("engine" in clip.details for clip in negatives)


def weighed(
    scored: ScoredTests, every: NDArray[np.int64], settings: RecogniserSettings, merge_ms: int
) -> NDArray[np.float64]:
    """False accepts at each of the 255 thresholds, float64 (255,), as they count against a rate over all hours.

    Where synthetic voices count less, a rate must be kept in the recordings alone as well: `recorded / their hours`.

    Args:
        scored: scores of the model.
        every: int64 (255,): all of its false accepts.
        settings: the recogniser that they are of.
        merge_ms: false accepts no later than this after a counted one are part of it.
    """
    if not weighs(scored):
        return every.astype(np.float64)
    parts = list(_spoken(scored))
    # Cut out of the row, a stretch may have one event more or less at its ends.
    synthetic = np.minimum(scored.false_accepts(settings, merge_ms, parts), every)
    recorded = every - synthetic
    hours = scored.hours - sum(part.duration_s for part in parts) / 3600
    counted: NDArray[np.float64] = np.maximum(recorded + SYNTHETIC * synthetic, recorded * scored.hours / hours)
    return counted


def _spoken(scored: ScoredTests) -> Iterator[ScoredStream]:
    """The stretches of the negatives that engines spoke."""
    row = scored.negatives
    if row is None:
        return
    starts = [*scored.starts_s, row.duration_s]
    spoken = ["engine" in clip.details for clip in scored.tests.negatives]
    for wanted, run in groupby(range(len(spoken)), spoken.__getitem__):
        numbers = list(run)
        if wanted:
            begin, end = starts[numbers[0]], starts[numbers[-1] + 1]
            part = slice(*np.searchsorted(row.times_ms, (1000 * begin, 1000 * end)))
            yield ScoredStream(scores=row.scores[part], times_ms=row.times_ms[part], duration_s=end - begin)
