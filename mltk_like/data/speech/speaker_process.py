"""Talks by pipe to a speech program that runs in a process of its own."""

import json
import struct
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk_like.errors import ToolError

# The programs answer each text in a fork; where there is none they end with their first answer.
_ANSWERS_ONCE = sys.platform == "win32"


class SpeakerProcess:
    """One running program, started at the first request; it ends with this object.

    It gets one JSON request a line and answers with two little-endian uint32, the rate in hertz and a size in bytes,
    and with so many bytes.

    Args:
        script: name of the Python file beside this one that is run.
        package: gives the folder of the package that the script is to use; raises ToolError where there is none.
        hint: how that package is had.
    """

    def __init__(self, script: str, package: Callable[[], Path], hint: str) -> None:
        self._script, self._package, self._hint = script, package, hint

    @cached_property
    def _process(self) -> "subprocess.Popen[bytes]":
        # -I keeps the child from importing anything but the standard library and installed packages; the folder of
        # the package is given, since it may lie on a path that only this process knows.
        command = [sys.executable, "-I", str(Path(__file__).with_name(self._script)), str(self._package())]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._end = weakref.finalize(self, end_process, process)
        return process

    def speak(self, request: Mapping[str, Any]) -> tuple[npt.NDArray[np.float32], int]:
        """Samples and their rate in hertz of a request, whose 'voice' and 'text' say what it is about.

        Raises:
            ToolError: the package is not installed, or its process ended.
        """
        rate, data = self.ask(request)
        return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768), rate

    def ask(self, request: Mapping[str, Any]) -> tuple[int, bytes]:
        """The two parts of an answer. Raises ToolError as `speak` does."""
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        try:
            pipe_in.write(json.dumps(request).encode() + b"\n")
            pipe_in.flush()
            head = pipe_out.read(8)
        except BrokenPipeError:
            head = b""
        if len(head) < 8:
            name = Path(self._script).stem.replace("_", " ")
            raise ToolError(f"the {name} ended (voice {request['voice']})", self._hint)
        rate, size = struct.unpack("<II", head)
        answer = pipe_out.read(size)
        if _ANSWERS_ONCE:
            self._end()
            del self._process
        return rate, answer


def end_process(process: "subprocess.Popen[bytes]") -> None:
    """Close a program's pipes, with which it ends, and wait for it."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()
