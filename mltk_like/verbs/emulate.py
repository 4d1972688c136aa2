"""A model on a chip that is emulated, behind a serial line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mltk_like.firmware import Core, Line, core_of, emulated, firmware_image
from mltk_like.firmware.building import Progress
from mltk_like.firmware.emulator import Emulator
from mltk_like.model import Model
from mltk_like.verbs.shared.building import tflite_of


@dataclass(frozen=True, kw_only=True)
class EmulatedChip:
    """A running chip.

    Attributes:
        name: the model's.
        core: the chip's core, and the board that QEMU has with it.
        port: the serial line: what every `--device` and `mltk_like.audio.board.Board` take.
    """

    name: str
    core: Core
    port: str
    _emulator: Emulator

    def wait(self) -> None:
        """Wait, without end. Raises ToolError where the emulator ends."""
        self._emulator.wait()


@contextmanager
def emulate(
    model: Model | str | Path,
    *,
    cpu: str = "cortex-m4",
    line: Line = "console",
    build: bool = False,
    progress: Progress = lambda _: None,
) -> Iterator[EmulatedChip]:
    """Build a model's firmware, and run it in QEMU for the time of the block.

    Args:
        model: a specification, name, run folder, archive or `.tflite`.
        cpu: the core; see `mltk_like.firmware.CORES`.
        line: "console", or "uart": byte by byte through the UART that the board has, many times slower.
        build: a net with random weights; needs no training.
        progress: told of what takes long.

    Raises:
        ModelError: the model is not trained, or there is no firmware for it.
        SettingError: there is no such core.
        ToolError: CMake, the Arm compiler or QEMU is not installed, or one of them failed.
    """
    core = core_of(cpu)
    content, name = tflite_of(model, build=build)
    image = firmware_image(content, core, line=line, progress=progress)
    with emulated(image, core, line=line) as emulator:
        yield EmulatedChip(name=name, core=core, port=emulator.port, _emulator=emulator)
