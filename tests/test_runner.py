"""The C++ TFLM runner through run_tflm: equal to TFLM's own Python API, guards, crashes, arena."""

import random
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mltk_like.errors import DataError, ModelError, ToolError
from mltk_like.tflite import runner
from mltk_like.tflite.interpreter import TfliteModel
from mltk_like.tflite.parameters import compact, write_parameters
from mltk_like.tflite.runner import find_tflm, run_tflm, runner_path
from mltk_like.tflite.summary import summarize_tflite

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data" / "tflite"
MODELS = ["tiny_conv", "tiny_tenet"]
SYMBOLS = ROOT / "cpp" / "runner" / "python_symbols.txt"


def load(name: str) -> bytes:
    return (DATA / f"{name}.tflite").read_bytes()


def rows(model: bytes, count: int) -> npt.NDArray[np.int8]:
    shape = summarize_tflite(model).inputs[0].shape[1:]
    return np.random.default_rng(1).integers(-128, 128, (count, *shape)).astype(np.int8)


@pytest.fixture
def tflm() -> None:
    try:
        find_tflm(), runner_path()
    except ToolError as error:
        pytest.skip(f"{error.message}; {error.hint}")


@pytest.mark.usefixtures("tflm")
@pytest.mark.parametrize("name", MODELS)
def test_equal_to_tflm_python_api_and_reference_kernels(name: str) -> None:
    from tflite_micro import runtime

    model = load(name)
    x = rows(model, 300)
    result = run_tflm(model, x, repeat=1)
    python_api = runtime.Interpreter.from_bytes(model)
    expected = []
    for row in x:
        python_api.set_input(row[None], 0)
        python_api.invoke()
        expected.append(python_api.get_output(0)[0])
    assert result.outputs is not None
    assert len(np.unique(result.outputs, axis=0)) > 20
    assert np.array_equal(result.outputs, np.array(expected))
    # LiteRT's reference kernels round a fully connected layer otherwise: seen in 3 of 300 rows, by one unit.
    difference = np.abs(result.outputs.astype(int) - TfliteModel(model, exact=True).predict(x))
    assert difference.max() <= 1
    assert difference.any(axis=1).mean() < 0.03


@pytest.mark.usefixtures("tflm")
@pytest.mark.parametrize("name", MODELS)
def test_report(name: str) -> None:
    model = load(name)
    result = run_tflm(DATA / f"{name}.tflite", repeat=3)
    assert result.outputs is None
    layers = summarize_tflite(model).layers
    assert [layer.op.lower() for layer in result.layers] == [layer.opcode for layer in layers]
    assert [layer.index for layer in result.layers] == list(range(len(layers)))
    assert 0 < sum(layer.time_us for layer in result.layers) <= result.inference_mean_us
    assert result.inference_min_us <= result.inference_mean_us
    assert result.arena_used_bytes == result.activations_bytes + result.persistent_bytes
    # Preparing these small models takes more memory than running them.
    assert result.arena_used_bytes <= result.arena_bytes < 2 * result.arena_used_bytes
    assert result.verified
    assert result.version == "0.dev20261023182759"
    assert len(result.sha256) == 64
    assert "outputs" not in result.to_dict()


@pytest.mark.usefixtures("tflm")
def test_without_profile() -> None:
    assert run_tflm(load("tiny_conv"), profile=False, repeat=1).layers == ()


@pytest.mark.usefixtures("tflm")
@pytest.mark.parametrize("name", MODELS)
def test_rewritten_models_run_the_same(name: str) -> None:
    model = load(name)
    x = rows(model, 20)
    expected = run_tflm(model, x, repeat=1).outputs
    assert expected is not None
    for rewritten in (compact(model), write_parameters(model, {"a": 1})):
        outputs = run_tflm(rewritten, x, repeat=1).outputs
        assert outputs is not None
        assert np.array_equal(outputs, expected)


