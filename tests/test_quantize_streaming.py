"""`quantize --streaming`: a finished `.tflite`, or a model's own, as one that keeps rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from int8_nets import SAME, Net

import mltk_like as mltk
from mltk_like.audio import FrontendSettings, RecogniserSettings
from mltk_like.cli import main
from mltk_like.errors import ModelError, SettingError
from mltk_like.tflite import STREAMING_ROWS, NetInput, TfliteModel, read_parameters, write_parameters

pytestmark = toys.TENSORFLOW_WARNINGS
FRONTEND = FrontendSettings(
    sample_length_ms=412, window_size_ms=32, window_step_ms=20, filterbank_n_channels=16, noise_reduction_enable=True
)
RECOGNISER = RecogniserSettings(latency_ms=40)


def windows_net(*, padding: bool = False) -> bytes:
    """20 rows of 16 bands, two classes."""
    net = Net((1, 20, 1, 16))
    x = net.conv(net.input, 8, (4, 1), stride=(2, 1), padding=SAME if padding else 1)
    x = net.conv(net.depthwise(x, (3, 1)), 8)
    return net.model(net.flat_dense(x, 2))


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.tflite"
    path.write_bytes(windows_net())
    return path


def test_a_finished_file(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, output = finished.read_bytes(), tmp_path / "deep" / "rows.tflite"
    assert main(["quantize", str(finished), "--streaming", "-o", str(output)]) == 0
    printed = capsys.readouterr().out
    assert f"written: {output} ({output.stat().st_size / 1000:.1f} kB)\n" in printed
    assert "2 new of 20 rows an inference: 712 MACs instead of 5.336 k" in printed
    assert "the same bytes as on whole windows, 51 of 51" in printed
    assert finished.read_bytes() == before
    parameters = read_parameters(output.read_bytes())
    assert parameters[STREAMING_ROWS] == 2
    assert int(str(parameters["runtime_memory_size"])) > 1000


def test_what_runs_windows_runs_it(finished: Path, tmp_path: Path) -> None:
    """The parameters go along, and each window's scores are to the byte those of the old net."""
    whole = write_parameters(
        finished.read_bytes(), {"classes": ["a", "b"], **FRONTEND.to_parameters(), **RECOGNISER.to_parameters()}
    )
    finished.write_bytes(whole)
    mltk.quantize(finished, output=tmp_path / "rows.tflite", streaming=True)
    rows = (tmp_path / "rows.tflite").read_bytes()
    assert {**read_parameters(whole), STREAMING_ROWS: 2}.items() <= read_parameters(rows).items()
    columns = np.random.default_rng(0).integers(-128, 128, (60, 16), dtype=np.int8)
    windows = np.stack([columns[i : i + 20] for i in (0, 2, 4, 12, 40, 3)])
    inputs, ends = NetInput(rows)(windows)
    found = TfliteModel(rows, exact=True).predict(inputs)[ends]
    assert np.array_equal(found, TfliteModel(whole, exact=True).predict(windows[:, :, np.newaxis]))


def test_the_net_of_windows_is_not_written_over(finished: Path) -> None:
    before = finished.read_bytes()
    with pytest.raises(ModelError, match="does not replace the one of whole windows"):
        mltk.quantize(finished, output=finished, streaming=True)
    assert finished.read_bytes() == before


def test_settings_that_do_not_go_with_it(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "rows.tflite"
    odd = {**FRONTEND.to_parameters(), **RECOGNISER.copy(latency_ms=50).to_parameters()}
    finished.write_bytes(write_parameters(finished.read_bytes(), odd))
    with pytest.raises(SettingError, match="latency_ms=50 is no multiple of the 40 ms"):
        mltk.quantize(finished, output=output, streaming=True)
    finished.write_bytes(windows_net(padding=True))
    with pytest.raises(ModelError, match=r"layer 0 \(conv_2d, .* pads 2 rows in time"):
        mltk.quantize(finished, output=output, streaming=True)
    with pytest.raises(ModelError, match="does not replace the one of whole windows"):
        mltk.quantize(finished, streaming=True)
    with pytest.raises(ModelError, match="holds no float net"):
        mltk.quantize(finished, output=output, streaming=True, remake=True)
    assert not output.exists()


class Windowed(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    classes = ("beep", "_unknown_")
    frontend = FRONTEND
    recogniser = RECOGNISER

    def network(self) -> Any:
        """What people write: strides, dilation, branches cropped to the newest rows, a mean over time."""
        import keras
        from keras import layers

        inputs = keras.Input(self.input_shape)
        x = layers.Conv2D(8, (4, 1), strides=(2, 1), activation="relu")(inputs)
        x = layers.BatchNormalization()(layers.DepthwiseConv2D((2, 1), dilation_rate=(2, 1))(x))
        long = layers.DepthwiseConv2D((3, 1), activation="relu")(x)
        x = layers.Concatenate()([layers.Cropping2D(((2, 0), (0, 0)))(x), long])
        x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 1, activation="relu")(x))
        return keras.Model(inputs, layers.Dense(self.n_classes, activation="softmax")(x))


@pytest.mark.slow
def test_a_net_of_keras(tmp_path: Path) -> None:
    result = mltk.quantize(Windowed(), output=tmp_path / "rows.tflite", build=True, streaming=True)
    assert result.streaming is not None
    assert (result.streaming.rows, result.streaming.window_rows, result.streaming.windows) == (2, 20, 51)
    assert result.streaming.macs * 4 < result.streaming.whole_macs
    assert "ranges from random windows" in str(result)
