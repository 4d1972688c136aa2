"""A model in TensorFlow Lite Micro (TFLM) that answers row by row, in a process of its own."""

import json
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt

from mltk_like.errors import DataError, ModelError, ToolError
from mltk_like.tflite.model_file import read_model
from mltk_like.tflite.runner import find_tflm, runner_path
from mltk_like.tflite.summary import summarize_tflite

_STOP_S = 5


class TflmStream:
    """As `run_tflm`, for rows that come one by one; the process ends with the `with` block.

    Args:
        model: content of a `.tflite` file with one input, or its path.

    Raises:
        ModelError: the model is damaged, has several inputs, uses an operator that TFLM lacks, or crashes TFLM.
        ToolError: TFLM or the executable is not installed.
    """

    def __init__(self, model: bytes | Path) -> None:
        content = read_model(model)
        summary = summarize_tflite(content)
        if len(summary.inputs) != 1:
            raise ModelError(f"the model has {len(summary.inputs)} inputs", "one is needed to run it row by row")
        self._input, self._output = summary.inputs[0], summary.outputs[0]
        command = [str(runner_path()), "--lib", str(find_tflm()), "--stream", "--model"]
        with ExitStack() as stack:
            file = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mltk_like_tflm_"))) / "model.tflite"
            file.write_bytes(content)
            # TFLM's messages: in a file, since nobody reads a pipe while the model runs.
            self._messages = stack.enter_context(tempfile.TemporaryFile())
            self._process = _start([*command, str(file)], self._messages)
            stack.callback(self._stop)
            self._reply_bytes = self._handshake()
            self._opened = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of a row, without batch."""
        return tuple(self._input.shape[1:])

    def predict(self, row: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The first output for one row, both without batch; models with a state keep it from row to row.

        Raises:
            DataError: another shape or type than the model's input.
            ModelError: TFLM fails or crashes.
        """
        if row.shape != self.input_shape or row.dtype.name != self._input.dtype:
            raise DataError(
                f"the model takes {self._input.dtype} rows of shape {self.input_shape}; got {row.dtype} {row.shape}",
                "quantise the features first",
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(row.tobytes())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None
        reply = self._process.stdout.read(self._reply_bytes)
        if len(reply) != self._reply_bytes:
            raise self._failure()
        count = self._output.elements
        return np.frombuffer(reply, self._output.dtype, count).reshape(self._output.shape[1:])

    def close(self) -> None:
        """End the process; twice is once."""
        self._opened.close()

    def _stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _handshake(self) -> int:
        """How many bytes a reply has."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._failure()
        sizes = json.loads(line)
        expected = self._input.elements * np.dtype(self._input.dtype).itemsize
        if sizes["input_frame_bytes"] != expected:
            raise ModelError(f"TFLM takes rows of {sizes['input_frame_bytes']} bytes, the model says {expected}")
        return int(sizes["output_frame_bytes"])

    def _failure(self) -> ModelError:
        code = self._process.wait()
        self._messages.seek(0)
        lines = self._messages.read().decode(errors="replace").strip().splitlines() or ["no message"]
        if code < 0:
            return ModelError(f"TFLM crashed (signal {-code})", "the model is damaged or unsupported")
        detail = f" ({lines[0]})" if len(lines) > 1 else ""
        return ModelError(lines[-1].removeprefix("tflm_runner: ") + detail)


def _start(command: list[str], messages: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        # In a session of its own, so that Ctrl-C stops this process first.
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages, start_new_session=True
        )
    except OSError as error:
        raise ToolError(f"cannot run {command[0]}: {error.strerror}", "build it again for this machine") from error
