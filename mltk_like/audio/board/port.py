"""The serial line to a board. Needs pyserial; the path of a pseudo-terminal will do as well."""

import errno
import time
from types import ModuleType
from typing import Any, Protocol

from mltk_like.errors import DataError, ToolError

BAUD_RATE = 921_600
"""As SensiML's boards; 115 200 is too slow for audio."""

_WRITE_TIMEOUT_S = 5.0


class Unplugged(Exception):
    """The line went away while it was in use."""


class Line(Protocol):
    """What a session needs of a line; see `Port`."""

    path: str

    def read(self, timeout_s: float) -> bytes:
        """What has come."""

    def write(self, data: bytes) -> None:
        """Send."""

    def close(self) -> None:
        """Close."""


class Port:
    """An open line.

    Args:
        path: such as /dev/ttyACM0 or COM3.
        baud_rate: bits a second.

    Raises:
        DataError: there is no such device, it may not be used, or another program uses it.
        ToolError: pyserial is not installed.
    """

    def __init__(self, path: str, baud_rate: int = BAUD_RATE) -> None:
        serial = _pyserial()
        self.path = path
        try:
            # Without the lock two programs would each get a part of what comes.
            self._line: Any = serial.Serial(path, baud_rate, timeout=0, write_timeout=_WRITE_TIMEOUT_S, exclusive=True)
        except (OSError, ValueError) as error:
            raise _cannot_open(path, error) from error

    def read(self, timeout_s: float) -> bytes:
        """What has come, waiting so long for the first byte of it. Raises Unplugged."""
        try:
            self._line.timeout = max(timeout_s, 0)
            first = self._line.read(1)
            return bytes(first + self._line.read(self._line.in_waiting)) if first else b""
        except (OSError, TypeError) as error:  # TypeError: pyserial, where the line was closed meanwhile
            raise Unplugged from error

    def write(self, data: bytes) -> None:
        """Send. Raises Unplugged, also when the other side takes nothing for 5 s."""
        try:
            self._line.write(data)
        except OSError as error:
            raise Unplugged from error

    def close(self) -> None:
        """Close the line; closing it again does nothing."""
        try:
            self._line.close()
        except OSError:
            # It is gone, which is as good as closed.
            return


def reopen(path: str, baud_rate: int, patience_s: float) -> Port:
    """Open a line that went away, trying again and again. Raises DataError when it stays away."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return Port(path, baud_rate)
        except DataError as error:
            if time.monotonic() > deadline:
                raise DataError(
                    f"the board at {path} went away and did not come back within {round(patience_s, 1):g} s",
                    "check the cable and start again",
                ) from error
            time.sleep(0.1)


def port_names() -> list[str]:
    """Serial lines of this computer. Raises ToolError when pyserial is not installed."""
    _pyserial()
    from serial.tools import list_ports

    return sorted(port.device for port in list_ports.comports())


def _pyserial() -> ModuleType:
    try:
        import serial
    except ImportError as error:
        raise ToolError("a board's serial line needs pyserial", "pip install 'mltk_like[board]'") from error
    module: ModuleType = serial
    return module


def _cannot_open(path: str, error: Exception) -> DataError:
    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM):
        return DataError(
            f"no permission to use {path}", "add yourself to its group (sudo usermod -aG dialout $USER), log in again"
        )
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        known = ", ".join(port_names()) or "none"
        return DataError(f"there is no device {path}", f"plug the board in; serial lines of this computer: {known}")
    if number in (errno.EBUSY, errno.EAGAIN):
        return DataError(f"{path} is in use by another program", "close the terminal or gateway that has it open")
    return DataError(f"cannot open {path}: {error}", "give a serial line such as /dev/ttyACM0, or auto")
