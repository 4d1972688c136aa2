"""Run a model in TensorFlow Lite Micro (TFLM), as a microcontroller would, and time each layer on this machine.

TFLM is the unmodified library of the `tflite-micro` wheel, opened by the executable `tflm_runner` in a process of its
own, because TFLM can crash on a model or an arena that does not suit it. The library's C++ symbols are no promised
interface: the executable checks every assumption, and `TflmResult.verified` says whether this build is one that was
tested.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk_like.errors import DataError, ModelError, ToolError
from mltk_like.systems import has_tflm, without_tflm
from mltk_like.tflite.layers import TensorSummary
from mltk_like.tflite.model_file import check_ends, parse, read_model
from mltk_like.tflite.summary import summarize_tflite

TFLM_REQUIREMENT = "tflite-micro==0.dev20261023182759"
"""What pip installs TensorFlow Lite Micro by, as in pyproject.toml."""
_EXECUTABLE = "tflm_runner"
_TICK_S = 1.0
_ARENA_STEP = 64  # bytes; the search ends at this resolution
_MAX_ARENA = 2**26  # bytes; what the executable takes as roomy
_LACKING = re.compile(r"Didn't find op for builtin opcode '(\w+)'")
# SHA-256 of the libraries on which the tests pass: tflite-micro 0.dev20261023182759 for CPython 3.10 to 3.14.
_TESTED_BUILDS = frozenset(
    {
        "e24925eca3e58b7c403cfeef04caa44f46da813b7a6c85908c59a33d5779e909",
        "899add78f13a3814dc5d61a7118a2e60bb7a3f304524ce1c268aea43884818f4",
        "8bd5808bacc4e04b18b7b6ee68e3231cf6f775d3133ded925d72eb4c137b3842",
        "1d992fb6e3129838f0a30a545f866b0f64ed34bd4e987f6074b401d6a56d44f9",
        "a83821eab147d8c6d5d9c5cfcf189df94282b08fc743855a8b0c239b9e3311c9",
    }
)


Waiting = Callable[[int], None]
"""Called while a model runs, with the number of inferences that are done."""


@dataclass(frozen=True, kw_only=True)
class LayerTime:
    """Shortest time of one operator on this machine, in microseconds, and TFLM's name for it."""

    index: int
    op: str
    time_us: float


