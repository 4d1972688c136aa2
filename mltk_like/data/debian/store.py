"""A package's recordings in the cache: 16 kHz FLAC files and an index of them, whole or not there at all."""

import contextlib
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from mltk_like.audio.wav import Int16
from mltk_like.data.debian import apt
from mltk_like.data.debian.decode import decoded, flac
from mltk_like.data.debian.game_files import recordings, tree
from mltk_like.data.debian.packages import Package, Part
from mltk_like.data.fetch import locked
from mltk_like.errors import DataError
from mltk_like.paths import cache_dir, write_bytes

logger = logging.getLogger(__name__)

# Part of the cache's key: raise it with every change to how files are decoded or chosen.
_VERSION = 1
_INDEX = "index.json"
# A version with this share of files more or less than ours is laid out differently.
_TOLERANCE = 0.1


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One recording.

    Attributes:
        file: path below the package's folder.
        speaker: who is heard, as far as the path tells; else empty.
        language, licence: as in `Part`.
        text: what is said, where the path tells.
    """

    file: str
    speaker: str
    language: str
    licence: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Index:
    """What is stored of a package: its version, and the recordings sorted by file."""

    version: str
    clips: tuple[Stored, ...]


def folder_of(package: Package) -> Path:
    """Where a package's recordings are, or will be, on this machine."""
    key = hashlib.sha256(repr((_VERSION, package)).encode()).hexdigest()[:8]
    return cache_dir() / "debian" / f"{package.name}-{key}"


def stored(package: Package) -> Index | None:
    """What is stored of a package; None where nothing is, or the index is damaged."""
    try:
        return msgspec.json.decode((folder_of(package) / _INDEX).read_bytes(), type=Index)
    except (OSError, msgspec.DecodeError):
        return None


def obtain(package: Package) -> Index:
    """What is stored of a package; it is fetched, unpacked and decoded where that was not done before.

    Two processes that want the same package take turns, and the second finds it done.

    Raises:
        NothingMoreError: apt cannot be used here, or the disk is full.
        DataError: the package cannot be had, or is of another layout than known.
    """
    folder = folder_of(package)
    with locked(folder):
        found = stored(package)
        if found is None:
            work = folder.with_name(f"{folder.name}.work")
            try:
                with _fresh(work):
                    found = _make(package, work)
                    shutil.rmtree(folder, ignore_errors=True)
                    os.replace(work / "clips", folder)
            except OSError as error:
                why = f"cannot write {work}: {error.strerror or error}"
                raise apt.NothingMoreError(why, "check the free disk") from error
    return found


@contextlib.contextmanager
def _fresh(work: Path) -> Iterator[None]:
    """An empty folder that is gone afterwards, and what a killed process left in it before."""
    shutil.rmtree(work, ignore_errors=True)
    for name in ("deb", "unpacked", "clips"):
        (work / name).mkdir(parents=True)
    try:
        yield
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _make(package: Package, work: Path) -> Index:
    deb, version = apt.download(package.name, work / "deb")
    apt.unpack(deb, work / "unpacked")
    files = tree(work / "unpacked")
    had: set[bytes] = set()
    clips: list[Stored] = []
    for part in package.parts:
        before = len(clips)
        for name, samples in decoded(recordings(files, part), part.raw):
            digest = hashlib.sha256(samples.tobytes()).digest()
            if digest not in had:
                had.add(digest)
                clips.append(_store(name, samples, part, work / "clips"))
        _check_count(package, version, part, len(clips) - before)
    if version != package.version:
        logger.warning(
            "%s is %s here, and is known as %s: it was taken as it is", package.name, version, package.version
        )
    index = Index(version=version, clips=tuple(sorted(clips, key=lambda clip: clip.file)))
    write_bytes(work / "clips" / _INDEX, msgspec.json.encode(index))
    return index


def _store(name: str, samples: Int16, part: Part, root: Path) -> Stored:
    path = PurePosixPath(name).with_suffix(".flac")
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(flac(samples))
    match = re.search(part.speaker, name) if part.speaker else None
    return Stored(
        file=path.as_posix(),
        speaker=match.group(1) if match else "",
        language=part.language,
        licence=part.licence,
        text=re.sub(r"[_-]+", " ", path.stem) if part.text else "",
    )


def _check_count(package: Package, version: str, part: Part, count: int) -> None:
    if abs(count - part.clips) > max(1, _TOLERANCE * part.clips):
        raise DataError(
            f"{package.name} {version} has {count} recordings where version {package.version} has {part.clips}",
            "this release of the system lays them out differently: leave the package out",
        )
