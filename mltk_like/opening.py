"""The one place where files and archives that may come from anywhere are opened: nothing is read before its size is
known and within the limits of `limits`.

    with open_archive(Path("toy.mltk.zip")) as archive:
        data = archive.read("toy.tflite")
"""

import io
import json
import lzma
import math
import os
import stat
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.limits import RATIO_FREE_BYTES, beyond, check, most

_CHUNK_BYTES = 1 << 20
# RuntimeError: an encrypted member, or a way of compression that Python does not know.
ZIP_ERRORS = (
    OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, ValueError, IndexError,
    OverflowError, MemoryError,
)  # fmt: skip
"""What Python raises for a zip that is damaged."""

# Others cannot be unpacked piece by piece: 4 kB of bzip2 may be 4 GB.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KINDS = {
    ".json": "json", ".jsonl": "manifest", ".tflite": "tflite", ".keras": "net", ".h5": "net", ".npz": "arrays",
    ".npy": "arrays",
}  # fmt: skip
# Windows has the second alone.
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_DAMAGED = "it is damaged, or no .mltk.zip"


def kind_of(name: str) -> str:
    """The limit for a file or member by its ending."""
    return _KINDS.get(os.path.splitext(name)[1], "other")


class Measured:
    """A file for readers that believe what a header says: it never gives more than `most` bytes at once.

    zipfile reads its directory in one piece, tarfile the longer headers; both take memory for it before they look.

    Args:
        file: open for reading.
        limit: name of the limit.
        origin: is named in the error.
    """

    def __init__(self, file: IO[bytes], limit: str, origin: object) -> None:
        self._file, self._limit, self._origin = file, limit, origin

    def read(self, size: int = -1) -> bytes:
        """As a file's; ModelError for more than the limit at once."""
        if size < 0:
            place = self._file.tell()
            size = self._file.seek(0, os.SEEK_END) - place
            self._file.seek(place)
        if size > max(most(self._limit), _CHUNK_BYTES):
            raise beyond(self._limit, size, f"a header in {self._origin} claims")
        return self._file.read(size)

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """As a file's."""
        return self._file.seek(place, whence)

    def tell(self) -> int:
        """As a file's."""
        return self._file.tell()

    def seekable(self) -> bool:
        """As a file's."""
        return self._file.seekable()

    def close(self) -> None:
        """As a file's."""
        self._file.close()


