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

VARIABLE = "MLTK_LIKE_PACKS_GB"
"""Variable of the environment: how much is kept, in gigabytes."""

_DEFAULT_GB = 12.0
# A training that goes on opens its packs again for each evaluation and each new worker.
_IN_USE_S = 3 * 3600.0
# With what a process that was killed has left of it.
_NAME = re.compile(r"\.?((?:rooms-)?[0-9a-f]+)")


def pack_path(name: str) -> Path:
    """Where the pack `name` lies, or is to be written: then older packs make room for it first.

    Raises:
        SettingError: $MLTK_LIKE_PACKS_GB is no number of 0 or more.
    """
    path = cache_dir() / "packs" / name
    if path.is_file():
        # The time of the last use alone: that of the content tells others whether it changed.
        with suppress(OSError):
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    else:
        _make_room(path.parent, _most_bytes())
    return path


def _most_bytes() -> float:
    text = os.environ.get(VARIABLE, "").strip() or str(_DEFAULT_GB)
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = -1.0
    if not gigabytes >= 0:
        raise SettingError(f"{VARIABLE} is {text!r}", "give gigabytes; 0 keeps only what is in use")
    return gigabytes * 1e9


def _make_room(folder: Path, most_bytes: float) -> None:
    """Remove the packs that were used the longest time ago until `most_bytes` are left, but none that may be in use."""
    packs: dict[str, list[tuple[int, Path]]] = defaultdict(list)
    used: dict[str, float] = defaultdict(float)
    for path in folder.iterdir() if folder.is_dir() else ():
        # A pack is a file and its neighbours, all of which begin with its key.
        if match := _NAME.match(path.name):
            with suppress(OSError):
                status = path.stat()
                packs[match[1]].append((status.st_size, path))
                used[match[1]] = max(used[match[1]], status.st_atime, status.st_mtime)
    left = sum(size for files in packs.values() for size, _ in files)
    for key in sorted(packs, key=used.__getitem__):
        if left <= most_bytes or time.time() - used[key] < _IN_USE_S:
            return
        # The largest first: a pack counts as there when its samples are.
        for size, path in sorted(packs[key], reverse=True):
            with suppress(OSError):  # another process was faster, or has it open on Windows
                path.unlink()
                left -= size