@dataclass(frozen=True, kw_only=True)
class TflmResult:
    """What TFLM made of a model.

    Attributes:
        outputs: (n, *output shape without batch) in the output's type; None when no inputs were given.
        further: the same of the outputs after the first, of models that have several.
        arena_bytes: working memory that the model was given; found as the least that it runs in, unless asked for.
        arena_used_bytes: the part in use while it runs, activations + persistent; `arena_bytes` is more only where
            preparing the model takes more than running it.
        activations_bytes: the part for tensors, shared over their lifetimes; the same on a microcontroller.
        persistent_bytes: the part for TFLM's own structures on this 64-bit machine; less on a 32-bit one.
        layers: time of each operator, in order; empty without profiling. Models with several graphs (streaming models)
            list every operator that ran.
        inference_min_us: shortest time of an inference, in microseconds.
        inference_mean_us: mean time of an inference, in microseconds.
        version: version of the tflite-micro package.
        sha256: hash of its library.
        abi: C++ namespace under which its functions were found.
        verified: whether this build of TFLM is one that was tested with this package.
        repeat: how many times the rows were run.
    """

    outputs: npt.NDArray[Any] | None
    further: tuple[npt.NDArray[Any], ...] = ()
    arena_bytes: int
    arena_used_bytes: int
    activations_bytes: int
    persistent_bytes: int
    layers: tuple[LayerTime, ...]
    inference_min_us: float
    inference_mean_us: float
    version: str
    sha256: str
    abi: str
    verified: bool
    repeat: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the outputs."""
        plain = asdict(replace(self, outputs=None, further=()))
        del plain["outputs"], plain["further"]
        return plain


class _TflmFailure(ModelError):
    """The executable refused the model, or crashed on it."""


def find_tflm() -> Path:
    """The shared library of the installed `tflite-micro` package, found without importing it.

    Raises:
        ToolError: the package is not installed, or there is none for this system.
    """
    try:
        spec = importlib.util.find_spec("tflite_micro")
    except (ImportError, ValueError):
        spec = None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        library = Path(folder) / "python" / "tflite_micro" / "_runtime.so"
        if library.is_file():
            return library
    if not has_tflm():
        raise without_tflm("TensorFlow Lite Micro")
    raise ToolError("TensorFlow Lite Micro is not installed", f"pip install {TFLM_REQUIREMENT}")


def is_tested_build(library: Path) -> bool:
    """Whether a library of TensorFlow Lite Micro is, by its hash, one on which the tests pass."""
    with library.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() in _TESTED_BUILDS


def runner_path() -> Path:
    """The executable `tflm_runner`: `$MLTK_LIKE_RUNNER`, else `bin/` of the installed package.

    Raises:
        ToolError: it is not there.
    """
    override = os.environ.get("MLTK_LIKE_RUNNER")
    if override:
        if not os.access(override, os.X_OK):
            raise ToolError(f"MLTK_LIKE_RUNNER={override} is not an executable", "unset it, or give tflm_runner's path")
        return Path(override)
    # Editable installs keep built files beside the compiled module, away from the sources.
    native = importlib.util.find_spec("mltk_like._native")
    folders = [Path(__file__).parent.parent, *([Path(native.origin).parent] if native and native.origin else [])]
    for folder in folders:
        candidate = folder / "bin" / _EXECUTABLE
        if os.access(candidate, os.X_OK):
            return candidate
    if not has_tflm():
        raise without_tflm(_EXECUTABLE)
    raise ToolError(
        f"the executable {_EXECUTABLE} was not built with this installation",
        "reinstall with pip install . in a checkout, or build cpp/ with CMake and set MLTK_LIKE_RUNNER",
    )


def run_tflm(
    model: bytes | Path,
    inputs: npt.NDArray[Any] | None = None,
    *,
    profile: bool = True,
    repeat: int = 10,
    arena_bytes: int | None = None,
    timeout_s: float = 600,
    repeat_s: float | None = None,
    waiting: Waiting | None = None,
) -> TflmResult:
    """Run a model in TFLM on rows of inputs, in order; streaming models keep their state from row to row.

    Without `arena_bytes` the model first runs in a roomy arena, which tells what it uses, and then in exactly that (or
    the least above it that will do), so the figure is proven.

    Args:
        model: content of a `.tflite` file, or its path.
        inputs: (n, *input shape without batch) in the type of the model's only input; None runs one row of zeros.
        profile: time each operator.
        repeat: how many times the rows are run; times are the shortest of all.
        arena_bytes: working memory to give to the model; None finds the least.
        timeout_s: seconds after which a run is given up.
        repeat_s: seconds that the repeats may take: of a slow model there are fewer, at least one. None: any number.
        waiting: called about once a second while TFLM runs, with the number of inferences that are done.

    Raises:
        DataError: inputs of another shape or type than the model's.
        ModelError: the model is damaged, does not fit the arena, uses an operator that TFLM lacks, crashes TFLM, or
            takes several rows at a time and is given inputs.
        ToolError: TFLM or the executable is not installed.
    """
    content = read_model(model)
    summary = summarize_tflite(content)
    runner = _Runs(timeout_s, waiting)
    if inputs is not None:
        check_ends(parse(content))
        check_batch((*summary.inputs, *summary.outputs[:1]))
    frames = None if inputs is None else _frames(inputs, summary.inputs)
    library = find_tflm()
    executable = runner_path()
    with tempfile.TemporaryDirectory(prefix="mltk_like_tflm_") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(content)
        command = [str(executable), "--lib", str(library), "--model", str(folder / "model.tflite")]
        if arena_bytes is None:
            arena_bytes = _find_arena(command, runner)
        if frames is not None:
            (folder / "input.bin").write_bytes(frames)
            command += ["--input", str(folder / "input.bin"), "--output", str(folder / "output.bin")]
        if repeat_s is not None and runner.longest_s * repeat > repeat_s:
            repeat = max(1, int(repeat_s / runner.longest_s))
        command += ["--arena", str(arena_bytes), "--repeat", str(repeat), *(["--profile"] if profile else [])]
        report = runner.execute(command)
        raw = None if frames is None else (folder / "output.bin").read_bytes()
    outputs = () if raw is None else _rows(raw, summary.outputs, int(report["frames"]))
    return _result(report, arena_bytes, outputs, library, repeat)


def _find_arena(command: list[str], runner: "_Runs") -> int:
    """What the model uses of a roomy arena, plus what TFLM's planner needs besides while it prepares the model."""
    used = int(runner.execute(command)["arena"]["used"])
    fails, fits = used - _ARENA_STEP, used
    while not _fits(command, fits, runner):
        if fits > _MAX_ARENA:
            raise ModelError("TFLM ran the model once and then refused it in every arena")
        fails, fits = fits, used + 2 * max(_ARENA_STEP, fits - used)
    while fits - fails > _ARENA_STEP:
        middle = fails + (fits - fails) // (2 * _ARENA_STEP) * _ARENA_STEP
        fails, fits = (fails, middle) if _fits(command, middle, runner) else (middle, fits)
    return fits


def _fits(command: list[str], arena_bytes: int, runner: "_Runs") -> bool:
    try:
        runner.execute([*command, "--arena", str(arena_bytes)])
    except _TflmFailure:
        # A clean refusal or a crash: both mean too little here, since the model ran in the roomy arena.
        return False
    return True


def _result(
    report: dict[str, Any], arena_bytes: int, outputs: tuple[npt.NDArray[Any], ...], library: Path, repeat: int
) -> TflmResult:
    sha256 = hashlib.sha256(library.read_bytes()).hexdigest()
    return TflmResult(
        outputs=outputs[0] if outputs else None,
        further=outputs[1:],
        arena_bytes=arena_bytes,
        arena_used_bytes=report["arena"]["used"],
        activations_bytes=report["arena"]["activations"],
        persistent_bytes=report["arena"]["persistent"],
        layers=tuple(
            LayerTime(index=layer["index"], op=layer["op"], time_us=layer["min_ns"] / 1000)
            for layer in report["layers"]
        ),
        inference_min_us=report["ns"]["min"] / 1000,
        inference_mean_us=report["ns"]["mean"] / 1000,
        version=importlib.metadata.version("tflite-micro"),
        sha256=sha256,
        abi=report["abi"],
        verified=sha256 in _TESTED_BUILDS,
        repeat=repeat,
    )


