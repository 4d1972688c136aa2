"""A chip without a chip: QEMU runs a firmware, and its serial line is a pseudo-terminal."""

import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from mltk_like.errors import ToolError
from mltk_like.firmware.building import find_tool
from mltk_like.firmware.cores import Core
from mltk_like.firmware.image import Line

_START_S = 20.0
_STOP_S = 5.0
_LINES: Final = MappingProxyType(
    {
        "console": ("-serial", "none", "-semihosting-config", "enable=on,target=native,chardev=line"),
        "uart": ("-serial", "chardev:line"),
    }
)


class Emulator:
    """A running chip.

    Attributes:
        port: its serial line, for `mltk_like.audio.board.Board` and every `--device`.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: str) -> None:
        self._process = process
        self.port = port

    def wait(self) -> None:
        """Wait until it ends, which it does not by itself. Raises ToolError when it does."""
        code = self._process.wait()
        raise ToolError(f"the emulator ended with {code}", "start it again")


def emulator_command(image: Path, core: Core, *lines: str) -> list[str]:
    """QEMU's command line for a program on a core's board; `lines` say where its console and serial line lead."""
    command = ["qemu-system-arm", "-M", core.machine, "-display", "none", "-monitor", "none", *lines]
    # Each instruction takes 64 ns of the emulated board's time, so that its clock counts them; a sleep takes none.
    return [*command, "-icount", "shift=6,sleep=off", "-kernel", str(image)]


@contextmanager
def emulated(image: Path, core: Core, *, line: Line = "console") -> Iterator[Emulator]:
    """Run a firmware on its core's emulated board for the time of the block.

    Args:
        image: what `firmware_image` built for the core and the line.
        core: the core.
        line: the line.

    Raises:
        ToolError: QEMU is not installed, or does not start, or this is Windows.
    """
    if sys.platform == "win32":
        raise ToolError("QEMU has no pseudo-terminals on Windows", "emulate chips on Linux or macOS")
    qemu = find_tool("qemu-system-arm")
    if qemu is None:
        raise ToolError("qemu-system-arm is not installed", "on Debian and Ubuntu: apt-get install qemu-system-arm")
    command = [qemu, *emulator_command(image, core, "-chardev", "pty,id=line", *_LINES[line])[1:]]
    # In a session of its own, so that Ctrl-C stops this process first.
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            yield Emulator(process, _port(process))
        finally:
            _stop(process)


def _port(process: subprocess.Popen[bytes]) -> str:
    """The path of the line, which QEMU prints first."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_S)
    said = process.stdout.readline().decode(errors="replace").strip() if ready else "nothing"
    found = re.search(r"/dev/\S+", said)
    if found is None:
        raise ToolError(f"the emulator does not start: {said}", "is qemu-system-arm of version 7.2 or later?")
    return found.group()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
