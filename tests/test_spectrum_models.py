"""Models with the float32 front end: their settings, their training, and what the `.tflite` carries of it."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from numpy.typing import NDArray

import mltk_like as mltk
from mltk_like.audio import AnySettings, Frontend, FrontendSettings, SpectrumSettings, frontend_from_parameters
from mltk_like.errors import SettingError
from mltk_like.evaluation.streams import StreamScorer
from mltk_like.settings import from_json, overrides_to_json, parse_assignments, to_json
from mltk_like.tflite import read_parameters, write_parameters

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS
TFLITE = Path(__file__).parent / "data" / "tflite"
QUICK: dict[str, Any] = {"workers": 0, "progress": False}
CEPSTRA = (
    "frontend = SpectrumSettings(sample_length_ms=400, window_size_ms=32, window_step_ms=20, mfcc_count=12, "
    "scale_minimum=-300, scale_maximum=150)\nepochs = {epochs}\nsteps_per_epoch = {steps}"
)


class Fixed(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    classes = ("yes", "no")


class Cepstra(Fixed):
    frontend = SpectrumSettings(mfcc_count=13, log="ln")


def assigned(model: mltk.Model, *texts: str) -> AnySettings:
    frontend: AnySettings = parse_assignments(model, texts)["frontend"]
    return frontend


def test_the_command_line_sets_fields_of_either_kind() -> None:
    assert assigned(Cepstra(), "frontend.mfcc_count=12", "frontend.log=none") == SpectrumSettings(
        mfcc_count=12, log="none"
    )
    assert assigned(Fixed(), 'frontend={"mfcc_count": 10}') == SpectrumSettings(mfcc_count=10)
    assert assigned(Cepstra(), 'frontend={"pcan_enable": false}') == FrontendSettings()
    with pytest.raises(SettingError, match="no field 'mfcc_count'"):
        assigned(Fixed(), "frontend.mfcc_count=12")
    with pytest.raises(SettingError, match=r"'frontend\.log': Expected one of 'none', 'ln', 'log1p', 'db'"):
        assigned(Cepstra(), "frontend.log=log2")
    with pytest.raises(SettingError, match=r"has no field 'mfc_count'\nhint: did you mean 'mfcc_count'"):
        assigned(Fixed(), 'frontend={"mfc_count": 10, "cascade": 2}')
    with pytest.raises(SettingError, match="mfcc_count is 41"):
        assigned(Fixed(), 'frontend={"mfcc_count": 41}')
    with pytest.raises(SettingError, match="setting 'frontend'"):
        assigned(Fixed(), "frontend=3")


@pytest.mark.parametrize(
    "frontend", [SpectrumSettings(cascade=2, cascade_slide=False), FrontendSettings(window_step_ms=20)]
)
def test_settings_come_back_from_json(frontend: AnySettings) -> None:
    for cls in (Fixed, Cepstra):
        model = cls().with_settings(frontend=frontend)
        assert from_json(cls(), overrides_to_json(model)).frontend == frontend
        assert to_json(model)["frontend"]["window_step_ms"] == frontend.window_step_ms
        assert model.input_shape == (frontend.spectrogram_shape[0], 1, frontend.spectrogram_shape[1])
        assert frontend_from_parameters(model.embedded_parameters()) == frontend


def test_parameters_of_a_tflite_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(
        write_parameters(next(TFLITE.glob("*.tflite")).read_bytes(), dict(Cepstra().embedded_parameters()))
    )
    mltk.update_params(path, ["spectrum.mean=1.5"])
    assert frontend_from_parameters(read_parameters(path.read_bytes())) == Cepstra.frontend.copy(
        mean=1.5, log_floor=float(np.float32(1e-10))
    )
    with pytest.raises(SettingError, match="log is 'log2'"):
        mltk.update_params(path, ["spectrum.log=log2"])
    with pytest.raises(SettingError, match="two front ends"):
        mltk.update_params(path, ["fe.window_size_ms=25"])


@pytest.mark.parametrize("slide", [True, False])
def test_a_stream_in_blocks_is_scored_as_a_clip(slide: bool) -> None:
    frontend = SpectrumSettings(sample_length_ms=400, window_step_ms=20, cascade=3, cascade_slide=slide)

    def score(windows: NDArray[np.int8]) -> NDArray[np.uint8]:
        return windows.reshape(len(windows), -1)[:, [0, -1]].view(np.uint8)

    samples = (np.random.default_rng(0).standard_normal(40_000) * 3000).astype(np.int16)
    scorer = StreamScorer(frontend, 100, score)
    clip, stream = scorer.clips([samples])[0], scorer.long(np.array_split(samples, 7))
    np.testing.assert_array_equal(clip.scores, stream.scores)
    np.testing.assert_array_equal(clip.times_ms, np.arange(400, 2501, 100))
    np.testing.assert_array_equal(clip.scores[:1], score(Frontend(frontend)(samples[:6400])[None]))


@pytest.mark.slow
def test_a_model_with_cepstra_trains(shared_cache: None, tmp_path: Path) -> None:
    settings, imports = CEPSTRA.format(epochs=8, steps=10), "from mltk_like.audio import SpectrumSettings"
    toy = toys.write_toy(tmp_path / "models", settings=settings, imports=imports)
    result = mltk.train(str(toy), **QUICK)
    windows = result.evaluations["tflite"].windows
    assert windows is not None
    assert windows.auc[0] > 0.9
    tflite = result.folder / "toy.tflite"
    frontend = frontend_from_parameters(read_parameters(tflite.read_bytes()))
    assert isinstance(frontend, SpectrumSettings)
    assert frontend.spectrogram_shape == (19, 12)
    # What was trained is what the parameters describe, to the bit.
    scene = np.random.default_rng(0).standard_normal(8000).astype(np.float32) * np.float32(0.1)
    trained_with = Frontend(mltk.load_model(toy).frontend)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(Frontend(frontend)(scene), trained_with(scene))
    for form in (result.folder, result.published):
        assert form is not None
        again = mltk.evaluate(form, tflite=True, progress=False)
        assert again.to_dict() == result.evaluations["tflite"].to_dict()


@pytest.mark.slow
def test_a_training_with_cepstra_is_resumed(
    shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = toys.write_toy(tmp_path / "models", settings="epochs = 2\nsteps_per_epoch = 2")
    frontend = SpectrumSettings(sample_length_ms=400, window_step_ms=20, filterbank_n_channels=16)
    monkeypatch.setenv("TOY_INTERRUPT_AT", "1")
    with pytest.raises(KeyboardInterrupt):
        mltk.train(mltk.load_model(toy).with_settings(frontend=frontend), **QUICK, evaluate=False)
    monkeypatch.delenv("TOY_INTERRUPT_AT")
    result = mltk.train(str(toy), **QUICK, evaluate=False, resume=True)
    assert result.folder == Path(os.environ["MLTK_LIKE_RUNS"]) / "toy" / "1"
    found = frontend_from_parameters(read_parameters((result.folder / "toy.tflite").read_bytes()))
    assert found == frontend.copy(log_floor=float(np.float32(1e-10)))
