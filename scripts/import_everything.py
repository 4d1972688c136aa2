"""Import every module of the installed package: python scripts/import_everything.py, from anywhere."""

import importlib
import pkgutil
import sys
from pathlib import Path

# The script's own folder is on the path, and nothing else of the checkout.
sys.path.remove(str(Path(__file__).resolve().parent))

import mltk_like


def main() -> None:
    """Print how many there are; an import that fails ends with its traceback."""
    names = [found.name for found in pkgutil.walk_packages(mltk_like.__path__, "mltk_like.")]
    names = [name for name in names if not name.endswith(".__main__")]
    for name in names:
        importlib.import_module(name)
    print(f"{len(names)} modules of {mltk_like.__path__[0]}")


if __name__ == "__main__":
    main()
