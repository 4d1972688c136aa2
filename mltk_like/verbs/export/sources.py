"""The sources of a detector: those that every model has, from the package's C++, and those of one model."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from mltk_like.codegen.kernels import cpp_folder
from mltk_like.errors import ModelError, SettingError
from mltk_like.firmware.sources import write_model

_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "detector": ("detector/detector.cpp", "detector/model_window.cpp", "detector/include/mltk/*.hpp"),
    "frontend": ("frontend/*.cpp", "frontend/*.hpp", "frontend/include/mltk/*.hpp"),
    "kernels": ("kernels/mltk_*.c", "kernels/mltk_*.h"),
    "pipeline": ("pipeline/*.cpp", "pipeline/include/mltk/*.hpp"),
    "recogniser": ("recogniser/*.cpp", "recogniser/include/mltk/*.hpp"),
}


def check_no_prefix(prefix: str) -> None:
    """Raise SettingError where a prefix is given for a format in which names are the same for every model."""
    if prefix != "model":
        raise SettingError("names in this format have no prefix", "give each model a folder of its own with -o")


def model_sources(data: bytes, name: str) -> dict[str, str]:
    """Text of the files that a model gives, by name: its net, and what surrounds it.

    Args:
        data: content of a `.tflite`.
        name: the model's, for the error.

    Raises:
        ModelError: a layer has no kernel, or the model does not say what it hears.
        ToolError: this installation lacks the program that writes the constants.
    """
    with TemporaryDirectory(prefix="mltk_like_export_") as folder:
        place = Path(folder)
        if not write_model(data, place):
            raise ModelError(f"{name} does not say what its front end is", "use --format c, which writes the net alone")
        return {path.name: path.read_text(encoding="utf-8") for path in sorted((place / "model").iterdir())}


def detector_sources() -> dict[str, Path]:
    """The files that every detector has, by a name such as `frontend/include/mltk/frontend.hpp`. Raises ToolError."""
    root = cpp_folder()
    return {
        f"{folder}/{path.relative_to(root / folder).as_posix()}": path
        for folder, patterns in _FOLDERS.items()
        for path in sorted(found for pattern in patterns for found in root.glob(pattern))
    }
