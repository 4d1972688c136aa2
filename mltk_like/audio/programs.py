"""Where the C++ programs of this package are: `audio_classifier`, `board_simulator` and `model_constants`."""

import importlib.util
import os
import sys
from pathlib import Path

from mltk_like.errors import ToolError
from mltk_like.systems import has_tflm, without_tflm

_NEED_TFLM = ("audio_classifier", "board_simulator")


def program_path(name: str) -> Path:
    """An executable of the package: in the folder `$MLTK_LIKE_BIN`, else in `bin/` of the installed package.

    Raises:
        ToolError: it is not there.
    """
    # Editable installs keep built files beside the compiled module, away from the sources.
    native = importlib.util.find_spec("mltk_like._native")
    packages = [Path(__file__).parent.parent, *([Path(native.origin).parent] if native and native.origin else [])]
    override = os.environ.get("MLTK_LIKE_BIN")
    file = f"{name}.exe" if sys.platform == "win32" else name
    for folder in [Path(override)] if override else [package / "bin" for package in packages]:
        if os.access(folder / file, os.X_OK):
            return folder / file
    if name in _NEED_TFLM and not has_tflm():
        raise without_tflm(name)
    raise ToolError(
        f"the program {name} was not built with this installation",
        "reinstall with pip install . in a checkout, or build cpp/ with CMake and set MLTK_LIKE_BIN to its folder",
    )
