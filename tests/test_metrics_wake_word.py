"""The counting rule of MLPerf Tiny's streaming wake word, against one that goes through a stream sample by sample."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mltk_like.metrics.wake_word import WakeWordCount, count_wake_words

WORDS = [(1.0, 1.648), (4.0, 4.762), (7.0, 7.359)]


def slowly(on_ms: NDArray[np.int64], words: list[tuple[int, int]], length_ms: int) -> WakeWordCount:
    """The rule in the words of the benchmark: a signal that is on or off in every millisecond, masked and walked."""
    on = np.zeros(length_ms + 3000, dtype=np.bool_)
    on[on_ms] = True
    found = tuple(bool(on[start : end + 501].any()) for start, end in words)
    for start, end in words:
        on[start : end + 1001] = False
    false, time = [], 0
    while time < len(on):
        if on[time]:
            false.append(time)
            time += 1000
        else:
            time += 1
    return WakeWordCount(found=found, false_ms=tuple(false))


@pytest.mark.parametrize("seed", range(40))
def test_counts_as_a_walk_along_the_stream_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    length = 60_000
    starts = np.cumsum(rng.integers(300, 9000, 8))
    words = [(int(start), int(start + rng.integers(50, 1200))) for start in starts]
    # Bursts and single ones; the edges of the rule more often than chance would have them.
    edges = [edge + offset for s, e in words for edge in (s, e + 500, e + 1000) for offset in (-1, 0, 1)]
    on = np.concatenate(
        [
            rng.integers(0, length, rng.integers(0, 30)),
            (rng.integers(0, length, (3, 1)) + np.arange(0, rng.integers(1, 4000), 32)).ravel(),
            rng.choice(edges, rng.integers(0, 10)),
        ]
    )
    spans = [(start / 1000, end / 1000) for start, end in words]
    counted = count_wake_words(on, spans)
    assert counted == slowly(on, words, max(length, *on, *(e for _, e in words)))
    assert counted == count_wake_words(rng.permutation(np.repeat(on, 2)), spans)
    assert counted.hits + counted.misses == len(words)


@pytest.mark.parametrize(
    ("on_ms", "found", "false_ms"),
    [
        ([], (False, False, False), ()),
        ([1000, 4762, 7359], (True, True, True), ()),
        ([999], (False, False, False), (999,)),
        ([2148], (True, False, False), ()),
        ([2149], (False, False, False), ()),
        ([2648], (False, False, False), ()),
        ([2649], (False, False, False), (2649,)),
        ([3000, 3999], (False, False, False), (3000,)),
        ([9000, 9999, 10000, 10999], (False, False, False), (9000, 10000)),
    ],
)
def test_the_edges(on_ms: list[int], found: tuple[bool, ...], false_ms: tuple[int, ...]) -> None:
    assert count_wake_words(on_ms, WORDS) == WakeWordCount(found=found, false_ms=false_ms)


def test_the_reference_model_on_the_ten_seconds_of_the_benchmark() -> None:
    """When its int8 model is above 0.95, and above 0.9 for the third word, on `short_wav_easy10s.wav`."""
    on = [*range(1408, 2145, 32), 5024]
    assert count_wake_words(on, WORDS) == WakeWordCount(found=(True, True, False), false_ms=())
    assert count_wake_words([*on, 7552], WORDS).hits == 3


def test_a_detector_that_is_always_on_finds_every_word_and_counts_once_a_second() -> None:
    counted = count_wake_words(np.arange(0, 20_000, 32), WORDS)
    assert counted.found == (True, True, True)
    gaps = np.diff(counted.false_ms)
    assert gaps.min() >= 1000
    # 1 s before the first word, 1.35 and 1.24 s between them, 11.64 s after the last, each begun second once.
    assert len(counted.false_ms) == 1 + 2 + 2 + 12


def test_without_words_all_is_false() -> None:
    assert count_wake_words([5, 2000], []) == WakeWordCount(found=(), false_ms=(5, 2000))
