"""Where the C++ programs of this package are: `audio_classifier` and `board_simulator`."""

import importlib.util
import os
from pathlib import Path

from mltk_like.errors import ToolError


def program_path(name: str) -> Path:
    """An executable of the package: in the folder `$MLTK_LIKE_BIN`, else in `bin/` of the installed package.

    Raises:
        ToolError: it is not there.
    """
    # Editable installs keep built files beside the compiled module, away from the sources.
    native = importlib.util.find_spec("mltk_like._native")
    packages = [Path(__file__).parent.parent, *([Path(native.origin).parent] if native and native.origin else [])]
    override = os.environ.get("MLTK_LIKE_BIN")
    for folder in [Path(override)] if override else [package / "bin" for package in packages]:
        if os.access(folder / name, os.X_OK):
            return folder / name
    raise ToolError(
        f"the program {name} was not built with this installation",
        "reinstall with pip install . on Linux, or build cpp/ with CMake and set MLTK_LIKE_BIN to its folder",
    )