class Archive:
    """An open zip whose members are read within the limits; `open_archive` makes it."""

    def __init__(self, opened: zipfile.ZipFile, origin: object) -> None:
        self._zip, self._origin = opened, origin
        self.members = opened.infolist()
        check("members", len(self.members), f"{origin} has")
        check("archive", sum(info.file_size for info in self.members), f"{origin} claims")
        self._by_name = {info.filename: info for info in self.members}
        if len(self._by_name) < len(self.members):
            raise ModelError(f"{origin} has two members of one name", "it is damaged or hostile")

    def __contains__(self, member: str) -> bool:
        return member in self._by_name

    def read(self, member: str, kind: str | None = None) -> bytes | None:
        """A member's content, None where there is none. Raises ModelError: damaged, or beyond a limit."""
        if member not in self._by_name:
            return None
        return b"".join(self.pieces(self._by_name[member], kind))

    def pieces(self, info: zipfile.ZipInfo, kind: str | None = None) -> Iterator[bytes]:
        """A member's content, a mebibyte at a time.

        Args:
            info: one of `members`.
            kind: name of its limit; none: by its ending.

        Raises:
            ModelError: it is damaged, or beyond a limit.
        """
        what = f"{info.filename} in {self._origin}"
        check(kind or kind_of(info.filename), info.file_size, f"{what} claims")
        if info.file_size > RATIO_FREE_BYTES:
            check("ratio", info.file_size // max(info.compress_size, 1), f"{what} would grow")
        if info.compress_type not in _METHODS:
            raise ModelError(f"{what} is packed in a way that is not read", "pack it with deflate")
        left = info.file_size
        try:
            with self._zip.open(info) as source:
                # zipfile gives no more than the size that was declared, and checked here; of less it says nothing.
                while piece := source.read(_CHUNK_BYTES):
                    left -= len(piece)
                    yield piece
        except ZIP_ERRORS as error:
            raise _unreadable(self._origin, error) from error
        if left:
            raise ModelError(f"cannot read {self._origin}: {info.filename} is shorter than it claims", _DAMAGED)


@contextmanager
def open_archive(source: Path | bytes, origin: object = None) -> Iterator[Archive]:
    """Open a zip for reading.

    Args:
        source: a file, or its content.
        origin: what to call it in errors; none: its path.

    Raises:
        ModelError: it cannot be read, is damaged, has two members of one name, or is beyond a limit.
    """
    origin = source if origin is None and isinstance(source, Path) else origin
    file = _open_regular(source, origin) if isinstance(source, Path) else io.BytesIO(source)
    with file:
        try:
            # Any: zipfile asks for no more than these methods.
            readable: Any = Measured(file, "directory", origin)
            opened = zipfile.ZipFile(readable)
        except ZIP_ERRORS as error:
            raise _unreadable(origin, error) from error
        with opened:
            yield Archive(opened, origin)


def read_file(path: Path, kind: str | None = None) -> bytes:
    """A whole file's content.

    Args:
        path: a regular file.
        kind: name of its limit; none: by its ending.

    Raises:
        ModelError: it cannot be read, is no regular file, or is beyond its limit.
    """
    with _open_regular(path, path) as file:
        kind = kind or kind_of(path.name)
        size = os.fstat(file.fileno()).st_size
        check(kind, size, f"{path} has")
        try:
            return file.read(size)  # and no more where it grows meanwhile
        except OSError as error:
            raise _unreadable(path, error) from error


def read_json(data: bytes, what: object) -> Any:
    """The value of a JSON text that was read within its limit. Raises ModelError where it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{what} cannot be read: {error}", _DAMAGED) from error


def read_npz(
    source: Path | bytes, origin: object, *, kind: str = "arrays", only: str | None = None
) -> dict[str, NDArray[Any]]:
    """All arrays of an `.npz` by their names, or one of them.

    NumPy's own reader takes memory for the shape that a header claims, whatever follows it.

    Args:
        source: a file, or its content.
        origin: what to call it in errors.
        kind: name of the limit for all arrays together.
        only: name of the one to read, where it is there; none: all.

    Raises:
        ModelError: it is beyond a limit.
        ValueError: it is damaged or holds objects of Python.
    """
    try:
        with open_archive(source, origin) as archive:
            check(kind, sum(info.file_size for info in archive.members), f"{origin} claims")
            return {
                info.filename.removesuffix(".npy"): _array(b"".join(archive.pieces(info, kind)))
                for info in archive.members
                if only is None or info.filename == f"{only}.npy"
            }
    except ModelError as error:
        if error.__cause__ is None:
            raise
        raise ValueError(str(error.__cause__)) from error


def array_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it lies by columns, and type of the array that begins there; its values follow.

    The format is NumPy's NEP 1. Raises ValueError where it is damaged.
    """
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise ValueError(f"an array is of the format {version}")
    try:
        shape, by_columns, dtype = readers[version](file)
    except (SyntaxError, tokenize.TokenError) as error:
        raise ValueError(f"the header of an array is damaged: {error}") from error
    if min(shape, default=0) < 0:
        raise ValueError(f"an array claims the shape {shape}")
    return shape, by_columns, dtype


def _array(data: bytes) -> NDArray[Any]:
    """The array of an `.npy` file's content. Raises ValueError."""
    file = io.BytesIO(data)
    shape, by_columns, dtype = array_header(file)
    if dtype.hasobject:
        raise ValueError("an array holds objects of Python")
    size = math.prod(shape) * dtype.itemsize
    if size != len(data) - file.tell():
        raise ValueError(f"an array of shape {shape} has {len(data) - file.tell()} bytes in place of {size}")
    if not size:
        return np.zeros(shape, dtype)
    flat = np.frombuffer(data, dtype, offset=file.tell())
    return flat.reshape(shape, order="F" if by_columns else "C").copy()


def refuse_links(folder: Path) -> None:
    """Raise ModelError where a folder holds a link that leads out of it, as one from an archive may."""
    root = folder.resolve()
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise ModelError(f"{path} is a link out of its folder", "put what it stands for in its place")


def _open_regular(path: Path, origin: object) -> BinaryIO:
    """Open a file; one that is a pipe or a device would be read for ever."""
    try:
        handle = os.open(path, os.O_RDONLY | _FLAGS)
    except (OSError, ValueError) as error:
        raise _unreadable(origin, error) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ModelError(f"{path} is no regular file", "give a file")
    return os.fdopen(handle, "rb")


def _unreadable(origin: object, error: BaseException) -> ModelError:
    said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    hint = "check its name and its permissions" if isinstance(error, OSError) else _DAMAGED
    return ModelError(f"cannot read {origin}: {said}", hint)
