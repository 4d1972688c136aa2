"""Instructions that a model's firmware executes on a core, counted in an emulator: exact for a compiler, no board.

The same sources are compiled that a firmware is made of, with programs in place of its main loop that read a clock of
instructions before and after each part. These are instructions and not cycles; see `Core.cycles`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mltk_like.errors import ToolError
from mltk_like.firmware.building import Progress, build, check_tools, compiler_version, run_tool
from mltk_like.firmware.cores import Core
from mltk_like.firmware.emulator import emulator_command
from mltk_like.firmware.sources import write_model, write_net

_SPUN = (199_990, 200_010)  # what the programs count of a loop of 200,000 instructions


@dataclass(frozen=True, kw_only=True)
class NetCount:
    """Instructions of one inference and of each layer of the `.tflite`, in order, and bytes of stack."""

    inference: int
    layers: tuple[int, ...]
    stack_bytes: int


@dataclass(frozen=True, kw_only=True)
class SoundCount:
    """Instructions of what a firmware does with sound, the net apart, and how often it does it.

    Attributes:
        hop: mean of one hop of the front end, from samples to a column.
        hop_least, hop_most: of all hops that were counted.
        hops_a_second: how many there are in a second of audio.
        window: of quantising for the net at each step of the latency: the new columns, or all of the window where the
            scale depends on it.
        windows_a_second: how many there are.
        inferences_a_second: runs of the net in a second of audio; a net with state may run several times a step.
        second: of a second of audio in all, without the net.
        stack_bytes: of stack.
    """

    hop: int
    hop_least: int
    hop_most: int
    hops_a_second: float
    window: int
    windows_a_second: float
    inferences_a_second: float
    second: int
    stack_bytes: int

    @property
    def rest(self) -> int:
        """Of a second of audio: columns kept and moved, scores averaged, detections."""
        return max(self.second - round(self.hop * self.hops_a_second + self.window * self.windows_a_second), 0)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """A model on a core.

    Attributes:
        core: its name.
        compiler: GCC's version: with another one the counts differ.
        net: the net's.
        sound: of what is around it; None where the model does not say what it hears.
        flash_bytes: of the whole firmware, as linked: start-up, front end, net, recogniser, board protocol.
        ram_bytes: likewise, with its stack. Both are None where there is no firmware for the model.
    """

    core: str
    compiler: str
    net: NetCount
    sound: SoundCount | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None

    @property
    def second(self) -> int | None:
        """Instructions of a second of audio, all in all; None where it is not known what the model hears."""
        if self.sound is None:
            return None
        return self.sound.second + round(self.net.inference * self.sound.inferences_a_second)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def count_model(model: bytes, core: Core, *, progress: Progress = lambda _: None) -> Counts:
    """Build a model's programs for a core, run them in QEMU, and read what they counted.

    Args:
        model: content of a `.tflite`.
        core: where it is to run.
        progress: told of what takes long.

    Raises:
        ModelError: the net cannot become C, see `emit_net`, or does not fit into the emulated board.
        ToolError: CMake, the compiler or the emulator is not installed, or one of them failed.
    """
    check_tools("to count instructions")
    with TemporaryDirectory(prefix="mltk_like-") as folder:
        place = Path(folder)
        heard = write_model(model, place)
        targets = ["count_net", *(["count_sound", "firmware"] if heard else [])]
        progress(f"compiling for {core.name}")
        build(place / "model", place / "build", core, targets)
        progress(f"counting on {core.name}")
        programs = place / "build" / "mcu"
        net = _net(run_program(programs / "counting" / "count_net.elf", core))
        counts = Counts(core=core.name, compiler=compiler_version(), net=net)
        if not heard:
            return counts
        sound = sound_count(run_program(programs / "counting" / "count_sound.elf", core))
        flash, ram = _sizes(programs / "firmware" / "firmware.elf")
        return Counts(**{**counts.__dict__, "sound": sound, "flash_bytes": flash, "ram_bytes": ram})


def count_net(model: bytes, core: Core, folder: Path) -> NetCount:
    """The net alone. Called with the same folder and core again, only the net is compiled again.

    Raises as `count_model` does.
    """
    check_tools("to count instructions")
    build(write_net(model, folder), folder / "build", core, ["count_net"])
    return _net(run_program(folder / "build" / "mcu" / "counting" / "count_net.elf", core))


def run_program(elf: Path, core: Core) -> Mapping[str, Any]:
    """Run a counting program in QEMU; what it printed as JSON. Raises ToolError where it fails, or counts wrongly."""
    printed = run_bare(elf, core)
    try:
        found: Mapping[str, Any] = json.loads(printed)
        spun = found["calibration"]
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"the emulated {core.name} printed something else than counts") from error
    if not _SPUN[0] <= spun <= _SPUN[1]:
        raise ToolError(f"this QEMU does not count instructions: {spun} of 200000", "use version 7.2 or later")
    return found


def run_bare(elf: Path, core: Core, *, folder: Path | None = None) -> str:
    """Run a program in QEMU that ends by itself; what it printed. Raises ToolError.

    Args:
        elf: the program.
        core: that it was compiled for.
        folder: of its files; None: they lie beside it.
    """
    console = "-serial none -chardev stdio,id=out -semihosting-config enable=on,target=native,chardev=out"
    command = emulator_command(elf, core, *console.split())
    return run_tool(command, f"the emulated {core.name} failed", folder=folder or elf.parent)


def _net(found: Mapping[str, Any]) -> NetCount:
    return NetCount(
        inference=found["inference"]["mean"], layers=tuple(found["layers"]), stack_bytes=found["stack_bytes"]
    )


def sound_count(found: Mapping[str, Any]) -> SoundCount:
    """What `count_sound` printed, by the second."""
    seconds = found["samples"] / found["rate"]
    windows = 1000 / found["latency_ms"]
    runs_a_window = found["runs"] / found["steps"] if found["steps"] else 1.0
    return SoundCount(
        hop=found["hop"]["mean"],
        hop_least=found["hop"]["min"],
        hop_most=found["hop"]["max"],
        hops_a_second=found["rate"] / found["step"],
        window=found["window"]["mean"],
        windows_a_second=windows,
        inferences_a_second=windows * runs_a_window,
        second=round(found["sound"]["mean"] / seconds),
        stack_bytes=found["stack_bytes"],
    )


def _sizes(elf: Path) -> tuple[int, int]:
    """Bytes of flash and RAM: the sections that are programmed, and those that are memory."""
    lines = run_tool(["arm-none-eabi-size", str(elf)], "the firmware's size is not known").splitlines()
    text, data, bss = (int(cell) for cell in lines[1].split()[:3])
    return text + data, data + bss
