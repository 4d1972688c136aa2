"""`check`: engines beside each other, what it costs, exit codes, and what it says where something is missing."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from single_ops import Case, Value, build
from toys import Trained

import mltk_like as mltk
from mltk_like.cli import main
from mltk_like.codegen.host import NetRun
from mltk_like.errors import ToolError
from mltk_like.tflite import Agreement
from mltk_like.verbs.check import CheckResult, same_bytes, verb
from mltk_like.verbs.check.float_loss import FloatLoss, float_loss
from mltk_like.verbs.check.result import Cost
from mltk_like.verbs.check.same_bytes import SameBytes

pytest_plugins = ["toy_fixtures"]
pytest.importorskip("tflite_micro")
pytestmark = [
    *toys.TENSORFLOW_WARNINGS,
    pytest.mark.skipif(not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="no C compiler"),
]
DATA = Path(__file__).parent / "data"
CONV = DATA / "tflite" / "tiny_conv.tflite"
STREAMING = DATA / "board" / "streaming.tflite"
GOOD = CheckResult(name="m", inputs="3 windows", tolerance=0.05, cost=Cost(ops=1, macs=1, flash_bytes=9))


@pytest.mark.parametrize("path", [CONV, STREAMING], ids=["whole windows", "with a state"])
def test_a_bare_tflite(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(path), "--clips", "7", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["passed"], found["problems"], found["inputs"]) == (True, [], "7 random inputs")
    assert found["on_host"]["differ"] == 0
    assert found["on_host"]["inferences"] == 7
    assert found["on_host"]["layers"] > 4
    assert found["engines"]["agrees"] is True
    assert (found["float_loss"], found["on_chip"], found["judged"]) == (None, None, [])
    assert found["skipped"] == {"float and LiteRT": "there is no .keras file"}
    cost = found["cost"]
    assert cost["flash_bytes"] == path.stat().st_size > cost["constant_bytes"] > 0
    assert cost["tflm_arena_bytes"] > cost["tflm_activations_bytes"] >= cost["arena_bytes"]["portable"] > 0


@pytest.fixture
def another_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow Lite Micro's outputs are changed, as those of another kernel."""
    original = same_bytes.run_tflm_inside

    def changed(model: bytes, inputs: Any, tensors: Any) -> Any:
        found = dict(original(model, inputs, tensors))
        last = tensors[-2]
        return {**found, last: found[last] ^ 1}

    monkeypatch.setattr(same_bytes, "run_tflm_inside", changed)


def test_the_first_layer_that_differs_is_named(another_kernel: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(CONV), "--clips", "3"]) == 1
    printed = capsys.readouterr().out
    assert "CHECK FAILED: the net as C gives other bytes than TensorFlow Lite Micro: " in printed
    assert "the first layer that differs is 4 (fully_connected)" in printed


def test_an_archive_without_windows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(DATA.parents[1] / "models" / "bell_detector.mltk.zip"), "--clips", "3"]) == 0
    printed = capsys.readouterr().out
    assert "bell_detector, on 3 random inputs" in printed
    assert "not compared: no windows were kept with the model" in printed
    assert "AUC of windows" in printed


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> Any:
        raise ToolError("there is no C compiler on this machine")

    monkeypatch.setattr(verb, "tflm_against_host", missing)
    found = mltk.check(CONV, clips=2)
    assert (found.on_host, found.exit_code) == (None, 0)
    assert "TFLM and C here   not compared: there is no C compiler on this machine" in str(found)


def test_c_that_does_not_compile_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cc", "gcc", "clang"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'net_0.c:3: error: no such thing' >&2\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = mltk.check(CONV, clips=2)
    assert (found.on_host, found.exit_code) == (None, 1)
    assert "cannot compile the net: net_0.c:3: error: no such thing" in found.problems[0]


