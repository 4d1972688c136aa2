"""TensorFlow Lite Micro against LiteRT: what is compared, what counts as rounding, and what is said of the rest."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import toys
from toys import Trained

import mltk_like as mltk
from mltk_like.cli import main
from mltk_like.tflite import Agreement, NetInput, TfliteModel, before_softmax, compare_engines, summarize_tflite
from mltk_like.tflite import agreement as module
from mltk_like.tflite.model_file import parse, serialise

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS
DATA = Path(__file__).parent / "data"
MODELS = ("tflite/tiny_conv", "tflite/tiny_tenet", "board/fixed", "board/float", "board/streaming")
APART = Agreement(windows=200, decisions_differ=9, largest_difference=0.4, first_layer="3 (space_to_batch_nd)")


def content(name: str) -> bytes:
    return (DATA / f"{name}.tflite").read_bytes()


@pytest.mark.parametrize("name", MODELS)
def test_models_that_agree(name: str) -> None:
    found = compare_engines(content(name))
    assert found.agrees
    assert (found.windows, found.decisions_differ, found.first_layer, found.problem) == (50, 0, None, "")
    assert found.largest_difference <= 2 / 256


def test_windows_of_a_model_that_keeps_its_state() -> None:
    model = content("board/streaming")
    given = NetInput(model)
    windows = np.random.default_rng(0).integers(-128, 128, (6, 10 * given.rows, *given.shape[1:]), dtype=np.int8)
    found = compare_engines(model, windows)
    assert (found.windows, found.agrees) == (6, True)


def test_what_is_compared_is_what_goes_into_softmax() -> None:
    model = content("tflite/tiny_conv")
    before = before_softmax(model)
    inputs = module.random_inputs(TfliteModel(model))
    logits = TfliteModel(before).predict(inputs)
    assert np.ptp(logits.astype(int)) > 100
    assert (logits.argmax(axis=1) == TfliteModel(model).predict(inputs).argmax(axis=1)).mean() > 0.9
    assert len(summarize_tflite(before).layers) == len(summarize_tflite(model).layers)
    assert before_softmax(before) == before


@pytest.mark.parametrize(
    ("differ", "largest", "agrees"),
    [(0, 0.0, True), (2, 0.0, True), (3, 0.0, False), (0, 0.1, True), (0, 0.11, False)],
)
def test_bounds(differ: int, largest: float, agrees: bool) -> None:
    found = Agreement(windows=200, decisions_differ=differ, largest_difference=largest)
    assert found.agrees is agrees
    assert bool(found.problem) is not agrees
    assert found.to_dict()["agrees"] is agrees


def with_another_engine(monkeypatch: pytest.MonkeyPatch, changed: Callable[[bytes], bytes]) -> None:
    """What is called TFLM runs a changed file."""
    original = module.run_tflm
    monkeypatch.setattr(module, "run_tflm", lambda data, *rest, **more: original(changed(data), *rest, **more))


def test_the_first_layer_that_differs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine whose dense layer has another bias."""
    model = content("tflite/tiny_conv")

    def changed(data: bytes) -> bytes:
        tree = parse(data)
        graph = tree.subgraphs[0]
        bias = graph.tensors[graph.operators[4].inputs[2]].buffer
        values = np.frombuffer(bytes(tree.buffers[bias].data), np.int32) + 100_000
        tree.buffers[bias].data = np.frombuffer(values.tobytes(), np.uint8)
        return serialise(tree)

    with_another_engine(monkeypatch, changed)
    found = compare_engines(model)
    assert not found.agrees
    assert found.first_layer == "4 (fully_connected)"
    assert "first layer that differs is 4 (fully_connected)" in str(found)


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engines disagree about every model."""
    from mltk_like.verbs.check import verb
    from mltk_like.verbs.export import c_array
    from mltk_like.verbs.shared import building

    modules: tuple[ModuleType, ...] = (building, c_array, verb)
    for one in modules:
        monkeypatch.setattr(one, "compare_engines", lambda *unused: APART)


@pytest.mark.slow
def test_a_training_whose_net_differs_fails_and_keeps_its_archive(
    toy: Path, apart: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "toy", "--workers", "0", "--no-evaluate"]) == 1
    printed = capsys.readouterr().out
    assert f"CHECK FAILED, the archive is not published: {APART.problem}" in printed
    folder = Path(os.environ["MLTK_LIKE_RUNS"]) / "toy" / "1"
    state = json.loads((folder / "state.json").read_text())
    assert (state["status"], state["failures"], state["tflm"]) == ("complete", [APART.problem], APART.to_dict())
    assert (folder / "toy.mltk.zip").is_file()
    assert not (toy.parent / "toy.mltk.zip").exists()


@pytest.mark.slow
def test_a_training_says_that_they_agree(trained: Trained) -> None:
    state: dict[str, Any] = json.loads((trained.result.folder / "state.json").read_text())
    assert state["failures"] == []
    assert (state["tflm"]["windows"], state["tflm"]["agrees"]) == (48, True)
    assert "LiteRT and TFLM" in (trained.result.folder / "log.txt").read_text()
    assert (trained.result.exit_code, trained.result.failures) == (0, ())


@pytest.mark.slow
def test_quantize_and_export_say_that_a_net_differs(
    own_copy: Path, tmp_path: Path, apart: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quantize", str(own_copy), "-o", str(tmp_path / "a.tflite")]) == 1
    assert APART.problem in capsys.readouterr().out
    assert (tmp_path / "a.tflite").is_file()
    assert main(["export", str(own_copy), "-o", str(tmp_path / "c")]) == 1
    assert APART.problem in capsys.readouterr().out
    assert mltk.export(own_copy, output=tmp_path / "c").to_dict()["agreement"] == APART.to_dict()
