"""`export --format esphome`: a net in ESPHome's form gives the same scores, and what ESPHome cannot run is refused."""

import json
from pathlib import Path
from typing import Any

import brought_models as brought
import numpy as np
import pytest

from mltk_like.artifact import open_artifact
from mltk_like.errors import ModelError, SettingError
from mltk_like.tflite import read_parameters, run_tflm, summarize_tflite, write_parameters
from mltk_like.tflite.micro_wake_word import KERNELS, micro_wake_word_form
from mltk_like.verbs.export import export

MODELS = Path(__file__).resolve().parents[1] / "models"
MARVIN = MODELS / "marvin.mltk.zip"


def changed(folder: Path, **values: Any) -> Path:
    """Marvin with other parameters; a name's first _ stands for a dot."""
    data = open_artifact(MARVIN).tflite()
    new = {name.replace("fe_", "fe.", 1): value for name, value in values.items()}
    path = folder / "changed.tflite"
    path.write_bytes(write_parameters(data, {**read_parameters(data), **new}))
    return path


@pytest.mark.parametrize("wanted", [0, 1])
def test_the_probability_is_that_of_the_softmax(wanted: int) -> None:
    model = open_artifact(MARVIN).tflite()
    form = micro_wake_word_form(model, wanted=wanted, classes=2)
    found = summarize_tflite(form)
    assert [tuple(each.shape) for each in (*found.inputs, *found.outputs)] == [(1, 3, 40), (1, 1)]
    assert [each.dtype for each in (*found.inputs, *found.outputs)] == ["int8", "uint8"]
    assert {layer.opcode for layer in found.layers} <= KERNELS
    # Levels that are alike in neighbouring bands and stay for three inferences.
    levels = np.random.default_rng(3).normal(0, 60, (400, 1, 40))
    smooth = (levels + np.roll(levels, 1, -1) + np.roll(levels, 2, -1)) / 1.7 - 40
    rows = np.clip(smooth.repeat(3, 0).repeat(3, 1), -128, 127).astype(np.int8)
    expected = run_tflm(model, rows[:, :, np.newaxis], profile=False, repeat=1).outputs
    scores = run_tflm(form, rows, profile=False, repeat=1).outputs
    assert expected is not None
    assert scores is not None
    given = expected[:, wanted].astype(int) + 128
    assert len(set(given.tolist())) > 60
    apart = np.abs(given - scores[:, 0].astype(int))
    # The difference of the scores has steps of 6 / 127: half of one is 1.5 bytes where the function is steepest.
    assert apart.max() <= 2
    assert (apart <= 1).mean() > 0.9
    # What is in the form stays as it is.
    again = micro_wake_word_form(form, wanted=wanted, classes=2)
    assert summarize_tflite(again).layers == found.layers


def test_the_manifest_says_when_it_is_detected(tmp_path: Path) -> None:
    result = export(MARVIN, format="esphome", output=tmp_path / "out")
    assert {path.name for path in result.files} == {"marvin.json", "marvin.tflite", "marvin.yaml", "README.md"}
    manifest = json.loads((tmp_path / "out" / "marvin.json").read_text())
    assert (manifest["type"], manifest["version"], manifest["wake_word"]) == ("micro", 2, "marvin")
    assert (tmp_path / "out" / manifest["model"]).read_bytes()[4:8] == b"TFL3"
    assert {"author", "trained_languages"} <= manifest.keys()
    micro = manifest["micro"]
    parameters = read_parameters(open_artifact(MARVIN).tflite())
    # ESPHome: int(cutoff * 255), and detected where the mean is above it.
    assert int(micro["probability_cutoff"] * 255) == parameters["detection_threshold"]
    # The recogniser means the results of its window with both ends, as reading a manifest takes it.
    assert (micro["sliding_window_size"] - 1) * 3 * micro["feature_step_size"] == parameters[
        "average_window_duration_ms"
    ]
    assert micro["tensor_arena_size"] == result.arena_bytes
    net = (tmp_path / "out" / "marvin.tflite").read_bytes()
    assert result.arena_bytes > run_tflm(net, profile=False, repeat=1).arena_bytes
    assert f"{result.arena_bytes:,} bytes" in (tmp_path / "out" / "README.md").read_text()
    assert "softmax" not in result.operators


def test_a_name_cannot_break_the_manifest(tmp_path: Path) -> None:
    model = changed(tmp_path, name="x", classes=['hey_"gecko"\n*/', "_unknown_"])
    export(model, format="esphome", output=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "changed.json").read_text())["wake_word"] == "hey gecko"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"fe_pcan_enable": False}, "pcan_enable = False, and ESPHome's has True"),
        ({"fe_noise_reduction_min_signal_remaining": 0.4}, "noise_reduction_min_signal_remaining"),
        ({"fe_window_size_ms": 25}, "window_size_ms = 25"),
        ({"fe_quantize_dynamic_scale_enable": True}, "quantize_dynamic_scale_enable"),
        ({"classes": ["one", "two"]}, "2 words to detect"),
        ({"classes": ["_noise_", "_unknown_"]}, "0 words to detect"),
        ({"classes": ["one", "_a_", "_b_"]}, "3 classes"),
    ],
)
def test_what_esphome_cannot_run_is_refused(values: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=said):
        export(changed(tmp_path, **values), format="esphome", output=tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["changed.tflite"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("keyword_spotting_alexa_small", "takes whole windows"), ("bell_detector", "floating-point")],
)
def test_other_kinds_of_nets_are_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=said):
        export(MODELS / f"{name}.mltk.zip", format="esphome", output=tmp_path / "out")
    with pytest.raises(SettingError, match="no prefix"):
        export(MARVIN, format="esphome", output=tmp_path / "out", prefix="door")


def test_a_layer_that_esphome_lacks_is_named(tmp_path: Path) -> None:
    model = (MODELS.parent / "tests" / "data" / "board" / "streaming.tflite").read_bytes()
    with pytest.raises(ModelError, match=r"the net's input is \[1, \d+, 1, 8\]"):
        micro_wake_word_form(model, wanted=0, classes=2)


def test_a_model_of_microwakeword_stays_as_its_author_gave_it(tmp_path: Path) -> None:
    path = brought.wake_word(tmp_path / "theirs", "nabu", trained_languages=["nl", "de"], license="CC0")
    export(path, format="esphome", output=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "nabu.json").read_text()) == json.loads(path.read_text())
    assert (tmp_path / "out" / "nabu.tflite").read_bytes() == path.with_suffix(".tflite").read_bytes()


def test_a_manifest_of_version_1_becomes_one_of_version_2(tmp_path: Path) -> None:
    micro = {"probability_cutoff": 0.5, "sliding_window_average_size": 4}
    path = brought.wake_word(tmp_path / "theirs", "nabu", version=1, author="Jo", micro=micro)
    export(path, format="esphome", output=tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "nabu.json").read_text())
    assert (manifest["version"], manifest["author"], manifest["website"]) == (2, "Jo", "https://example.org/")
    found = manifest["micro"]
    assert (found["feature_step_size"], found["sliding_window_size"]) == (20, 4)
    assert int(255 * found["probability_cutoff"]) == int(255 * 0.5)
