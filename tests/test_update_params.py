"""`update_params`: the parameters of a `.tflite`, wherever it lies, changed and nothing else."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from toys import Trained

import mltk_like as mltk
from mltk_like.cli import main
from mltk_like.errors import ModelError, SettingError
from mltk_like.tflite import TfliteModel, read_description, read_parameters

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS
FILES = Path(__file__).parent / "data" / "tflite"


@pytest.fixture
def bare(trained: Trained, tmp_path: Path) -> Path:
    """A copy of the trained `.tflite`."""
    return Path(shutil.copy(trained.tflite, tmp_path / "toy.tflite"))


def parameters(path: Path) -> dict[str, Any]:
    return read_parameters(path.read_bytes())


def test_set_and_remove(bare: Path) -> None:
    before = parameters(bare)
    windows = np.random.default_rng(0).integers(-128, 127, (9, 19, 1, 16), dtype=np.int8)
    scores = TfliteModel(bare).predict(windows)
    changes = mltk.update_params(bare, ["detection_threshold=200", "room=kitchen", "colour="])
    after = parameters(bare)
    assert (after["detection_threshold"], after["room"]) == (200, "kitchen")
    assert "colour" not in after
    kept = set(before) - {"detection_threshold", "colour", "hash", "date"}
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert after["hash"] != before["hash"]
    assert np.array_equal(TfliteModel(bare).predict(windows), scores)
    assert changes.to_dict() == {
        "path": str(bare),
        "before": {"detection_threshold": 150, "colour": "green"},
        "after": {"detection_threshold": 200, "room": "kitchen"},
    }
    assert str(changes).splitlines() == [
        "- colour: green", "- detection_threshold: 150", "+ detection_threshold: 200", "+ room: kitchen",
        f"written: {bare}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("volume_gain=2", "volume_gain", 2),
        ("factor=3", "factor", 3.0),
        ("fe.filterbank_upper_band_limit=7000", "fe.filterbank_upper_band_limit", 7000.0),
        ("fe.noise_reduction_min_signal_remaining=1", "fe.noise_reduction_min_signal_remaining", 1.0),
        ("words=[\"a\", \"b\"]", "words", ["a", "b"]),
        ("levels=[1, 2]", "levels", [1, 2]),
        ("flag=true", "flag", True),
        ("text=a=b", "text", "a=b"),
        ("number=-7", "number", -7),
        ("quoted=\"7\"", "quoted", "7"),
        ("fe.dc_notch_filter_enable=true", "fe.dc_notch_filter_enable", True),
    ],
)  # fmt: skip
def test_a_value_has_its_type(bare: Path, text: str, key: str, value: Any) -> None:
    mltk.update_params(bare, [text])
    found = parameters(bare)[key]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "detection_threshold=256", "detection_threshold=-1", "detection_threshold=high", "latency_ms=0",
        "minimum_count=1000", "average_window_duration_ms=1.5", "suppression_ms=true", "volume_gain=-1",
        "fe.window_size_ms=500", "fe.sample_rate_hz=1", "fe.filterbank_upper_band_limit=9000",
        "fe.window_step_ms=2.5", "fe.noise_reduction_enable=1", "fe.fft_length=1024", "no_equals_sign", "=5",
        "energy_gate.threshold=99999", "energy_gate.backoff=-3",
        "nested={\"a\": 1}", "nothing=null", "mixed=[1, \"a\"]",
    ],
)  # fmt: skip
def test_what_a_device_could_not_use_is_refused(bare: Path, text: str) -> None:
    before = bare.read_bytes()
    with pytest.raises(SettingError):
        mltk.update_params(bare, ["room=kitchen", text])
    assert bare.read_bytes() == before


def test_a_file_of_parameters(bare: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    file.write_text(json.dumps({"detection_threshold": 99, "room": "hall", "factor": 2}))
    mltk.update_params(bare, ["room=attic"], params_path=file)
    found = parameters(bare)
    assert (found["detection_threshold"], found["room"]) == (99, "attic")
    assert (found["factor"], type(found["factor"])) == (2.0, float)


@pytest.mark.parametrize("text", [None, "{", "[1]", "5"])
def test_a_file_that_holds_none(bare: Path, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "new.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingError, match=r"new\.json"):
        mltk.update_params(bare, params_path=file)


def test_the_description(bare: Path) -> None:
    before = parameters(bare)
    changes = mltk.update_params(bare, description="another one")
    assert read_description(bare.read_bytes()) == "another one"
    assert (changes.before, changes.after) == ({}, {})
    assert parameters(bare)["hash"] != before["hash"]
    mltk.update_params(bare, ["room=hall"])
    assert read_description(bare.read_bytes()) == "another one"


def test_a_copy_elsewhere(bare: Path, tmp_path: Path) -> None:
    before, target = bare.read_bytes(), tmp_path / "deep" / "other.tflite"
    changes = mltk.update_params(bare, ["room=hall"], output=target)
    assert changes.path == target
    assert bare.read_bytes() == before
    assert parameters(target)["room"] == "hall"


def test_a_run_folder_and_an_archive(own_copy: Path) -> None:
    mltk.update_params(own_copy, ["detection_threshold=120"])
    assert parameters(own_copy / "toy.tflite")["detection_threshold"] == 120
    archive = own_copy / "toy.mltk.zip"
    with zipfile.ZipFile(archive) as old:
        others = {name: old.read(name) for name in old.namelist() if name != "toy.tflite"}
    changes = mltk.update_params(archive, ["detection_threshold=130"])
    assert changes.path == archive
    with zipfile.ZipFile(archive) as new:
        assert new.testzip() is None
        assert read_parameters(new.read("toy.tflite"))["detection_threshold"] == 130
        assert {name: new.read(name) for name in others} == others
        assert len(new.namelist()) == len(others) + 1
    # What is judged is what a device would do: the changed threshold counts.
    assert mltk.evaluate(own_copy, tflite=True, progress=False).threshold == 120


def test_a_name_means_its_latest_run(own_copy: Path, trained: Trained) -> None:
    changes = mltk.update_params(mltk.load_model(trained.path), ["room=hall"])
    assert changes.path == own_copy
    assert parameters(own_copy / "toy.tflite")["room"] == "hall"


def test_anyones_tflite(tmp_path: Path) -> None:
    path = Path(shutil.copy(FILES / "tiny_conv.tflite", tmp_path / "tiny.tflite"))
    mltk.update_params(path, ["room=hall", "detection_threshold=77"])
    assert {key: value for key, value in parameters(path).items() if key not in ("hash", "date")} == {
        "room": "hall", "detection_threshold": 77
    }  # fmt: skip
    with pytest.raises(SettingError):
        mltk.update_params(path, ["detection_threshold=777"])


def test_the_command_line(bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["update_params", str(bare), "detection_threshold=88", "-d", "new words"]) == 0
    assert "+ detection_threshold: 88" in capsys.readouterr().out
    assert read_description(bare.read_bytes()) == "new words"
    assert main(["update_params", str(bare), "detection_threshold=888"]) == 2
    assert "error: detection_threshold must be a whole number from 0 to 255" in capsys.readouterr().err
    assert main(["update_params", str(tmp_path / "none.tflite"), "a=b"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_a_damaged_tflite(tmp_path: Path) -> None:
    path = tmp_path / "damaged.tflite"
    path.write_bytes(b"TFL3" * 10)
    with pytest.raises(ModelError):
        mltk.update_params(path, ["a=b"])
    assert path.read_bytes() == b"TFL3" * 10
