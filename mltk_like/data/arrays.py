"""NumPy's files, read without trust: which arrays they hold, and the arrays, never objects of Python."""

import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import DataError
from mltk_like.opening import ZIP_ERRORS, array_header

PICKLED = "python scripts/features_from_pickle.py FILE.pkl OUT.npz converts it, at your own risk; see docs/data.md"
"""The hint for a file that only unpickling would open."""

_NPY = b"\x93NUMPY"


def array_shapes(path: Path) -> Mapping[str, tuple[tuple[int, ...], str]]:
    """Shape and type of each array of an `.npz`, by name, or of an `.npy`, whose name is ''.

    Only headers are read.

    Raises:
        DataError: the file cannot be read, is no such file, is a pickle, or holds objects of Python.
    """
    try:
        with path.open("rb") as file:
            return dict(_arrays(file, path))
    except ZIP_ERRORS as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {path}: {why}", "check its name; it may be damaged") from error


def read_array(path: Path, name: str = "") -> NDArray[Any]:
    """One array of an `.npz`, or that of an `.npy`, which is mapped into memory and not read. Raises as `array_shapes`.

    Args:
        path: the file.
        name: of the array in an `.npz`.
    """
    shapes = array_shapes(path)
    if name not in shapes:
        raise DataError(f"{path} has no array {name!r}: {described(shapes)}", "name the one that is meant")
    try:
        if name == "":
            mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
            return mapped
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays[name])
    except ZIP_ERRORS as error:
        raise DataError(f"cannot read {path}: {error}", "it may be damaged") from error


def described(shapes: Mapping[str, tuple[tuple[int, ...], str]]) -> str:
    """'it has features (10, 49, 10) float32, labels (10,) <U3'."""
    texts = [f"{name} {shape} {dtype}".strip() for name, (shape, dtype) in shapes.items()]
    return f"it has {', '.join(texts[:8])}{' and more' * (len(texts) > 8)}" if texts else "it is empty"


_Array = tuple[str, tuple[tuple[int, ...], str]]


def _arrays(file: IO[bytes], path: Path) -> Iterator[_Array]:
    """Name, shape and type of each array of a file."""
    begin = file.read(8)
    file.seek(0)
    if begin.startswith(_NPY):
        yield _header(file, "", path.stat().st_size, path)
    elif begin.startswith(b"PK"):
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if info.filename.endswith(".npy"):
                    with archive.open(info) as member:
                        yield _header(member, info.filename.removesuffix(".npy"), info.file_size, path)
    elif begin.startswith(b"\x80"):
        raise DataError(f"{path} is a pickle: opening it would run whatever it holds", PICKLED)
    else:
        raise DataError(f"{path} is no .npz and no .npy", "numpy.savez(FILE, features=..., labels=...) writes one")


def _header(file: IO[bytes], name: str, size: int, path: Path) -> _Array:
    """Raises DataError where objects follow, ValueError where less follows than the header claims."""
    shape, _, dtype = array_header(file)
    what = f"the array {name!r} of {path}" if name else str(path)
    if dtype.hasobject:
        raise DataError(f"{what} holds objects of Python, pickled: opening it would run whatever it holds", PICKLED)
    if math.prod(shape) * dtype.itemsize > size - file.tell():
        raise ValueError(f"{what} is shorter than it claims")
    return name, (shape, str(dtype))