@pytest.mark.usefixtures("tflm")
def test_found_arena_is_the_least() -> None:
    least = run_tflm(load("tiny_tenet"), repeat=1).arena_bytes
    assert run_tflm(load("tiny_tenet"), repeat=1, arena_bytes=least).arena_bytes == least
    with pytest.raises(ModelError, match="too small"):
        run_tflm(load("tiny_tenet"), arena_bytes=least - 64)


@pytest.mark.usefixtures("tflm")
@pytest.mark.parametrize("arena_bytes", [1, 16, 100, 400, 1000])
def test_tiny_arenas_end_in_one_error(arena_bytes: int) -> None:
    with pytest.raises(ModelError):
        run_tflm(load("tiny_tenet"), arena_bytes=arena_bytes)


@pytest.mark.usefixtures("tflm")
def test_damaged_models_run_or_end_in_one_error() -> None:
    rng = random.Random(5)
    for _ in range(25):
        bad = bytearray(load("tiny_conv"))
        for _ in range(3):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        try:
            run_tflm(bytes(bad), repeat=1, arena_bytes=16384, timeout_s=5)
        except ModelError:
            continue


@pytest.mark.usefixtures("tflm")
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_models_are_refused(tmp_path: Path, share: float) -> None:
    # Straight to the executable: the Python side would refuse the model before it.
    model = load("tiny_conv")
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(model[: int(len(model) * share)])
    command = [str(runner_path()), "--lib", str(find_tflm()), "--model", str(cut)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert done.stderr.startswith("tflm_runner: ")
    assert done.stdout == ""


@pytest.mark.usefixtures("tflm")
def test_wrong_rows_are_refused() -> None:
    with pytest.raises(DataError, match="int8 rows of shape"):
        run_tflm(load("tiny_conv"), np.zeros((1, 16, 8, 1), np.float32))
    with pytest.raises(DataError, match="int8 rows of shape"):
        run_tflm(load("tiny_conv"), np.zeros((1, 8, 16, 1), np.int8))


@pytest.mark.usefixtures("tflm")
def test_unknown_build_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_TESTED_BUILDS", frozenset())
    assert not run_tflm(load("tiny_conv"), repeat=1).verified


def fake_runner(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "tflm_runner"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("MLTK_LIKE_RUNNER", str(path))
    monkeypatch.setattr(runner, "find_tflm", lambda: path)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("kill -SEGV $$", "TFLM crashed \\(SIGSEGV\\)"),
        ("echo 'tflm_runner: it is broken' >&2; exit 2", "^it is broken$"),
        ("echo 'no kernel for X' >&2; echo 'tflm_runner: not run' >&2; exit 2", "not run \\(no kernel for X\\)"),
        ("exec sleep 5", "did not finish"),
    ],
)
def test_failures_of_the_executable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str) -> None:
    fake_runner(tmp_path, script, monkeypatch)
    with pytest.raises(ModelError) as caught:
        run_tflm(load("tiny_conv"), timeout_s=0.5 if "sleep" in script else 20)
    assert re.search(message, caught.value.message)


def test_missing_executable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLTK_LIKE_RUNNER", str(tmp_path / "none"))
    with pytest.raises(ToolError, match="MLTK_LIKE_RUNNER"):
        runner_path()


def test_missing_tflm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolError, match="pip install tflite-micro=="):
        find_tflm()


def test_every_python_symbol_has_a_stub() -> None:
    try:
        library = find_tflm()
    except ToolError as error:
        pytest.skip(error.message)
    if shutil.which("nm") is None:
        pytest.skip("nm is not installed")
    listed = subprocess.run(["nm", "-D", "--undefined-only", str(library)], capture_output=True, text=True, check=True)
    needed = {line.split()[-1].split("@")[0] for line in listed.stdout.splitlines()}
    needed = {name for name in needed if name.startswith(("Py", "_Py"))}
    assert len(needed) > 100
    assert needed <= set(SYMBOLS.read_text().split())
