"""Instructions that a model's firmware executes on a core, counted in an emulator: exact for a compiler, no board.

The same sources are compiled that a firmware is made of, with programs in place of its main loop that read a clock of
instructions before and after each part. These are instructions and not cycles; see `Core.cycles`.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mltk_like.audio.frontend import frontend_from_parameters
from mltk_like.audio.programs import program_path
from mltk_like.codegen import emit_net
from mltk_like.errors import ModelError, SettingError, ToolError
from mltk_like.firmware.cores import Core
from mltk_like.tflite import read_parameters

_TOOLS = {"cmake": "cmake", "arm-none-eabi-g++": "gcc-arm-none-eabi", "qemu-system-arm": "qemu-system-arm"}
_COMPILER = "arm-none-eabi-gcc"
_SPUN = (199_990, 200_010)  # what the programs count of a loop of 200,000 instructions
_SECONDS = 900.0  # more than any net takes that fits

Progress = Callable[[str], None]
"""Called with what is done next, in a few words."""


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
        window: of quantising the net's window, once for each step of the latency.
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
    check_tools()
    with TemporaryDirectory(prefix="mltk_like-") as folder:
        place = Path(folder)
        heard = _write_sources(model, place)
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
    check_tools()
    sources = folder / "model"
    sources.mkdir(exist_ok=True)
    for name, text in emit_net(model).files.items():
        (sources / name).write_text(text, encoding="utf-8")
    build(sources, folder / "build", core, ["count_net"])
    return _net(run_program(folder / "build" / "mcu" / "counting" / "count_net.elf", core))


def check_tools() -> None:
    """Raise ToolError where one of the programs that counting needs is not installed."""
    missing = [package for program, package in _TOOLS.items() if shutil.which(program) is None]
    if missing:
        raise ToolError(
            f"to count instructions these are missing: {', '.join(missing)}",
            f"install them; on Debian and Ubuntu: apt-get install --no-install-recommends {' '.join(missing)}",
        )


def compiler_version() -> str:
    """The version of the Arm compiler, as `12.2.1`. Raises ToolError where it is not installed."""
    return _run([_COMPILER, "-dumpfullversion"], "the compiler does not say its version").strip()


def build(model: Path, folder: Path, core: Core, targets: list[str]) -> None:
    """Compile `targets` of cpp/mcu for a core, from the C of a model in one folder, into another.

    Raises:
        ModelError: the program is larger than the emulated board's memory.
        ToolError: the sources are not there, or they cannot be compiled.
    """
    options = {
        "CMAKE_TOOLCHAIN_FILE": "mcu/toolchain-arm-none-eabi.cmake",
        "MLTK_MCU_CPU": core.name,
        "MLTK_FIRMWARE_MODEL": str(model),
    }
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    command = ["cmake", "-S", str(_sources()), "-B", str(folder), *generator]
    failed = "the firmware cannot be built"
    _run([*command, *(f"-D{name}={value}" for name, value in options.items())], failed)
    _run(["cmake", "--build", str(folder), "--parallel", str(os.cpu_count() or 1), "--target", *targets], failed)


def run_program(elf: Path, core: Core) -> Mapping[str, Any]:
    """Run a counting program in QEMU; what it printed as JSON. Raises ToolError where it fails, or counts wrongly."""
    console = "-chardev stdio,id=out -semihosting-config enable=on,target=native,chardev=out"
    command = ["qemu-system-arm", "-M", core.machine, "-display", "none", "-monitor", "none", "-serial", "none"]
    # Each instruction takes 64 ns of the emulated board's time: what its clock shows is instructions.
    command += [*console.split(), "-icount", "shift=6,sleep=off", "-kernel", str(elf)]
    printed = _run(command, f"the emulated {core.name} failed", folder=elf.parent)
    try:
        found: Mapping[str, Any] = json.loads(printed)
        spun = found["calibration"]
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"the emulated {core.name} printed something else than counts") from error
    if not _SPUN[0] <= spun <= _SPUN[1]:
        raise ToolError(f"this QEMU does not count instructions: {spun} of 200000", "use version 7.2 or later")
    return found


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


def _write_sources(model: bytes, place: Path) -> bool:
    """The C of a model in `place/model`. Returns whether there is what comes before and after the net."""
    folder = place / "model"
    folder.mkdir()
    for name, text in emit_net(model).files.items():
        (folder / name).write_text(text, encoding="utf-8")
    try:
        frontend_from_parameters(read_parameters(model))
    except SettingError:
        return False
    file = place / "model.tflite"
    file.write_bytes(model)
    done = subprocess.run(
        [program_path("model_constants"), file, folder], capture_output=True, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        raise ModelError(f"this model gives no firmware: {done.stderr.strip().removeprefix('model_constants: ')}")
    return True


def _sizes(elf: Path) -> tuple[int, int]:
    """Bytes of flash and RAM: the sections that are programmed, and those that are memory."""
    lines = _run(["arm-none-eabi-size", str(elf)], "the firmware's size is not known").splitlines()
    text, data, bss = (int(cell) for cell in lines[1].split()[:3])
    return text + data, data + bss


def _sources() -> Path:
    folder = Path(__file__).resolve().parents[2] / "cpp"
    if not (folder / "mcu" / "CMakeLists.txt").is_file():
        raise ToolError(
            "the firmware's sources are not in this installation", "work in a copy of the project: pip install -e ."
        )
    return folder


def _run(command: list[str], failed: str, *, folder: Path | None = None) -> str:
    """What a program prints. Raises ModelError, where the board is too small, or ToolError with its first error."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", timeout=_SECONDS
        )
    except OSError as error:
        raise ToolError(f"{failed}: {command[0]}: {error.strerror}", "is it installed?") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{failed}: {command[0]} takes more than {_SECONDS:.0f} s") from error
    if done.returncode == 0:
        return done.stdout
    said = done.stdout + done.stderr
    if re.search(r"region `?\w+'? overflowed", said):
        raise ModelError("the model does not fit into the emulated board", "its flash and RAM have 2 to 4 MB each")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "no message")
    raise ToolError(f"{failed}: {first}")
