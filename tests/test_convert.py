"""From float to int8: the input as the front end gives it, the same decisions, the parameters of a device inside."""

import datetime
import hashlib
from typing import Any

import numpy as np
import pytest
import toys
from numpy.typing import NDArray
from toys import Trained

import mltk_like as mltk
from mltk_like.audio import FrontendSettings, RecogniserSettings
from mltk_like.errors import CheckError, SettingError, ToolError
from mltk_like.quiet import import_tensorflow
from mltk_like.tflite import TfliteModel, read_description, read_parameters, run_tflm, write_parameters
from mltk_like.training.convert import embed, stamp, to_tflite

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS


@pytest.fixture(scope="module")
def net() -> Any:
    """A net of 2 x 3 inputs."""
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(3)
    inputs = keras.Input((2, 1, 3))
    x = keras.layers.Conv2D(4, (2, 1))(inputs)
    return keras.Model(inputs, keras.layers.Softmax()(keras.ops.reshape(x, (-1, 4))))


def windows(count: int = 20) -> NDArray[np.int8]:
    return np.random.default_rng(0).integers(-30, 30, (count, 2, 1, 3), dtype=np.int8)


def test_the_input_is_taken_as_it_is(trained: Trained, net: Any) -> None:
    for data in (trained.tflite.read_bytes(), to_tflite(net, windows())):
        model = TfliteModel(data)
        scale, zero = model.input_quantization
        assert scale == pytest.approx(1.0, abs=1e-3)
        assert zero == 0
        assert (model.input_dtype.name, model.input_shape[0]) == ("int8", 1)


def test_quiet_or_silent_calibration_changes_nothing(net: Any) -> None:
    scale, zero = TfliteModel(to_tflite(net, np.full((5, 2, 1, 3), -128, np.int8))).input_quantization
    assert (round(scale, 3), zero) == (1.0, 0)


def test_windows_that_are_no_int8_are_noticed(net: Any) -> None:
    wrong: Any = windows().astype(np.float32) * 20
    with pytest.raises(CheckError, match="the converted input has scale") as caught:
        to_tflite(net, wrong)
    assert caught.value.exit_code == 1


def test_int8_decides_as_float_does(trained: Trained) -> None:
    import keras

    calibration = toys.arrays(trained.result.folder / "train" / "calibration.npz")["windows"]
    assert (calibration.dtype.name, calibration.shape) == ("int8", (48, 19, 1, 16))
    exact = keras.saving.load_model(trained.result.folder / "toy.keras")(calibration.astype(np.float32)).numpy()
    found = TfliteModel(trained.tflite).predict(calibration)
    probabilities = (found.astype(np.float32) + 128) / 256
    assert np.abs(probabilities - exact).mean() < 0.03
    assert (probabilities.argmax(axis=1) == exact.argmax(axis=1)).mean() > 0.95


def test_a_device_finds_its_parameters(trained: Trained) -> None:
    data = trained.tflite.read_bytes()
    model = mltk.load_model(trained.path)
    found = read_parameters(data)
    assert read_description(data) == "hears beeps"
    assert (found["name"], found["version"], found["classes"]) == ("toy", 3, ["beep", "_unknown_"])
    assert (found["colour"], found["factor"]) == ("green", 0.5)
    assert len([key for key in found if key.startswith("fe.")]) == 28
    assert FrontendSettings.from_parameters(found) == FrontendSettings.from_parameters(embedded(model))
    assert RecogniserSettings.from_parameters(found) == model.recogniser  # type: ignore[attr-defined]
    assert found["runtime_memory_size"] == run_tflm(data, profile=False, repeat=1).arena_bytes
    date = datetime.datetime.fromisoformat(str(found["date"]))
    assert datetime.timedelta(0) < datetime.datetime.now(datetime.UTC) - date < datetime.timedelta(hours=1)


def embedded(model: mltk.Model) -> dict[str, Any]:
    """Parameters as they read back: floats have 32 bits there."""
    values = dict(model.embedded_parameters())
    return {key: float(np.float32(value)) if isinstance(value, float) else value for key, value in values.items()}


def test_the_hash_is_that_of_the_file_with_hash_and_date_blank(trained: Trained) -> None:
    data = trained.tflite.read_bytes()
    found = read_parameters(data)
    blank = write_parameters(data, {**found, "hash": "", "date": ""})
    assert hashlib.md5(blank).hexdigest() == found["hash"]
    # Another description or parameter is another hash; another day is not.
    again = read_parameters(stamp(data, {k: v for k, v in found.items() if k not in ("hash", "date")}, None))
    assert again["hash"] == found["hash"]
    assert read_parameters(stamp(data, {"colour": "red"}, None))["hash"] != found["hash"]
    assert read_parameters(stamp(data, {"colour": "red"}, "x"))["hash"] != found["hash"]


def test_a_machine_without_tflm_leaves_the_arena_out(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*unused: Any, **unused_too: Any) -> None:
        raise ToolError("not installed")

    monkeypatch.setattr("mltk_like.training.convert.run_tflm", missing)

    class Bare(mltk.Model):
        classes = ("a", "b")

    assert "runtime_memory_size" not in read_parameters(embed(to_tflite(net, windows()), Bare()))


def test_a_parameter_that_cannot_be_stored(trained: Trained) -> None:
    with pytest.raises(SettingError):
        stamp(trained.tflite.read_bytes(), {"nested": {"a": 1}}, None)
