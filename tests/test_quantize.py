"""`quantize`: the conversion again, from a run folder, an archive, other weights, or none at all."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import toys
from toys import Trained

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.cli import main
from mltk_like.errors import ModelError
from mltk_like.tflite import TfliteModel, read_parameters
from mltk_like.verbs import quantize as quantize_module
from mltk_like.verbs.quantize import convert_float
from mltk_like.verbs.shared.building import open_net

pytest_plugins = ["toy_fixtures"]
pytestmark = [*toys.TENSORFLOW_WARNINGS, pytest.mark.slow]  # each works on a trained run


def outputs(data: bytes) -> np.ndarray:
    windows = np.random.default_rng(0).integers(-128, 127, (40, 19, 1, 16), dtype=np.int8)
    return TfliteModel(data).predict(windows)


@pytest.mark.slow
def test_a_run_folder_gives_what_its_training_gave(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The run keeps the windows that set the ranges: no data is made again.
    monkeypatch.delattr(quantize_module, "collect")
    before = trained.tflite.read_bytes()
    target = tmp_path / "deep" / "again.tflite"
    result = mltk.quantize(trained.result.folder, output=target)
    assert result.path == target
    assert result.flash_bytes == target.stat().st_size
    assert result.calibration_windows == 48
    first, second = str(result).splitlines()
    assert first == f"written: {target} ({target.stat().st_size / 1000:.1f} kB, ranges from 48 windows)"
    assert second.startswith("TensorFlow Lite Micro against LiteRT: decisions differ on 0 of 48 windows")
    assert np.array_equal(outputs(target.read_bytes()), outputs(before))
    assert read_parameters(target.read_bytes())["hash"] == read_parameters(before)["hash"]
    assert trained.tflite.read_bytes() == before


def test_into_the_run_folder(own_copy: Path) -> None:
    before = (own_copy / "toy.tflite").read_bytes()
    (own_copy / "toy.tflite").unlink()
    result = mltk.quantize(own_copy)
    assert result.path == own_copy
    assert np.array_equal(outputs((own_copy / "toy.tflite").read_bytes()), outputs(before))


def test_an_archive_gives_the_same_and_makes_no_data(
    trained: Trained, own_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the windows that set the ranges, and only those."""
    monkeypatch.delattr(quantize_module, "collect")
    archive = own_copy / "toy.mltk.zip"
    beside = archive.rename(trained.folder / "copy.mltk.zip")
    try:
        with zipfile.ZipFile(beside) as before:
            old, names = before.read("toy.tflite"), before.namelist()
        result = mltk.quantize(beside)
        assert result.path == beside
        assert 2 <= result.calibration_windows < 48
        with zipfile.ZipFile(beside) as after:
            assert after.namelist() == names
            assert np.array_equal(outputs(after.read("toy.tflite")), outputs(old))
    finally:
        beside.unlink()


