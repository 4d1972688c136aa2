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
from mltk_like.run import Run
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
    changes = mltk.update_params(bare, ["detection_threshold=200", "room=kitchen", "colour="], add=True)
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
        (" volume_gain = 2.5 ", "volume_gain", 2.5),
        ("text = \"  two words \" ", "text", "  two words "),
        ("colour=5", "colour", "5"),
        ("colour=\"7\"", "colour", "7"),
        ("version=7", "version", 7),
        ("classes=[\"ding\", \"_unknown_\"]", "classes", ["ding", "_unknown_"]),
        ("detection_threshold_list=[1, 2]", "detection_threshold_list", [1, 2]),
    ],
)  # fmt: skip
def test_a_value_has_its_type(bare: Path, text: str, key: str, value: Any) -> None:
    mltk.update_params(bare, [text], add=True)
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
        "hash=1", "date=", "runtime_memory_size=1", "streaming.rows=2", 'name=""', "version=-1", "version=1.5",
        "classes=beep", 'classes=["a"]', 'classes=["a", "b", "c"]', 'classes=["a", "a"]', 'classes=["a", ""]',
        "classes=[1, 2]", "detection_threshold_list=[1, 2, 3]", "fe.window_step_ms=10", "fe.sample_length_ms=800",
        "fe.filterbank_n_channels=8", "2nd=1", "größe=1", "a b=1", "Colour=red", "gain=Infinity", "gain=NaN",
        "gain=1e999", "gains=[1.0, NaN]", "factor=high", "text=\ud800", "big=18446744073709551616",
        "nested={\"a\": 1}", "nothing=null", "mixed=[1, \"a\"]",
    ],
)  # fmt: skip
def test_what_a_device_could_not_use_is_refused(bare: Path, text: str) -> None:
    before = bare.read_bytes()
    with pytest.raises(SettingError):
        mltk.update_params(bare, ["room=kitchen", text], add=True)
    assert bare.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("detection_treshold=7", "did you mean 'detection_threshold'"),
        ("color=red", "did you mean 'colour'"),
        ("fe.window_sise_ms=25", "did you mean 'fe.window_size_ms'"),
        ("colr=", "did you mean 'colour'"),
        ("kitchen=1", "--add makes a new one"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest(bare: Path, tmp_path: Path, text: str, hint: str) -> None:
    before = bare.read_bytes()
    with pytest.raises(SettingError, match="the model has no parameter") as caught:
        mltk.update_params(bare, ["detection_threshold=3", text])
    assert hint in caught.value.hint
    key, _, value = text.partition("=")
    (tmp_path / "new.json").write_text(json.dumps({key: value}))
    with pytest.raises(SettingError, match="the model has no parameter"):
        mltk.update_params(bare, params_path=tmp_path / "new.json")
    assert bare.read_bytes() == before


def test_what_is_not_there_cannot_be_removed(bare: Path) -> None:
    with pytest.raises(SettingError, match="no parameter 'room'") as caught:
        mltk.update_params(bare, ["room="], add=True)
    assert caught.value.hint == "there is nothing to remove; an empty text is 'room=\"\"'"
    mltk.update_params(bare, ['room=""'], add=True)
    assert parameters(bare)["room"] == ""


def test_another_type_takes_two_steps(bare: Path) -> None:
    with pytest.raises(SettingError, match="'factor' is a number, given True"):
        mltk.update_params(bare, ["factor=true"])
    mltk.update_params(bare, ["factor=", "factor=true"], add=True)
    assert parameters(bare)["factor"] is True


def rewrite(folder: Path, old: str, new: str) -> None:
    """The run's model file with something else in it; the run knows the file as its own."""
    text = (folder / "toy.py").read_text()
    assert old in text
    path = folder.parent / "toy.py"
    path.write_text(text.replace(old, new))
    Run(folder).claim(path)


def test_without_a_key_the_file_counts(own_copy: Path) -> None:
    mltk.update_params(own_copy, ["room=hall", "version=9", "colour=red", "detection_threshold=7"], add=True)
    rewrite(own_copy, 'colour="green"', 'colour="blue", wall=3')
    changes = mltk.update_params(own_copy)
    assert changes.before == {"version": 9, "colour": "red", "detection_threshold": 7}
    assert changes.after == {"version": 3, "colour": "blue", "detection_threshold": 150, "wall": 3}
    assert parameters(own_copy / "toy.tflite")["room"] == "hall"
    assert str(mltk.update_params(own_copy)).splitlines()[0] == "no parameter changed"


def test_what_a_search_chose_stays_but_for_what_the_file_says_now(own_copy: Path) -> None:
    mltk.update_params(
        own_copy, ["detection_threshold=7", "suppression_ms=700", "sensitivity.hours=2.5"], add=True
    )  # fmt: skip
    rewrite(own_copy, "suppression_ms=500", "suppression_ms=900")
    changes = mltk.update_params(own_copy)
    assert (changes.before, changes.after) == ({"suppression_ms": 700}, {"suppression_ms": 900})
    assert changes.kept == ("detection_threshold",)
    assert "kept as they were chosen for this net: detection_threshold" in str(changes)
    assert changes.to_dict()["kept"] == ["detection_threshold"]


def test_a_file_whose_front_end_or_classes_no_longer_fit(own_copy: Path) -> None:
    before = (own_copy / "toy.tflite").read_bytes()
    for old, new, message in (
        ("window_step_ms=20", "window_step_ms=10", "the net takes"),
        ('classes = ("beep", "_unknown_")', 'classes = ("beep", "b", "_unknown_")', "3 classes for 2 outputs"),
    ):
        rewrite(own_copy, old, new)
        with pytest.raises(SettingError, match=message):
            mltk.update_params(own_copy)
    assert (own_copy / "toy.tflite").read_bytes() == before


def test_a_bare_tflite_has_no_file_to_take_values_from(bare: Path) -> None:
    with pytest.raises(ModelError, match=r"bare \.tflite") as caught:
        mltk.update_params(bare)
    assert "KEY=VALUE" in caught.value.hint


def test_a_file_of_parameters(bare: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    file.write_text(json.dumps({"detection_threshold": 99, "room": "hall", "factor": 2}))
    mltk.update_params(bare, ["room=attic"], params_path=file, add=True)
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
    mltk.update_params(bare, ["room=hall"], add=True)
    assert read_description(bare.read_bytes()) == "another one"


def test_a_copy_elsewhere(bare: Path, tmp_path: Path) -> None:
    before, target = bare.read_bytes(), tmp_path / "deep" / "other.tflite"
    changes = mltk.update_params(bare, ["room=hall"], output=target, add=True)
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
    changes = mltk.update_params(mltk.load_model(trained.path), ["room=hall"], add=True)
    assert changes.path == own_copy
    assert parameters(own_copy / "toy.tflite")["room"] == "hall"


def test_anyones_tflite(tmp_path: Path) -> None:
    path = Path(shutil.copy(FILES / "tiny_conv.tflite", tmp_path / "tiny.tflite"))
    mltk.update_params(path, ["room=hall", "detection_threshold=77"], add=True)
    assert {key: value for key, value in parameters(path).items() if key not in ("hash", "date")} == {
        "room": "hall", "detection_threshold": 77
    }  # fmt: skip
    with pytest.raises(SettingError):
        mltk.update_params(path, ["detection_threshold=777"])


def test_the_command_line(bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["update_params", str(bare), "detection_threshold=88", "-d", "new words"]) == 0
    assert "+ detection_threshold: 88" in capsys.readouterr().out
    assert read_description(bare.read_bytes()) == "new words"
    assert main(["update_params", str(bare), "room=kitchen"]) == 2
    assert "--add makes a new one" in capsys.readouterr().err
    assert main(["update_params", str(bare), " room = kitchen", "--add"]) == 0
    assert parameters(bare)["room"] == "kitchen"
    # Where the options stand does not matter.
    assert main(["update_params", str(bare), "detection_threshold=89", "--add", "room=hall", "floor=2"]) == 0
    assert [parameters(bare)[name] for name in ("detection_threshold", "room", "floor")] == [89, "hall", 2]
    assert main(["update_params", str(bare), "-o", str(tmp_path / "copy.tflite"), "floor=3"]) == 0
    assert (parameters(tmp_path / "copy.tflite")["floor"], parameters(bare)["floor"]) == (3, 2)
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
