"""Windows that are cut out of labelled clips as they are: plan, scene, maker; class weights of such unbalanced sets."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.feed.plan import EpochPlan, Recipe, plan_cuts
from mltk_like.feed.scene import Stage, cut_out
from mltk_like.feed.store import store_samples
from mltk_like.feed.windows import SplitFiles, WindowMaker
from mltk_like.loader import load_file
from mltk_like.training.class_weights import class_weights

LABELS = ("bell", "_unknown_", "_unknown_", "none of ours", "bell")
LENGTHS = np.array([500, 1000, 120, 800, 99], np.int64)


def plan(epoch: int = 0, *, undersample: bool = False, weights: tuple[float, ...] = ()) -> EpochPlan:
    recipe = Recipe(
        classes=("bell", "_unknown_"), unknown_multiplier=1.5, silence_fraction=0.1, cropped_fraction=0.1, seed=3,
        undersample=undersample,
    )  # fmt: skip
    return plan_cuts(recipe, LABELS, LENGTHS, epoch, window=100, stride=50, weights=weights)


def places(made: EpochPlan) -> list[tuple[int, int]]:
    assert made.starts is not None
    return sorted(zip(made.clips.tolist(), made.starts.tolist(), strict=True))


def test_every_window_of_every_clip_stands_once_in_a_pass() -> None:
    made = plan()
    expected = [(0, at) for at in range(0, 401, 50)] + [(1, at) for at in range(0, 901, 50)] + [(2, 0)]
    assert places(made) == expected
    assert made.labels.tolist() == [0 if clip == 0 else 1 for clip in made.clips]
    assert places(plan(1)) == expected
    assert plan(1).starts.tolist() != made.starts.tolist()  # type: ignore[union-attr]
    assert plan().starts.tolist() == made.starts.tolist()  # type: ignore[union-attr]


def test_the_majority_is_undersampled_afresh_in_each_pass() -> None:
    first, second = plan(undersample=True), plan(1, undersample=True)
    assert np.bincount(first.labels).tolist() == [9, 9]
    assert places(first) != places(second)
    assert set(places(first)) < set(places(plan()))


def test_undersampled_classes_are_mixed_throughout_a_pass() -> None:
    recipe = Recipe(
        classes=("a", "b"), unknown_multiplier=1, silence_fraction=0, cropped_fraction=0, seed=0, undersample=True
    )
    made = plan_cuts(recipe, ("a", "b"), np.array([2000, 40_000]), 0, window=10, stride=10)
    assert np.bincount(made.labels).tolist() == [200, 200]
    assert 80 <= np.count_nonzero(made.labels[:200] == 0) <= 120


def test_a_weight_repeats_a_clips_windows() -> None:
    counts = np.bincount(plan(weights=(2.0, 1.0, 1.0, 1.0, 1.0)).clips, minlength=5)
    assert counts.tolist() == [18, 19, 1, 0, 0]


@given(st.lists(st.floats(0.3, 3.0), min_size=5, max_size=5), st.integers(0, 30))
@settings(deadline=None, max_examples=40)
def test_passes_are_equally_long_whatever_the_weights(weights: list[float], epoch: int) -> None:
    first, other = (plan(n, undersample=True, weights=tuple(weights)) for n in (0, epoch))
    assert len(set(np.bincount(first.labels).tolist())) == 1
    assert np.bincount(first.labels).tolist() == np.bincount(other.labels).tolist()


def test_no_clip_of_any_class_gives_no_window() -> None:
    recipe = Recipe(classes=("a", "b"), unknown_multiplier=1, silence_fraction=0, cropped_fraction=0, seed=0)
    made = plan_cuts(recipe, ("c",), np.array([500]), 0, window=100, stride=50)
    assert len(made) == 0


@given(st.integers(0, 400), st.integers(0, 200))
@settings(deadline=None, max_examples=40)
def test_a_window_is_what_stands_in_the_clip(start: int, warm_up: int) -> None:
    clip = np.arange(1, 501, dtype=np.int16)
    stage = Stage(warm_up=warm_up, window=100, sample_rate_hz=16000, lead_in_fraction=0.0)
    scene = cut_out(stage, clip, start) * 32768
    before = np.concatenate([np.zeros(200), clip])[200 + start - warm_up : 200 + start]
    assert np.array_equal(scene, np.concatenate([before, clip[start : start + 100]]))


MODEL = """
import mltk_like as mltk
from mltk_like.audio import SpectrumSettings


class Cuts(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    classes = ("bell", "_unknown_")
    frontend = SpectrumSettings(sample_length_ms=100, window_size_ms=25, window_step_ms=25, filterbank_n_channels=20)
    warm_up_ms = 0
    window_stride_ms = 50

    def augment_clip(self, clip, rng, sounds):
        raise AssertionError("labelled windows are not to be changed")


my_model = Cuts()
"""


@pytest.fixture
def maker(tmp_path: Path) -> Any:
    (tmp_path / "cuts.py").write_text(MODEL)
    rng = np.random.default_rng(0)
    clips = [(rng.standard_normal(n) * 3000).astype(np.int16) for n in (4000, 8000)]
    store_samples(tmp_path / "speech.i16", clips, 16000)
    files = SplitFiles(speech=tmp_path / "speech.i16", labels=("bell", "_unknown_"), names=("a.wav", "b.wav"))
    return WindowMaker(load_file(tmp_path / "cuts.py"), files), clips


def test_the_maker_gives_the_samples_of_the_clips_untouched(maker: Any) -> None:
    made, clips = maker
    assert made.class_counts().tolist() == [4, 9]
    seen = []
    for index in range(len(made)):
        window = made.window(index)
        clip = clips[0 if window.label == 0 else 1]
        scene = np.rint(window.scene * 32768).astype(np.int16)
        starts = [at for at in range(0, len(clip) - 1600 + 1, 800) if np.array_equal(clip[at : at + 1600], scene)]
        assert len(starts) == 1
        seen.append((window.label, starts[0]))
    assert len(set(seen)) == 13


def test_a_batch_is_the_windows(maker: Any) -> None:
    made, _ = maker
    batch = made.batch(5, 4)
    for row in range(4):
        window = made.window(5 + row)
        assert np.array_equal(batch.features[row], window.features)
        assert batch.labels[row] == window.label


def test_sqrt_balanced_weights_are_the_pages() -> None:
    model = SimpleNamespace(class_weights="sqrt-balanced", classes=("bell", "_unknown_"))
    weights = class_weights(model, np.array([100, 5100]))
    assert weights == pytest.approx([np.sqrt(51), 1 / np.sqrt(51)])
    three = class_weights(
        SimpleNamespace(class_weights="sqrt-balanced", classes=("a", "b", "c")), np.array([1, 10, 100])
    )
    assert three == pytest.approx([10, 1, 0.1])
    assert np.isfinite(class_weights(model, np.array([0, 5]))).all()