class _Runs:
    """Runs of the executable, one after the other.

    Args:
        timeout_s: for each.
        waiting: see `run_tflm`.

    Attributes:
        longest_s: the longest inference so far.
    """

    def __init__(self, timeout_s: float, waiting: Waiting | None) -> None:
        self.longest_s = 0.0
        self._timeout_s = timeout_s
        self._waiting = waiting or (lambda done: None)
        self._done = 0

    def execute(self, command: list[str]) -> dict[str, Any]:
        """What the executable reports. Raises as `run_tflm`."""
        try:
            ended, output, errors = self._ended(command)
        except subprocess.TimeoutExpired as error:
            raise ModelError(
                f"TFLM did not finish the model within {self._timeout_s:g} s",
                "make the model smaller; from Python, give run_tflm a longer timeout_s",
            ) from error
        except OSError as error:
            raise ToolError(f"cannot run {command[0]}: {error.strerror}", "build it again for this machine") from error
        report = _report(ended, output, errors)
        self._done += 1
        self.longest_s = max(self.longest_s, report["ns"]["mean"] / 1e9)
        return report

    def _ended(self, command: list[str]) -> tuple[int, bytes, bytes]:
        """Exit code, output and errors."""
        deadline = time.monotonic() + self._timeout_s
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe) as process:
            try:
                while True:
                    try:
                        output, errors = process.communicate(timeout=min(_TICK_S, self._timeout_s))
                        return process.returncode, output, errors
                    except subprocess.TimeoutExpired:
                        if time.monotonic() >= deadline:
                            raise
                        self._waiting(self._done)
            except BaseException:
                process.kill()
                raise


def _report(ended: int, output: bytes, errors: bytes) -> dict[str, Any]:
    """What a run that ended with this code says of itself. Raises ModelError where it failed."""
    if ended < 0:
        name = signal.Signals(-ended).name
        raise _TflmFailure(f"TFLM crashed ({name})", "the arena is too small, or the model is damaged or unsupported")
    if ended != 0:
        # The last line is ours; TFLM's own messages come before it and often name the operator.
        text = errors.decode(errors="replace").strip()
        if lacking := _LACKING.search(text):
            raise _TflmFailure(
                f"TensorFlow Lite Micro has no operator {lacking[1]}, which the model uses",
                "build the net of other layers or activations",
            )
        lines = text.splitlines() or ["no message"]
        detail = f" ({lines[0]})" if len(lines) > 1 else ""
        raise _TflmFailure(lines[-1].removeprefix(f"{_EXECUTABLE}: ") + detail)
    report: dict[str, Any] = json.loads(output)
    return report


def check_batch(tensors: tuple[TensorSummary, ...]) -> None:
    """Raise ModelError where a model takes or gives more than one row at a time."""
    if any(tensor.shape[:1] != (1,) for tensor in tensors):
        raise ModelError(
            f"the model's ends are {', '.join(tensor.shape_text for tensor in tensors)}; one row at a time is needed",
            "convert the model with a batch of 1",
        )


def _frames(inputs: npt.NDArray[Any], tensors: tuple[TensorSummary, ...]) -> bytes:
    if len(tensors) != 1:
        raise DataError(f"the model has {len(tensors)} inputs; rows can be given for one", "run it without inputs")
    (tensor,) = tensors
    if inputs.shape[1:] != tensor.shape[1:] or tensor.dtype != inputs.dtype.name or not len(inputs):
        raise DataError(
            f"the model takes {tensor.dtype} rows of shape {tensor.shape[1:]}; got {inputs.dtype} {inputs.shape}",
            "quantise the features first (TfliteModel.quantize)",
        )
    return inputs.tobytes()


def _rows(raw: bytes, tensors: tuple[TensorSummary, ...], count: int) -> tuple[npt.NDArray[Any], ...]:
    """The outputs of all rows; those of a row follow each other in the file."""
    sizes = [tensor.elements * np.dtype(tensor.dtype).itemsize for tensor in tensors]
    rows = np.frombuffer(raw, np.uint8).reshape(count, sum(sizes))
    parts = np.split(rows, np.cumsum(sizes)[:-1], axis=1)
    return tuple(_values(part, tensor) for part, tensor in zip(parts, tensors, strict=True))


def _values(rows: npt.NDArray[np.uint8], tensor: TensorSummary) -> npt.NDArray[Any]:
    shape = tensor.shape
    # Inside a model, tensors have other first dimensions than the batch.
    row = shape[1:] if shape[:1] == (1,) else shape
    return np.ascontiguousarray(rows).view(tensor.dtype).reshape(len(rows), *row)
