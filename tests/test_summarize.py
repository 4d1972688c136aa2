"""`summarize` and `models`: with and without a training, as a table and as JSON."""

import json
from pathlib import Path

import pytest
import toys
from toys import Trained

import mltk_like as mltk
from mltk_like.cli import main
from mltk_like.errors import ModelError
from mltk_like.tflite import ModelSummary, read_parameters
from mltk_like.verbs.models import models

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS
FILES = Path(__file__).parent / "data" / "tflite"


def test_a_trained_net(trained: Trained) -> None:
    found = mltk.summarize(trained.result.folder)
    assert isinstance(found, mltk.KerasSummary)
    values = json.loads(json.dumps(found.to_dict()))
    assert set(values) == {"name", "parameters", "layers"}
    assert [layer["name"] for layer in values["layers"]][1:3] == ["stem", "stem_bn"]
    assert values["layers"][1] == {
        "name": "stem", "type": "Conv2D", "output_shape": "(None, 10, 1, 8)", "parameters": 3 * 16 * 8
    }  # fmt: skip
    assert values["parameters"] == sum(layer["parameters"] for layer in values["layers"])
    assert "stem_bn" in str(found)
    assert (trained.result.folder / "toy.keras.summary.txt").read_text() == f"{found}\n"


def test_a_trained_tflite(trained: Trained) -> None:
    found = mltk.summarize(trained.result.archive, tflite=True)
    assert isinstance(found, ModelSummary)
    assert found.parameters == read_parameters(trained.tflite.read_bytes())
    assert (found.name, found.version, found.classes) == ("toy", 3, ("beep", "_unknown_"))
    assert "fe.filterbank_n_channels: 16" in str(found)
    assert (trained.result.folder / "toy.tflite.summary.txt").read_text() == f"{found}\n"


@pytest.mark.slow
def test_build_is_the_same_net_untrained(trained: Trained) -> None:
    trained_one, built = (mltk.summarize(str(trained.path), tflite=True, build=build) for build in (False, True))
    assert isinstance(trained_one, ModelSummary)
    assert isinstance(built, ModelSummary)
    assert [layer.opcode for layer in built.layers] == [layer.opcode for layer in trained_one.layers]
    assert (built.macs, built.ops) == (trained_one.macs, trained_one.ops)
    assert set(built.parameters) == set(trained_one.parameters)


@pytest.mark.slow
def test_the_table_of_keras_is_whole(trained: Trained) -> None:
    lines = str(mltk.summarize(trained.result.archive)).splitlines()
    assert max(map(len, lines)) > 100
    assert any("Param" in line and line.rstrip().endswith(("┃", "|")) for line in lines)


def test_what_does_not_go_together(trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summarize", str(trained.result.archive), "--frontend", "--tflite"]) == 2
    assert "the front end alone" in capsys.readouterr().err
    path = tmp_path / "out.json"
    assert main(["summarize", str(trained.tflite), "--tflite", "--json", "-o", str(path)]) == 0
    assert json.loads(path.read_text()) == json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_build_needs_no_training_and_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summarize", "keyword_spotting_alexa", "--tflite", "--build", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert len(values["layers"]) == 55
    assert values["macs"] == 4_561_728
    assert values["classes"] == ["alexa", "_unknown_"]
    assert {"macs", "ops", "arena_bytes", "flash_bytes", "inputs", "outputs", "parameters"} <= set(values)
    assert {"index", "opcode", "macs", "ops"} <= set(values["layers"][0])
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_build_of_the_float_net(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "deep" / "net.txt"
    assert main(["summarize", "keyword_spotting_alexa", "--build", "-o", str(target)]) == 0
    printed = capsys.readouterr().out
    assert "108,898" in printed
    assert target.read_text() == printed


@pytest.mark.parametrize(("name", "layers"), [("tiny_conv", 6), ("tiny_tenet", 14)])
def test_anyones_tflite(name: str, layers: int) -> None:
    found = mltk.summarize(FILES / f"{name}.tflite")
    assert isinstance(found, ModelSummary)
    assert len(found.layers) == layers
    assert (found.name, found.version, found.parameters) == (name, None, {})
    json.dumps(found.to_dict())


def test_what_cannot_be_summarized(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = toys.write_toy(tmp_path / "models", name="other")
    with pytest.raises(ModelError, match="other has not been trained") as caught:
        mltk.summarize(str(path))
    assert "--build" in caught.value.hint
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes((FILES / "tiny_conv.tflite").read_bytes()[:200])
    with pytest.raises(ModelError):
        mltk.summarize(damaged)
    assert main(["summarize", "keyword_spoting_alexa"]) == 2
    assert "hint: did you mean keyword_spotting_alexa" in capsys.readouterr().err


def test_a_damaged_net_in_a_run_folder(own_copy: Path) -> None:
    net = own_copy / "toy.keras"
    net.write_bytes(net.read_bytes()[:2000])
    with pytest.raises(ModelError, match=r"cannot read the net toy\.keras"):
        mltk.summarize(own_copy)


def test_models_lists_the_broken_ones_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = toys.write_toy(tmp_path / "models")
    path.with_name("broken.py").write_text("class (")
    found = {line.name: line for line in models().models}
    assert found["toy"].description == "hears beeps"
    assert "broken.py, line 1" in found["broken"].error
    assert main(["models"]) == 0
    printed = capsys.readouterr().out
    assert "keyword_spotting_alexa" in printed
    assert "error: " in printed
    assert main(["models", "--json"]) == 0
    assert {line["name"] for line in json.loads(capsys.readouterr().out)["models"]} == set(found)
