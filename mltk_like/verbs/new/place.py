"""Where a new model's file goes, and which names would not be found or would hide something."""

import os
import re
import sys
from pathlib import Path

from mltk_like.errors import ModelError
from mltk_like.loader import TEST_SUFFIX, list_models, search_folders
from mltk_like.paths import portable, resolved

# A file run as a program has its folder before all others on Python's path.
_IMPORTED = frozenset({"keras", "matplotlib", "mltk_like", "numpy", "soundfile", "tensorflow", "tqdm"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_HINT = "take letters, digits and underscores, a letter first, as in hey_gecko"


def place_of(name: str) -> Path:
    """The file of a new model: `./models/NAME.py`, or the path that was given: it ends in `.py` or names a folder.

    Raises:
        ModelError: the file exists; the name would not be found; it would hide a model or a module.
    """
    path = Path(name) if name.endswith(".py") or os.sep in name else Path("models") / f"{name}.py"
    if path.suffix != ".py":
        path = path.with_name(f"{path.name}.py")
    _check_name(path.stem, name)
    if path.exists() or path.is_symlink():
        raise ModelError(f"{portable(path)} exists", "nothing is written over it; take another name, or move it away")
    _check_hiding(path)
    return path


def _check_name(stem: str, given: str) -> None:
    if not _NAME.fullmatch(stem):
        raise ModelError(f"{given!r} is no name for a model: no verb would find {stem!r}", _HINT)
    if stem.endswith(TEST_SUFFIX):
        raise ModelError(
            f"{given!r} would not be found: {TEST_SUFFIX!r} at the end of a name asks for the dry run",
            f"call it {stem.removesuffix(TEST_SUFFIX) or 'my_model'}",
        )
    if stem in sys.stdlib_module_names | _IMPORTED:
        raise ModelError(
            f"a file called {stem}.py would hide the module {stem!r} from what lies beside it", f"call it {stem}_model"
        )


def _check_hiding(path: Path) -> None:
    """Raise ModelError where the name would reach something else, or the file hide a model of its name."""
    if path.parent == Path("models") and Path(path.stem).exists():
        raise ModelError(
            f"there is a file or folder {path.stem!r} here, which verbs would take in place of the name",
            "take another name",
        )
    if resolved(path.parent) not in [resolved(folder) for _, folder in search_folders()]:
        return  # it is reached by its path, and hides nothing
    other = list_models().get(path.stem)
    if other is not None:
        raise ModelError(
            f"there is a model {path.stem!r} already: {portable(other)}",
            "one of the two would hide the other; take another name",
        )
