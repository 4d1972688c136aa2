"""A model in TensorFlow Lite Micro (TFLM) that answers row by row, in a process of its own."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from mltk_like.closing import Closing
from mltk_like.errors import DataError, ModelError, ToolError
from mltk_like.systems import without_tflm
from mltk_like.tflite.model_file import check_ends, parse, read_model
from mltk_like.tflite.runner import check_batch, find_tflm, runner_path
from mltk_like.tflite.summary import summarize_tflite

_STOP_S = 5


class TflmStream(Closing):
    """As `run_tflm`, for rows that come one by one; the process ends with the `with` block.

    Args:
        model: content of a `.tflite` file with one input and a batch of 1, or its path.
        timeout_s: seconds after which a row, or the start, is given up.

    Raises:
        ModelError: the model is damaged, has several inputs, takes several rows at a time, uses an operator that TFLM
            lacks, or crashes TFLM.
        ToolError: TFLM or the executable is not installed.
    """

    def __init__(self, model: bytes | Path, *, timeout_s: float = 120.0) -> None:
        content = read_model(model)
        check_ends(parse(content))
        summary = summarize_tflite(content)
        if len(summary.inputs) != 1:
            raise ModelError(f"the model has {len(summary.inputs)} inputs", "one is needed to run it row by row")
        check_batch((*summary.inputs, *summary.outputs[:1]))
        self._input, self._output = summary.inputs[0], summary.outputs[0]
        self._timeout_s = timeout_s
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

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of a row, without batch."""
        return tuple(self._input.shape[1:])

    def predict(self, row: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The first output for one row, both without batch; models with a state keep it from row to row.

        Raises:
            DataError: another shape or type than the model's input.
            ModelError: TFLM fails, crashes, or does not answer in time.
        """
        if row.shape != self.input_shape or row.dtype.name != self._input.dtype:
            raise DataError(
                f"the model takes {self._input.dtype} rows of shape {self.input_shape}; got {row.dtype} {row.shape}",
                "quantise the features first",
            )
        reply = self._exchange(row.tobytes(), lambda got: len(got) >= self._reply_bytes)
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
        sizes = json.loads(self._exchange(b"", lambda got: got.endswith(b"\n")))
        expected = self._input.elements * np.dtype(self._input.dtype).itemsize
        if sizes["input_frame_bytes"] != expected:
            raise ModelError(f"TFLM takes rows of {sizes['input_frame_bytes']} bytes, the model says {expected}")
        return int(sizes["output_frame_bytes"])

    def _exchange(self, data: bytes, whole: Callable[[bytearray], bool]) -> bytes:
        """Send bytes and receive a reply, each as far as it goes: a process that hangs takes and gives nothing.

        Raises:
            ModelError: the process ended, or the time is up.
        """
        if sys.platform == "win32":
            raise without_tflm("TensorFlow Lite Micro")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        to, of = self._process.stdin.fileno(), self._process.stdout.fileno()
        rest, got = memoryview(data), bytearray()
        end = time.monotonic() + self._timeout_s
        poll = select.poll()
        poll.register(of, select.POLLIN)
        if rest:
            poll.register(to, select.POLLOUT)
        while not whole(got):
            ready = dict(poll.poll(max(end - time.monotonic(), 0.0) * 1000))
            if not ready:
                raise self._given_up()
            if of in ready:
                piece = os.read(of, 1 << 16)
                if not piece:
                    raise self._failure()
                got += piece
            elif to in ready:
                try:
                    rest = rest[os.write(to, rest) :]
                except BrokenPipeError:
                    raise self._failure() from None
                if not rest:
                    poll.unregister(to)
        return bytes(got)

    def _given_up(self) -> ModelError:
        self._process.kill()
        return ModelError(
            f"TFLM did not answer within {self._timeout_s:g} s",
            "the model is too slow for this machine, or is damaged; --engine litert may run it",
        )

    def _failure(self) -> ModelError:
        try:
            code = self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            return self._given_up()
        self._messages.seek(0)
        lines = self._messages.read().decode(errors="replace").strip().splitlines() or ["no message"]
        if code < 0:
            return ModelError(f"TFLM crashed (signal {-code})", "the model is damaged or unsupported")
        detail = f" ({lines[0]})" if len(lines) > 1 else ""
        return ModelError(lines[-1].removeprefix("tflm_runner: ") + detail)


def _start(command: list[str], messages: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        # In a session of its own, so that Ctrl-C stops this process first.
        process = subprocess.Popen(
            command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages, start_new_session=True
        )
    except OSError as error:
        raise ToolError(f"cannot run {command[0]}: {error.strerror}", "build it again for this machine") from error
    # A row may be larger than the pipe: a write takes what fits, and waits for nothing.
    assert process.stdin is not None
    if sys.platform != "win32":
        os.set_blocking(process.stdin.fileno(), False)
    return process
