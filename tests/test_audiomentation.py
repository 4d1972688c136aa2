"""audiomentations' transforms as effects: chance from `rng` alone, in workers too."""

import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio import effects
from mltk_like.errors import MltkLikeError, SettingError, ToolError
from mltk_like.feed.pool import Feed, Task
from mltk_like.feed.windows import SplitFiles
from mltk_like.loader import load_file
from mltk_like.settings import overrides_to_json

Write = Callable[..., Path]
pytestmark = pytest.mark.filterwarnings("ignore")  # audiomentations' own

TRANSFORMS = {
    "Gain": {"min_gain_db": -12.0, "max_gain_db": 12.0, "p": 1.0},
    "AddGaussianNoise": {"min_amplitude": 0.001, "max_amplitude": 0.1, "p": 1.0},
    "TanhDistortion": {"p": 1.0},
    "PitchShift": {"min_semitones": -4, "max_semitones": 4, "p": 1.0},
    "Shift": {"p": 1.0},
}


def noise(seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(8000) * 0.1).astype(np.float32)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_chance_comes_from_rng_alone(name: str) -> None:
    effect = effects.audiomentation(name, **TRANSFORMS[name])
    first = effect(noise(), np.random.default_rng(5))
    random.seed(99)
    np.random.seed(99)  # noqa: NPY002
    state = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    again = effect(noise(), np.random.default_rng(5))
    assert np.array_equal(first, again)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == state, "the global state was changed"  # type: ignore[index]  # noqa: NPY002
    assert not np.array_equal(first, effect(noise(), np.random.default_rng(6)))
    assert (first.dtype, first.shape) == (np.float32, (8000,))


def test_the_samples_given_stay_as_they_are() -> None:
    samples = noise()
    effects.audiomentation("Gain", min_gain_db=6.0, max_gain_db=6.0, p=1.0)(samples, np.random.default_rng(0))
    assert np.array_equal(samples, noise())


def test_a_composition_that_is_made_already() -> None:
    import audiomentations

    both = audiomentations.Compose([audiomentations.PolarityInversion(p=1.0), audiomentations.Gain(6.0, 6.0, p=1.0)])
    changed = effects.audiomentation(both)(noise(), np.random.default_rng(0))
    assert changed == pytest.approx(-noise() * 10 ** (6 / 20), rel=1e-3)
    with pytest.raises(SettingError, match="made already"):
        effects.audiomentation(both, p=0.5)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(SettingError, match="audiomentations has no 'Gian'") as caught:
        effects.audiomentation("Gian")(noise(), np.random.default_rng(0))
    assert "Gain" in (caught.value.hint or "")
    with pytest.raises(SettingError, match=r"audiomentations\.Gain: .*volume"):
        effects.audiomentation("Gain", volume=3)(noise(), np.random.default_rng(0))


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    effect = effects.audiomentation("Gain")  # nothing is imported yet
    monkeypatch.setitem(sys.modules, "audiomentations", None)
    with pytest.raises(ToolError, match="audiomentations is missing") as caught:
        effect(noise(), np.random.default_rng(0))
    assert caught.value.hint == "pip install 'mltk_like[augment]'"


MODEL = """
import mltk_like as mltk
from mltk_like.audio import FrontendSettings, effects

higher = effects.audiomentation("PitchShift", min_semitones=-3, max_semitones=3, p=0.7)
noisier = effects.audiomentation("AddGaussianNoise", min_amplitude=0.001, max_amplitude=0.05, p=0.7)


class Toy(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin):
    classes = ("yes", "_unknown_")
    frontend = FrontendSettings(sample_length_ms=300, window_size_ms=30, window_step_ms=15, filterbank_n_channels=12)
    warm_up_ms = 100

    def augment_clip(self, clip, rng, sounds):
        return higher(clip, rng)

    def augment(self, scene, rng, sounds):
        return noisier(scene, rng)

    def augment_features(self, features, rng):
        return effects.mask_spectrogram(features, rng)


my_model = Toy()
"""


# A worker imports audiomentations, which takes seconds.
@pytest.mark.parametrize(
    "workers", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
def test_the_same_bytes_in_workers(model_file: Write, split_files: SplitFiles, workers: int) -> None:
    model = load_file(model_file(MODEL))
    found = []
    for number in (0, workers):
        with Feed(model, split_files, workers=number, overrides=overrides_to_json(model)) as feed:
            batches = list(feed.batches(Task(first=first, count=4) for first in range(0, 20, 4)))
        found.append(b"".join(batch.features.tobytes() for batch in batches))
    assert found[0] == found[1]


def test_an_unknown_transform_is_no_clips_fault(model_file: Write, split_files: SplitFiles) -> None:
    path = model_file(MODEL.replace('"PitchShift", min_semitones=-3, max_semitones=3', '"Pitch"'))
    with (
        pytest.raises(MltkLikeError, match=r"^audiomentations has no 'Pitch'"),
        Feed(load_file(path), split_files, workers=0) as feed,
    ):
        list(feed.batches([Task(first=0, count=8)]))


@pytest.mark.parametrize("body", ["features[:3]", "features.astype(float)", "None"])
def test_masked_features_are_checked(model_file: Write, split_files: SplitFiles, body: str) -> None:
    path = model_file(MODEL.replace("effects.mask_spectrogram(features, rng)", body))
    with (
        pytest.raises(MltkLikeError, match="augment_features returned another shape or type"),
        Feed(load_file(path), split_files, workers=0) as feed,
    ):
        list(feed.batches([Task(first=0, count=2)]))
