"""LiteRT through TfliteModel: shapes, quantisation, threads, exactness against TFLM's own Python API."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mltk_like.errors import DataError, ModelError
from mltk_like.tflite.interpreter import TfliteModel

DATA = Path(__file__).parent / "data" / "tflite"
MODELS = ["tiny_conv", "tiny_tenet"]


def rows(model: TfliteModel, count: int, seed: int = 0) -> npt.NDArray[np.int8]:
    return np.random.default_rng(seed).integers(-128, 128, (count, *model.input_shape[1:])).astype(np.int8)


def test_properties() -> None:
    model = TfliteModel(DATA / "tiny_tenet.tflite")
    assert model.input_shape == (1, 20, 1, 8)
    assert model.output_shape == (1, 2)
    assert model.input_dtype == model.output_dtype == np.int8
    assert model.input_quantization == (1.0, 0)
    assert model.output_quantization == (1 / 256, -128)


def test_exact_equals_tflm() -> None:
    pytest.importorskip("tflite_micro")
    from tflite_micro import runtime

    model = TfliteModel(DATA / "tiny_conv.tflite", exact=True)
    x = rows(model, 300)
    tflm = runtime.Interpreter.from_file(str(DATA / "tiny_conv.tflite"))
    expected = []
    for row in x:
        tflm.set_input(row[None], 0)
        tflm.invoke()
        expected.append(tflm.get_output(0)[0])
    got = model.predict(x)
    assert len(np.unique(got, axis=0)) > 20
    assert np.array_equal(got, np.array(expected))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("count", [0, 1, 31, 101])
def test_threads_change_nothing(name: str, count: int) -> None:
    one, three = (TfliteModel(DATA / f"{name}.tflite", threads=n) for n in (1, 3))
    x = rows(one, count)
    got = three.predict(x)
    assert got.shape == (count, *one.output_shape[1:])
    assert got.dtype == np.int8
    assert np.array_equal(got, one.predict(x))
    assert np.array_equal(got, np.concatenate([one.predict(x[i : i + 1]) for i in range(count)] or [got]))


def test_floats_are_quantised_half_away_from_zero() -> None:
    model = TfliteModel(DATA / "tiny_tenet.tflite")
    x = np.array([-0.5, 0.5, 1.5, -2.5, 0.49, 300.0, -300.0], np.float32)
    assert model.quantize(x).tolist() == [-1, 1, 2, -3, 0, 127, -128]
    ints = rows(model, 5)
    assert np.array_equal(model.predict(ints.astype(np.float32)), model.predict(ints))


def test_probabilities() -> None:
    model = TfliteModel(DATA / "tiny_conv.tflite")
    probabilities = model.predict_float(rows(model, 50))
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (50, 4)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=0.02)
    assert np.array_equal(probabilities * 256 - 128, model.predict(rows(model, 50)))


def test_wrong_rows_are_refused() -> None:
    model = TfliteModel(DATA / "tiny_conv.tflite")
    with pytest.raises(DataError, match="shape"):
        model.predict(np.zeros((1, 16, 8), np.int8))
    with pytest.raises(DataError, match="int8 input, not int16"):
        model.predict(np.zeros((1, 16, 8, 1), np.int16))
    with pytest.raises(DataError, match="not finite"):
        model.predict(np.full((1, 16, 8, 1), np.nan))


def test_bad_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read"):
        TfliteModel(tmp_path / "missing.tflite")
    with pytest.raises(ModelError, match=r"not a \.tflite file"):
        TfliteModel(b"nothing")
