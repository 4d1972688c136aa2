"""The figure that ranks checkpoints."""

from pathlib import Path

import numpy as np
import pytest
import toys
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from toys import write_toy

import mltk_like as mltk
from mltk_like.audio import FrontendSettings
from mltk_like.errors import DataError
from mltk_like.training.ranking import FALSE_SHARES, missed_share
from mltk_like.training.stream_ranking import RankingStream, loudest

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS

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


def test_the_loudest_moments_of_a_stream_are_apart() -> None:
    levels = np.array([0.1, 0.9, 0.8, 0.2, 0.7, np.nan], np.float32)
    assert loudest(levels, 3, 1) == [np.inf, pytest.approx(0.9), pytest.approx(0.2)]
    assert loudest(levels[:5], 2, 0) == [pytest.approx(0.9), pytest.approx(0.8)]
    assert loudest(levels[:5], 2, 9) == [pytest.approx(0.9), -np.inf]


SETTINGS = FrontendSettings(
    sample_rate_hz=8000, sample_length_ms=400, window_size_ms=32, window_step_ms=20, filterbank_n_channels=8,
    filterbank_upper_band_limit=3800.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def stream() -> RankingStream:
    """An hour of noise with three bursts."""
    rng = np.random.default_rng(1)
    blocks = [(rng.standard_normal(8000 * 60) * 20).astype(np.int16) for _ in range(60)]
    for number, factor in enumerate((5, 25, 125)):
        blocks[20 * number + 5][:8000] *= factor
    return RankingStream(SETTINGS, blocks, 1000)


def loudness(windows: np.ndarray) -> np.ndarray:
    """A net that hears how loud a window is."""
    level = (windows.astype(np.float32).mean(axis=(1, 2, 3)) + 128) / 255
    return np.stack([level, 1 - level], axis=1)


def test_misses_are_counted_where_false_accepts_are_few(stream: RankingStream) -> None:
    assert stream.hours == pytest.approx(1.0, rel=1e-3)
    heard = stream._levels(loudness, DETECTED)
    highest = loudest(heard, 4, 5)
    assert highest == sorted(set(highest), reverse=True)
    # None, one and two false accepts in the hour: a word between two bursts is found from some rate on.
    own = np.array([2.0, *(np.mean(highest[n : n + 2]) for n in range(3))], np.float32)
    assert stream.missed_share(loudness, own, DETECTED) == pytest.approx((3 / 4 + 2 / 4 + 1 / 4) / 3)


def test_a_net_that_diverged_misses_all(stream: RankingStream) -> None:
    def nothing(windows: np.ndarray) -> np.ndarray:
        return np.full((len(windows), 2), np.nan, np.float32)

    assert stream.missed_share(nothing, np.full(3, 0.9, np.float32), DETECTED) == 1.0
    assert stream.missed_share(loudness, np.full(3, np.nan, np.float32), DETECTED) == 1.0


def test_too_little_sound_is_refused() -> None:
    with pytest.raises(DataError, match="no sound without the keywords"):
        RankingStream(SETTINGS, [np.zeros(800, np.int16)], 1000)


@pytest.mark.slow
def test_the_last_checkpoint_is_exported_where_it_is_wanted(
    shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # At such a rate a checkpoint is seldom better than the one before.
    settings = "epochs = 6\nsteps_per_epoch = 2\nlearning_rate = 0.3\nrank_by = 'last'\nscore_temperature = 2.0"
    path = write_toy(tmp_path / "models", settings=settings)
    result = mltk.train(str(path), workers=0, progress=False, evaluate=False)
    assert result.best_epoch == len(result.history["val_misses"]) == 6


@pytest.mark.slow
def test_a_training_is_ranked_by_its_stream(
    shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_toy(tmp_path / "models", settings="epochs = 2\nsteps_per_epoch = 2\nrank_by = 'streams'")
    result = mltk.train(str(path), workers=0, progress=False, evaluate=False)
    misses = result.history["val_stream_misses"]
    assert len(misses) == 2
    assert misses[result.best_epoch - 1] == min(misses)
    assert "val_stream_misses" in (result.folder / "train" / "history.json").read_text()
