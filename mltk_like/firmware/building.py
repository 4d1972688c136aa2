"""The C and C++ of a firmware compiled for a core, by CMake with GCC for Arm."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mltk_like.codegen.kernels import cpp_folder
from mltk_like.errors import ModelError, ToolError
from mltk_like.firmware.cores import Core

_TOOLS = {"cmake": "cmake", "arm-none-eabi-g++": "gcc-arm-none-eabi", "qemu-system-arm": "qemu-system-arm"}
_COMPILER = "arm-none-eabi-gcc"
_SECONDS = 900.0  # more than any net takes that fits

Progress = Callable[[str], None]
"""Called with what is done next, in a few words."""


def find_tool(program: str) -> str | None:
    """Path of a program, of this Python's environment first; None where there is none."""
    return shutil.which(program, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def check_tools(what: str) -> None:
    """Raise ToolError where one of the programs that building and emulating need is not installed.

    Args:
        what: is to be done, as in "to count instructions".
    """
    missing = [package for program, package in _TOOLS.items() if find_tool(program) is None]
    if not any(map(find_tool, ("ninja", "make"))):
        missing.append("ninja-build")
    if missing:
        raise ToolError(
            f"{what} these are missing: {', '.join(missing)}",
            f"install them; on Debian and Ubuntu: apt-get install --no-install-recommends {' '.join(missing)}",
        )


def compiler_version() -> str:
    """The version of the Arm compiler, as `12.2.1`. Raises ToolError where it is not installed."""
    return run_tool([_COMPILER, "-dumpfullversion"], "the compiler does not say its version").strip()


def build(
    model: Path, folder: Path, core: Core, targets: Sequence[str], options: Mapping[str, str] | None = None
) -> None:
    """Compile `targets` of cpp/mcu for a core, from the C of a model in one folder, into another.

    Args:
        model: the folder that `write_model` has written.
        folder: for all that is made.
        core: what for.
        targets: programs.
        options: of CMake, such as MLTK_LINE.

    Raises:
        ModelError: the program is larger than the emulated board's memory.
        ToolError: the sources are not there, or they cannot be compiled.
    """
    options = {
        **(options or {}),
        "CMAKE_TOOLCHAIN_FILE": "mcu/toolchain-arm-none-eabi.cmake",
        "MLTK_MCU_CPU": core.name,
        "MLTK_FIRMWARE_MODEL": str(model),
    }
    ninja = find_tool("ninja")
    generator = ["-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}"] if ninja else ["-G", "Unix Makefiles"]
    command = ["cmake", "-S", str(cpp_folder()), "-B", str(folder), *generator]
    failed = "the firmware cannot be built"
    run_tool([*command, *(f"-D{name}={value}" for name, value in options.items())], failed)
    run_tool(["cmake", "--build", str(folder), "--parallel", str(os.cpu_count() or 1), "--target", *targets], failed)


def run_tool(command: list[str], failed: str, *, folder: Path | None = None) -> str:
    """What a program prints. Raises ModelError, where the board is too small, or ToolError with its first error."""
    program = find_tool(command[0]) or command[0]
    try:
        done = subprocess.run(
            [program, *command[1:]],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
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
    last = lines[-1] if lines else "no message"
    # The first of the errors, and not a command with -Werror in it.
    first = next((line for line in lines if re.search(r"\berror\b", line.lower())), last)
    raise ToolError(f"{failed}: {first}")
