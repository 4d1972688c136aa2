"""Checkpoints ranked as detectors are judged: misses against false accepts an hour, along a stream.

The words are the augmented validation windows; the stream is sound without them, as it was recorded. On both the scores
of single windows count, without the recogniser's average: a window that was cut out has no neighbours to average with.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.frontend import AnySettings, Frontend
from mltk_like.errors import DataError
from mltk_like.evaluation.streams import Int16, joined
from mltk_like.evaluation.testset import from_split
from mltk_like.feed.windows import SplitFiles

Predict = Callable[[NDArray[np.int8]], NDArray[np.float32]]
"""Windows int8 (n, time, 1, bands) -> probabilities (n, classes)."""

RATES = (0.5, 1.0, 2.0)
"""False accepts an hour at which the misses are counted. Three points make the ranking less noisy than one."""

_STEP_MS = 200
_LONGEST_S = 60.0
_AT_ONCE = 512


class RankingStream:
    """A stream of sound without the keywords, through the front end once; its windows are cut as they are scored.

    An hour of it is 18,000 windows, one each 200 ms. What is kept are the columns that they share: 78 MB an hour with
    108 bands and 10 ms from one to the next.

    Args:
        settings: of the front end.
        blocks: int16 samples in a row.
        merge_ms: of false accepts within this time the highest counts.

    Attributes:
        hours: of sound.

    Raises:
        DataError: the sound is shorter than a window.
    """

    def __init__(self, settings: AnySettings, blocks: Iterable[Int16], merge_ms: int) -> None:
        self._frontend = Frontend(settings, settings.column_type)
        stream = self._frontend.stream()
        columns: list[NDArray[Any]] = [stream.push(block) for block in blocks]
        step_s = settings.step_samples / settings.sample_rate_hz
        step = max(round(_STEP_MS / 1000 / step_s), 1)
        heard = sum(len(part) for part in columns)
        self._starts = np.arange(0, heard - settings.spectrogram_shape[0] + 1, step)
        if not len(self._starts):
            raise DataError("validation has no sound without the keywords to rank by", "use rank_by='misses'")
        self._columns = np.concatenate(columns)
        self._apart = round(merge_ms / 1000 / (step * step_s))
        self.hours = heard * step_s / 3600

    def missed_share(self, predict: Predict, own: NDArray[np.float32], detected: NDArray[np.bool_]) -> float:
        """Mean share of keyword windows below the thresholds that give 0.5, 1 and 2 false accepts an hour.

        Args:
            predict: the net.
            own: (n,) probability of each keyword window's own class.
            detected: (classes,) which are detected.

        Returns:
            A share in 0..1; NaN scores of a net that diverged count as misses and as false accepts.
        """
        # An hour but for some seconds is an hour.
        allowed = [int(rate * self.hours + 0.05) for rate in RATES]
        levels = loudest(self._levels(predict, detected), max(allowed) + 1, self._apart)
        return float(np.mean([(~(own > levels[count])).mean() for count in allowed]))

    def _levels(self, predict: Predict, detected: NDArray[np.bool_]) -> NDArray[np.float32]:
        """The highest probability of a detected class in each window."""
        parts = []
        for first in range(0, len(self._starts), _AT_ONCE):
            windows = self._frontend.windows(self._columns, self._starts[first : first + _AT_ONCE])
            parts.append(predict(windows[:, :, np.newaxis, :])[:, detected].max(axis=1))
        return np.concatenate(parts)


def loudest(levels: NDArray[np.float32], count: int, apart: int) -> list[float]:
    """The `count` highest levels of a stream, none within `apart` steps of a higher one; -inf where it has no more."""
    rest = np.nan_to_num(levels, nan=np.inf)
    found = []
    for _ in range(count):
        at = int(rest.argmax())
        found.append(float(rest[at]))
        rest[max(at - apart, 0) : at + apart + 1] = -np.inf
    return found


def ranking_stream(
    files: SplitFiles, settings: AnySettings, hours: float, *, merge_ms: int, seed: int
) -> RankingStream:
    """The stream of a split: its clips without a keyword in random order, a minute of each at most.

    Args:
        files: the split.
        settings: of the front end.
        hours: of sound at most, but for the gaps between clips.
        merge_ms: see `RankingStream`.
        seed: of the order.

    Raises:
        DataError: there is no such clip, or it cannot be read.
    """
    rate = settings.sample_rate_hz
    tests = from_split(files, (), (), rate, (), "validation")
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x57E]))

    def recordings() -> Iterator[list[Int16]]:
        left = round(hours * 3600 * rate)
        for number in rng.permutation(len(tests.negatives)):
            if left <= 0:
                return
            taken = list(_first(tests.read(int(number)), min(left, round(_LONGEST_S * rate))))
            left -= sum(map(len, taken))
            yield taken

    return RankingStream(settings, joined(recordings(), rate, rng), merge_ms)


def _first(blocks: Iterable[Int16], length: int) -> Iterator[Int16]:
    """The first samples of a recording."""
    for block in blocks:
        yield block[:length]
        length -= len(block)
        if length <= 0:
            return
