"""What a detector takes of flash and RAM: linked for a Cortex-M4 as a program of its own, where a compiler is there."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mltk_like.errors import ModelError, ToolError
from mltk_like.firmware import CORES
from mltk_like.firmware.building import build, run_tool
from mltk_like.firmware.sources import write_model

MEASURED_ON = "cortex-m4"
_STACK = 8192  # of cpp/mcu/link.ld.in; the size that a linked program has says nothing about what it needs of it


@dataclass(frozen=True, kw_only=True)
class Linked:
    """Sizes of a program of start-up, detector and `main`, in bytes.

    Attributes:
        flash_bytes: code, constants and tables.
        ram_bytes: variables and memory that the front end and the net work in, without the stack.
    """

    flash_bytes: int
    ram_bytes: int


def measure(data: bytes) -> Linked | None:
    """Sizes of the program of `cpp/mcu/listen` with a model, built for a Cortex-M4.

    Args:
        data: content of a `.tflite` that says what it hears.

    Returns:
        None where CMake or the compiler is not installed, or the program is larger than the emulated board.
    """
    with TemporaryDirectory(prefix="mltk_like_export_") as folder:
        place = Path(folder)
        try:
            write_model(data, place)
            build(place / "model", place / "build", CORES[MEASURED_ON], ["listen"])
            program = place / "build" / "mcu" / "listen" / "listen.elf"
            printed = run_tool(["arm-none-eabi-size", str(program)], "the program has no sizes")
        except (ToolError, ModelError):
            return None
        text, initialised, zeroed = (int(word) for word in printed.splitlines()[1].split()[:3])
        return Linked(flash_bytes=text + initialised, ram_bytes=initialised + zeroed - _STACK)
