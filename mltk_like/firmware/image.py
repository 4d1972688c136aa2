"""A model's firmware as one file, kept so that the same one is not built twice."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from mltk_like.audio.frontend import frontend_from_parameters
from mltk_like.codegen.kernels import cpp_folder
from mltk_like.errors import ModelError, SettingError
from mltk_like.firmware.building import Progress, build, check_tools, compiler_version
from mltk_like.firmware.cores import Core
from mltk_like.firmware.sources import write_model
from mltk_like.paths import cache_dir, write_bytes
from mltk_like.tflite import read_parameters, summarize_tflite
from mltk_like.tflite.net_input import NetInput

Line = Literal["console", "uart"]
"""How a firmware talks: over the emulator's console, which takes blocks of bytes, or over the board's UART."""


def firmware_image(model: bytes, core: Core, *, line: Line = "console", progress: Progress = lambda _: None) -> Path:
    """The program that a board is loaded with: start-up, front end, net, recogniser and board protocol.

    Args:
        model: content of a `.tflite` with parameters.
        core: what for.
        line: how it talks.
        progress: told of what takes long; not where the same firmware was built before.

    Returns:
        An ELF file in the cache.

    Raises:
        ModelError: the model does not say what it hears, cannot become C, or is larger than the board's memory.
        ToolError: CMake, the compiler or the emulator is not installed, or one of them failed.
    """
    check_tools("to emulate a chip")
    check_ends(model)
    with TemporaryDirectory(prefix="mltk_like_firmware_") as folder:
        place = Path(folder)
        write_model(model, place)
        target = cache_dir() / "firmware" / f"{_digest(place / 'model', core, line)}.elf"
        if not target.is_file():
            progress(f"compiling for {core.name}")
            build(place / "model", place / "build", core, ["firmware"], {"MLTK_LINE": line})
            write_bytes(target, (place / "build" / "mcu" / "firmware" / "firmware.elf").read_bytes())
        return target


def check_ends(model: bytes, refused: str = "there is no firmware for this model") -> None:
    """Raise ModelError where the net takes something else than its front end gives, or has not one output a class.

    Args:
        model: content of a `.tflite`.
        refused: what the error begins with where the model does not say what it hears.
    """
    parameters = read_parameters(model)
    try:
        frontend = frontend_from_parameters(parameters)
    except SettingError as error:
        raise ModelError(
            f"{refused}: {error.message}",
            "its front end's settings must be in its parameters: python -m mltk_like update_params",
        ) from error
    NetInput(model).check(frontend.spectrogram_shape)
    classes = parameters.get("classes")
    count = len(classes) if isinstance(classes, list) else 0
    outputs = summarize_tflite(model).outputs
    if len(outputs) != 1 or outputs[0].elements != count:
        raise ModelError(
            f"the net has {sum(each.elements for each in outputs)} outputs for {count} classes",
            "the parameters in the .tflite are those of another net",
        )


def _digest(model: Path, core: Core, line: Line) -> str:
    """Of all that the program follows from: sources, compiler, core, line."""
    digest = hashlib.sha256(f"{core.name} {line} {compiler_version()}".encode())
    for name, file in [*_files(model), *_files(cpp_folder())]:
        digest.update(f"\n{name}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:32]


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The sources below a folder, by name; those of programs for a computer make no difference, but cost nothing."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.relative_to(folder).as_posix(), file
