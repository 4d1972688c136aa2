"""The files of a package, and those in the archives of games, as one tree of paths.

Three kinds of archive: zip, `queen.1c` ("Flight of the Amazon Queen") and `sky.dsk` with its index `sky.dnr` ("Beneath
a Steel Sky").
"""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from mltk_like.data.archives import safe_names
from mltk_like.data.debian import rnc
from mltk_like.data.debian.packages import Part
from mltk_like.errors import DataError
from mltk_like.limits import check

Reader = Callable[[], bytes]

# 13 bytes, the number of entries, then for each: name, disk, offset, size (big-endian).
_QUEEN_ENTRY = struct.Struct(">12sBII")
_QUEEN_TABLE_AT = 15
# Number of the file, offset, size (little-endian); the index starts with its own length in four bytes.
_SKY_ENTRY = struct.Struct("<H3s3s")
_SKY_SPEECH = range(50_000, 56_000)
_SKY_HEADER_BYTES = 22


def tree(root: Path) -> dict[str, Path]:
    """The files of an unpacked package by their paths below `usr/share`; links are left out."""
    share = root / "usr" / "share"
    return {
        path.relative_to(share).as_posix(): path
        for path in share.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def recordings(files: Mapping[str, Path], part: Part) -> list[tuple[str, Reader]]:
    """Path and content of what a part's patterns pick, sorted by path.

    Args:
        files: of the package, as `tree` gives them.
        part: whose.

    Raises:
        DataError: an archive is damaged, or names files outside itself.
    """
    found: Iterable[tuple[str, Reader]] = ((name, path.read_bytes) for name, path in files.items())
    if part.archive:
        archives = [(name, path) for name, path in files.items() if fnmatchcase(name, part.archive)]
        found = ((f"{name}/{inside}", read) for name, path in archives for inside, read in _members(path))
    return sorted(
        ((name, read) for name, read in found if _any(name, part.files) and not _any(name, part.without)),
        key=lambda item: item[0],
    )


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _members(path: Path) -> Iterator[tuple[str, Reader]]:
    kinds = {"queen.1c": _queen, "sky.dsk": _sky}
    try:
        members = dict(kinds.get(path.name, _zip)(path))
    except (OSError, ValueError, struct.error, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read {path.name}: {error}", "the file is damaged") from error
    safe_names(members, archive=path.name)
    yield from members.items()


def _zip(path: Path) -> Iterator[tuple[str, Reader]]:
    opened = zipfile.ZipFile(path)
    for member in opened.infolist():
        if not member.is_dir():
            yield member.filename, partial(_unzipped, opened, member)


def _unzipped(opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    check("recording", member.file_size, f"{member.filename} claims", kind=DataError)
    try:
        return opened.read(member)
    except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"cannot read {member.filename}: {error}", "the file is damaged") from error


def _queen(path: Path) -> Iterator[tuple[str, Reader]]:
    data = path.read_bytes()
    count = int.from_bytes(data[_QUEEN_TABLE_AT - 2 : _QUEEN_TABLE_AT], "big")
    end = _QUEEN_TABLE_AT + count * _QUEEN_ENTRY.size
    for name, _, start, size in _QUEEN_ENTRY.iter_unpack(data[_QUEEN_TABLE_AT:end]):
        yield name.rstrip(b"\0").decode("ascii"), partial(_plain, data, start, start + size)


def _sky(path: Path) -> Iterator[tuple[str, Reader]]:
    data, index = path.read_bytes(), path.with_suffix(".dnr").read_bytes()
    for number, place, length in _SKY_ENTRY.iter_unpack(index[4:]):
        if number in _SKY_SPEECH:
            # The top bit of the offset says that it counts in units of 16; two bits above the size are flags.
            start = int.from_bytes(place, "little")
            start = (start & 0x7FFFFF) << (4 if start >> 23 else 0)
            end = start + (int.from_bytes(length, "little") & 0x3FFFFF)
            yield f"{number}.sky", partial(_plain, data, start + _SKY_HEADER_BYTES, end)


def _plain(data: bytes, start: int, end: int) -> bytes:
    """A stretch of an archive, unpacked if it is packed."""
    body = data[start:end]
    return rnc.unpack(body) if rnc.is_packed(body) else body
