"""Which model files are the user's own. A model's file is code; one that came along with an archive is a stranger's."""

import json
from contextlib import suppress
from pathlib import Path

from mltk_like.errors import DataError
from mltk_like.loader import TEST_SUFFIX, find_named
from mltk_like.paths import cache_dir


def remember(file: Path) -> None:
    """Note a model's file as the user's: it was named to be trained, or claimed. What cannot be noted is asked for."""
    if is_own(file):
        return
    path = _list()
    with suppress(OSError, DataError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(str(file.resolve())) + "\n")


def is_own(file: Path) -> bool:
    """Whether a name reaches this very file, or it was noted.

    The list lies in the cache and not beside the file: what lies there may come out of an archive.
    """
    wanted = file.resolve()
    names = {wanted.stem, wanted.stem.removesuffix(TEST_SUFFIX)}
    if any(found is not None and found == wanted for found in map(find_named, names)):
        return True
    try:
        lines = _list().read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return False
    return json.dumps(str(wanted)) in lines


def _list() -> Path:
    return cache_dir() / "model_files.jsonl"