def test_a_net_that_cannot_become_c_is_checked_elsewhere(tmp_path: Path) -> None:
    model = tmp_path / "greatest.tflite"
    model.write_bytes(build([Case("MAXIMUM", (Value((1, 3)), Value((1, 3))), (Value((1, 3)),), "MaximumMinimum")]))
    found = mltk.check(model, clips=2)
    assert found.engines is not None
    assert "layer 4 (maximum) cannot become C" in found.skipped["TFLM and C here"]
    assert (found.on_host, found.cost.constant_bytes) == (None, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"float_loss": FloatLoss(windows=20, decisions_differ=2, largest_difference=1, mean_difference=0)}, "10.0 %"),
        ({"engines": Agreement(windows=9, decisions_differ=9, largest_difference=1)}, "something else than on LiteRT"),
        ({"on_host": SameBytes(inferences=1, layers=1, bytes=9, differ=1, first_layer="3 (add)")}, "3 (add)"),
        ({"on_chip": SameBytes(inferences=1, layers=1, bytes=9, differ=1), "chip": "cortex-m4"}, "on cortex-m4 than"),
    ],
)
def test_what_fails(changes: dict[str, Any], words: str) -> None:
    found = replace(GOOD, **changes)
    assert (GOOD.exit_code, found.exit_code) == (0, 1)
    assert words in found.problems[0]
    assert found.to_dict()["problems"] == list(found.problems)
    assert words in str(found).splitlines()[-1]


def test_the_tolerance_is_of_decisions() -> None:
    loss = FloatLoss(windows=20, decisions_differ=1, largest_difference=1, mean_difference=0)
    assert replace(GOOD, float_loss=loss).passed
    assert not replace(GOOD, float_loss=loss, tolerance=0.04).passed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tolerance", "5"], "a tolerance of 5 is no share of the windows"),
        (["--tolerance", "nan"], "a tolerance of nan is no share of the windows"),
        (["--clips", "0"], "0 windows cannot be compared"),
        (["--chip", "cortex-z80"], "'cortex-z80' is no core that can be emulated here"),
    ],
)
def test_arguments_that_make_no_sense(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(CONV), *options]) == 2
    assert capsys.readouterr().err.startswith(f"error: {said}\nhint: ")


def test_float_loss_of_other_probabilities() -> None:
    """A net that says the opposite of the int8 one, and one that nearly says the same."""
    windows = np.random.default_rng(0).integers(-128, 128, (30, 20, 1, 8)).astype(np.int8)
    model = (DATA / "tflite" / "tiny_tenet.tflite").read_bytes()
    scores = mltk_scores(model, windows)

    class Net:
        input_shape = (None, 20, 1, 8)

        def __init__(self, outputs: Any) -> None:
            self.outputs = outputs

        def __call__(self, x: Any, training: bool) -> Any:
            assert (x.dtype, training) == (np.float32, False)
            return self.outputs

    assert float_loss(Net(1 - scores), model, windows).decisions_differ == int((abs(scores[:, 0] - 0.5) > 0.016).sum())
    close = float_loss(Net(scores + 0.001), model, windows)
    assert (close.windows, close.decisions_differ) == (30, 0)
    assert close.largest_difference == pytest.approx(0.001, abs=1e-6)


def mltk_scores(model: bytes, windows: Any) -> Any:
    from mltk_like.tflite import TfliteModel

    return TfliteModel(model).predict_float(windows)


def test_outputs_that_differ_are_counted() -> None:
    model = CONV.read_bytes()
    one = NetRun(outputs=np.zeros((3, 2), np.int8))
    assert same_bytes.compare(model, one, NetRun(outputs=np.eye(3, 2, dtype=np.int8))).differ == 2


@pytest.mark.slow
def test_a_trained_model(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    """Its training has checked it; the archive and the report say so, and it can be checked again."""
    stored = json.loads((trained.result.folder / "check" / "check.json").read_text())
    assert stored["passed"] is True
    assert stored["float_loss"]["windows"] == stored["engines"]["windows"] == 48
    assert stored["on_host"]["differ"] == 0
    assert main(["check", str(trained.result.archive), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "windows that were kept with the model" in found["inputs"]
    assert found["float_loss"]["windows"] >= 1
    assert found["judged"]
    heard = mltk.check(trained.path, data=True, clips=12)
    assert heard.inputs == "12 windows of test voices"
    assert heard.float_loss is not None
    assert heard.float_loss.windows == 12


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("arm-none-eabi-gcc", "qemu-system-arm", "cmake"))), reason="no compiler or emulator"
)
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
def test_on_an_emulated_chip(core: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(STREAMING), "--chip", core, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["chip"], found["on_chip"]["differ"], found["on_chip"]["inferences"]) == (core, 0, 5)
    assert found["on_chip"]["layers"] == found["on_host"]["layers"]