def test_without_kept_windows_data_is_made_on_request_alone(
    own_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (own_copy / "toy.tflite").read_bytes()
    for name in ("calibration.npz", "ranges.npz"):
        (own_copy / "train" / name).unlink()
    target = tmp_path / "again.tflite"
    assert main(["quantize", str(own_copy), "-o", str(target)]) == 2
    error = capsys.readouterr().err
    assert "keeps no windows" in error
    assert "--remake" in error
    assert not target.exists()
    assert main(["quantize", str(own_copy), "-o", str(target), "--remake"]) == 0
    assert np.abs(outputs(target.read_bytes()).astype(int) - outputs(before)).mean() < 6


@pytest.mark.parametrize("suffix", [".keras", pytest.param(".weights.h5", marks=pytest.mark.slow)])
def test_other_weights(trained: Trained, own_copy: Path, suffix: str, tmp_path: Path) -> None:
    import keras

    net = keras.saving.load_model(own_copy / "toy.keras")
    net.get_layer("head").set_weights([-array for array in net.get_layer("head").get_weights()])
    weights = tmp_path / f"turned{suffix}"
    (net.save if suffix == ".keras" else net.save_weights)(weights)
    target = tmp_path / "turned.tflite"
    mltk.quantize(own_copy, output=target, weights=weights)
    # Two classes with the head's weights negated: each has the other's probability.
    left, right = outputs(target.read_bytes()).astype(int), outputs(trained.tflite.read_bytes()).astype(int)
    assert np.abs(left - right[:, ::-1]).mean() < 4
    assert np.abs(left - right).mean() > 40


def test_weights_that_do_not_fit(trained: Trained, tmp_path: Path) -> None:
    bad = tmp_path / "bad.keras"
    bad.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot read weights"):
        mltk.quantize(trained.result.folder, output=tmp_path / "a.tflite", weights=bad)
    assert not (tmp_path / "a.tflite").exists()


def test_no_layer_is_left_random(trained: Trained, tmp_path: Path) -> None:
    import keras

    net = keras.saving.load_model(trained.result.folder / "toy.keras")
    part = keras.Model(net.input, net.get_layer("stem_bn").output)
    part.save(tmp_path / "part.keras")
    with pytest.raises(ModelError, match=r"part\.keras does not fit the layers head"):
        mltk.quantize(trained.result.folder, output=tmp_path / "a.tflite", weights=tmp_path / "part.keras")
    assert not (tmp_path / "a.tflite").exists()


def test_build_needs_no_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = toys.write_toy(tmp_path / "models", name="other")
    target = tmp_path / "other.tflite"
    assert main(["quantize", str(path), "--build", "-o", str(target)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"written: {target} ({target.stat().st_size / 1000:.1f} kB, ranges from random windows)"
    assert second.startswith("TensorFlow Lite Micro against LiteRT: decisions differ on 0 of 50 windows")
    assert read_parameters(target.read_bytes())["name"] == "other"
    assert main(["quantize", str(path), "--build"]) == 2
    assert "give --output" in capsys.readouterr().err


def test_what_cannot_be_quantized(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"bare \.tflite"):
        mltk.quantize(trained.tflite, output=tmp_path / "a.tflite")
    path = toys.write_toy(tmp_path / "models", name="other")
    with pytest.raises(ModelError, match="other has not been trained"):
        mltk.quantize(str(path))


def test_damaged_windows(own_copy: Path) -> None:
    (own_copy / "train" / "calibration.npz").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"calibration\.npz"):
        mltk.quantize(own_copy)


def test_parameters_set_after_the_training_outlive_a_conversion(own_copy: Path) -> None:
    mltk.update_params(own_copy, ["detection_threshold=123", "room=kitchen"], add=True)
    mltk.quantize(own_copy)
    parameters = read_parameters(next(own_copy.glob("*.tflite")).read_bytes())
    assert parameters["detection_threshold"] == 123
    assert parameters["room"] == "kitchen"


def test_the_archive_of_a_run_says_what_its_folder_says(own_copy: Path) -> None:
    mltk.update_params(own_copy, ["detection_threshold=124"])
    archive = next(own_copy.glob("*.mltk.zip"))
    assert read_parameters(open_artifact(archive).tflite())["detection_threshold"] == 124


def test_float_says_what_keras_says(trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantize", str(trained.result.folder), "--float", "-o", str(tmp_path / "float")]) == 0
    files = {path.name: path.read_bytes() for path in (tmp_path / "float").iterdir()}
    assert set(files) == {"toy.float.tflite", "toy.dynamic.tflite"}
    net = open_net(open_artifact(trained.result.folder))
    windows = np.random.default_rng(0).integers(-128, 127, (20, 19, 1, 16)).astype(np.float32)
    wanted = net.predict(windows, verbose=0)
    for name, most in (("toy.float.tflite", 1e-4), ("toy.dynamic.tflite", 0.1)):
        said = TfliteModel(files[name]).predict(windows)
        assert said.dtype == np.float32
        assert np.abs(said - wanted).max() < most
        assert read_parameters(files[name])["classes"] == ["beep", "_unknown_"]
    assert capsys.readouterr().out.count("written: ") == 2


@pytest.mark.slow
def test_float_of_random_weights_and_the_size_of_weights_in_int8(tmp_path: Path) -> None:
    # The toy is too small: the converter leaves layers of fewer than 1024 weights as they are.
    result = convert_float("marvin", folder=tmp_path, build=True)
    (whole, _), (dynamic, _) = result.files
    assert (whole.name, dynamic.name) == ("marvin.float.tflite", "marvin.dynamic.tflite")
    assert dynamic.stat().st_size < 0.5 * whole.stat().st_size
