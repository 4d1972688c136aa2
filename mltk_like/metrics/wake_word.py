"""The counting rule of MLPerf Tiny's streaming wake word: words found, words missed, false detections.

Source: `benchmark/training/streaming_wakeword/str_ww_util.py` of mlcommons/tiny, which counts in samples what is
counted here in results of the detector. Boards are counted by another program there, which gives a word more time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

FOUND_WITHIN_MS = 500
"""A word is found by a detection from its begin to so long after its end."""

EXCUSED_MS = 1000
"""A detection so long after the end of a word is no false one, whether it found the word or not."""

JOINED_MS = 1000
"""False detections less than this after a counted one are part of it; the next one after that is counted again."""


@dataclass(frozen=True, kw_only=True)
class WakeWordCount:
    """What was counted.

    Attributes:
        found: one for each word.
        false_ms: when each false detection begins.
    """

    found: tuple[bool, ...]
    false_ms: tuple[int, ...]

    @property
    def hits(self) -> int:
        """Words found."""
        return sum(self.found)

    @property
    def misses(self) -> int:
        """Words not found."""
        return len(self.found) - self.hits


def count_wake_words(times_ms: ArrayLike, words: Sequence[tuple[float, float]]) -> WakeWordCount:
    """Count by the benchmark's rule.

    A detection may find two words where they stand close together, and any number of detections find one word.

    Args:
        times_ms: (n,) times in ms at which the detector is on, in any order: each detection of a recogniser, or each
            result of a net that is above a threshold.
        words: begin and end of each in seconds.
    """
    times = np.sort(np.asarray(times_ms, dtype=np.int64))
    # Rounded to microseconds: 1000 times 1.001 is less than 1001.
    spans = np.round(1000 * np.asarray(words, dtype=np.float64).reshape(-1, 2), 3)
    first = np.searchsorted(times, spans[:, 0], side="left")
    found = np.searchsorted(times, spans[:, 1] + FOUND_WITHIN_MS, side="right") > first
    excused = np.zeros(len(times), dtype=np.bool_)
    for begin, end in zip(first, np.searchsorted(times, spans[:, 1] + EXCUSED_MS, side="right"), strict=True):
        excused[begin:end] = True
    false: list[int] = []
    for time in times[~excused].tolist():
        if not false or time - false[-1] >= JOINED_MS:
            false.append(time)
    return WakeWordCount(found=tuple(found.tolist()), false_ms=tuple(false))
