"""The figure that ranks checkpoints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mltk_like.training.ranking import FALSE_SHARES, missed_share

DETECTED = np.array([True, False])


def windows(own: np.ndarray, false: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores and labels of keyword windows (class 0) and other windows (class 1)."""
    first = np.concatenate([own, false]).astype(np.float32)
    return np.stack([first, 1 - first], axis=1), np.repeat([0, 1], [len(own), len(false)])


def test_a_perfect_detector_misses_nothing_and_a_dead_one_everything() -> None:
    assert missed_share(*windows(np.full(50, 0.9), np.full(500, 0.1)), DETECTED) == 0.0
    assert missed_share(*windows(np.full(50, 0.5), np.full(500, 0.5)), DETECTED) == 1.0
    assert missed_share(*windows(np.full(50, 0.1), np.full(500, 0.9)), DETECTED) == 1.0


def test_counted_by_hand() -> None:
    false = np.arange(1000) / 1000  # the 1st, 3rd and 10th false score from the top: 0.998, 0.996, 0.989
    own = np.array([0.9985, 0.997, 0.99, 0.5])
    assert [int(share * 1000) for share in FALSE_SHARES] == [1, 3, 10]
    assert missed_share(*windows(own, false), DETECTED) == pytest.approx((3 / 4 + 2 / 4 + 1 / 4) / 3)


def test_each_keyword_is_judged_by_its_own_class_and_others_by_the_worst() -> None:
    scores = np.array([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.0, 0.6, 0.4], [0.3, 0.0, 0.7]], np.float32)
    labels = np.array([0, 1, 2, 2])
    detected = np.array([True, True, False])
    assert missed_share(scores, labels, detected) == 0.0
    assert missed_share(scores[[1, 0, 2, 3]], labels, detected) == 1.0


@pytest.mark.parametrize("label", [0, 1])
def test_without_windows_of_one_sort_it_is_the_error_rate(label: int) -> None:
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], np.float32)
    expected = 0.25 if label == 0 else 0.75
    assert missed_share(scores, np.full(4, label), DETECTED) == pytest.approx(expected)


def test_a_net_that_diverged_is_the_worst() -> None:
    scores, labels = windows(np.full(50, 0.9), np.full(500, 0.1))
    assert missed_share(np.full_like(scores, np.nan), labels, DETECTED) == 1.0
    scores[0] = np.nan
    assert missed_share(scores, labels, DETECTED) == pytest.approx(1 / 50)


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 400))
@hypothesis_settings(deadline=None, max_examples=60)
def test_better_scores_never_rank_worse(seed: int, keywords: int, others: int) -> None:
    rng = np.random.default_rng(seed)
    own, false = rng.random(keywords), rng.random(others)
    before = missed_share(*windows(own, false), DETECTED)
    assert 0 <= before <= 1
    assert missed_share(*windows(np.minimum(own + 0.1, 1), false), DETECTED) <= before
    assert missed_share(*windows(own, false * 0.9), DETECTED) <= before
