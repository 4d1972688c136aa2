"""The part of the cache that can be made again at any time: decoded clips, quantised rows, rooms.

Every other choice of clips is another pack of up to some gigabytes, so that an afternoon of trials would fill a disk.
What was not used for the longest time goes before another is made.
"""

import os
import re
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from mltk_like.errors import SettingError
from mltk_like.paths import cache_dir
from mltk_like.processes import still_runs

VARIABLE = "MLTK_LIKE_PACKS_GB"
"""Variable of the environment: how much is kept, in gigabytes."""

_DEFAULT_GB = 12.0
# This process may go back to what it opened a while ago, and so may other machines that share the cache.
_IN_USE_S = 3 * 3600.0
# `<key>.used-<process>` stands beside a pack: a training opens it again for its evaluation and for each new worker.
_USED = ".used-"
# With what a process that was killed has left of it.
_NAME = re.compile(r"\.?((?:rooms-)?[0-9a-f]+)")


def pack_path(name: str) -> Path:
    """Where the pack `name` lies, or is to be written: then older packs make room for it first.

    Raises:
        SettingError: $MLTK_LIKE_PACKS_GB is no number of 0 or more.
    """
    path = cache_dir() / "packs" / name
    most_bytes = packs_limit()
    # A cache that cannot be written to is said where the pack is made; one that is only read needs no mark.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = path.with_suffix(f"{_USED}{os.getpid()}")
        mine.touch()
        for mark in path.parent.glob(f"{path.stem}{_USED}*"):
            if mark != mine and not _still_used(mark):
                mark.unlink()
    if not path.is_file():
        _make_room(path.parent, most_bytes)
    return path


def packs_limit() -> float:
    """How many bytes of packs are kept. Raises SettingError where $MLTK_LIKE_PACKS_GB is no number of 0 or more."""
    text = os.environ.get(VARIABLE, "").strip() or str(_DEFAULT_GB)
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = -1.0
    if not gigabytes >= 0:
        raise SettingError(f"{VARIABLE} is {text!r}", "give gigabytes; 0 keeps only what is in use")
    return gigabytes * 1e9


def _make_room(folder: Path, most_bytes: float) -> None:
    """Remove the packs that were used the longest time ago until `most_bytes` are left, but none that is in use."""
    packs: dict[str, list[tuple[int, Path]]] = defaultdict(list)
    used: dict[str, float] = defaultdict(float)
    running: set[str] = set()
    for path in folder.iterdir() if folder.is_dir() else ():
        # A pack is a file and its neighbours, all of which begin with its key.
        if match := _NAME.match(path.name):
            with suppress(OSError):
                status = path.stat()
                packs[match[1]].append((status.st_size, path))
                used[match[1]] = max(used[match[1]], status.st_mtime)
            if _still_used(path):
                running.add(match[1])
    left = sum(size for files in packs.values() for size, _ in files)
    for key in sorted(packs.keys() - running, key=used.__getitem__):
        if left <= most_bytes or time.time() - used[key] < _IN_USE_S:
            return
        # The largest first: a pack counts as there when its samples are.
        for size, path in sorted(packs[key], reverse=True):
            with suppress(OSError):  # another process was faster, or has it open on Windows
                path.unlink()
                left -= size


def _still_used(path: Path) -> bool:
    """Whether a file is the mark of another process that still runs."""
    number = path.name.rpartition(_USED)[2] if _USED in path.name else ""
    return number.isdigit() and still_runs(int(number), path)
