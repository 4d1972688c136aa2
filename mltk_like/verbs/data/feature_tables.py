"""Tables of features that are written piece by piece: CSV, NumPy's `.npz`, parquet."""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mltk_like.data.features import CLIPS, FEATURES, GROUPS, LABELS, SUBSETS
from mltk_like.errors import SettingError, ToolError
from mltk_like.paths import atomic_path

_COPY_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Some rows of a table.

    Attributes:
        subset: 'training', 'validation' or 'test'.
        classes: int64 (rows,): number of each class.
        labels, clips, groups: a text each.
        values: int8 (rows, time x bands).
    """

    subset: str
    classes: NDArray[np.int64]
    labels: list[str]
    clips: list[str]
    groups: list[str]
    values: NDArray[np.int8]


class Table(Protocol):
    """A table that is open for writing."""

    def write(self, rows: Rows) -> None:
        """Append rows."""

    def close(self) -> None:
        """Write what is left to be written."""


def check_table(path: Path) -> None:
    """Raise SettingError where the suffix is of no table, ToolError where what writes it is not installed."""
    if path.suffix.lower() not in _FORMS:
        raise SettingError(
            f"features cannot be written as {path.suffix or path.name!r}", f"give FILE{', FILE'.join(_FORMS)}"
        )
    if path.suffix.lower() == ".parquet":
        _pyarrow()


@contextmanager
def open_table(path: Path, shape: tuple[int, int]) -> Iterator[Table]:
    """A table by the suffix of its path, which has its name when the block ends well.

    Args:
        path: the file.
        shape: (time, bands) of the values in a row.

    Raises:
        DataError: it cannot be written.
    """
    with atomic_path(path) as temporary, ExitStack() as stack:
        table: Table = _FORMS[path.suffix.lower()](temporary, shape, stack)
        yield table
        table.close()


class CsvTable:
    """`subset,label,clip,group` and a column a value, `t000_b000` (time, band) and so on."""

    def __init__(self, path: Path, shape: tuple[int, int], stack: ExitStack) -> None:
        self._file = stack.enter_context(path.open("w", encoding="utf-8", errors="backslashreplace", newline=""))
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(["subset", "label", "clip", "group", *columns(shape)])

    def write(self, rows: Rows) -> None:
        """Append rows."""
        for label, clip, group, values in zip(rows.labels, rows.clips, rows.groups, rows.values.tolist(), strict=True):
            self._writer.writerow([rows.subset, label, clip, group, *values])

    def close(self) -> None:
        """All rows are in the file."""
        self._file.flush()


class ParquetTable:
    """The same columns as the CSV, in one row group a piece."""

    def __init__(self, path: Path, shape: tuple[int, int], stack: ExitStack) -> None:
        self._arrow, parquet = _pyarrow()
        arrow = self._arrow
        texts = [(name, arrow.string()) for name in ("subset", "label", "clip", "group")]
        self._schema = arrow.schema([*texts, *((name, arrow.int8()) for name in columns(shape))])
        self._file = parquet.ParquetWriter(str(path), self._schema)
        stack.callback(self._file.close)

    def write(self, rows: Rows) -> None:
        """Append rows."""
        texts = [[rows.subset] * len(rows.labels), rows.labels, rows.clips, rows.groups]
        safe = [[text.encode(errors="backslashreplace").decode() for text in column] for column in texts]
        arrays = [self._arrow.array(column) for column in safe]
        arrays += [self._arrow.array(column) for column in np.ascontiguousarray(rows.values.T)]
        self._file.write_table(self._arrow.table(arrays, schema=self._schema))

    def close(self) -> None:
        """Write the footer."""
        self._file.close()


class NpzTable:
    """`features` (rows, time, bands) int8, and `labels`, `subsets`, `clips`, `groups` as texts; see `data.Features`."""

    def __init__(self, path: Path, shape: tuple[int, int], stack: ExitStack) -> None:
        # How many rows there are stands before them, and is known at the end: until then they wait beside.
        self._values: IO[bytes] = stack.enter_context(_waiting(path.parent))
        self._path, self._shape, self._count = path, shape, 0
        self._texts: dict[str, list[str]] = {LABELS: [], SUBSETS: [], CLIPS: [], GROUPS: []}

    def write(self, rows: Rows) -> None:
        """Append rows."""
        self._values.write(np.ascontiguousarray(rows.values).tobytes())
        self._count += len(rows.labels)
        subsets = [rows.subset] * len(rows.labels)
        for name, texts in ((LABELS, rows.labels), (SUBSETS, subsets), (CLIPS, rows.clips), (GROUPS, rows.groups)):
            self._texts[name] += texts

    def close(self) -> None:
        """Write the archive."""
        self._values.seek(0)
        header = {"descr": "|i1", "fortran_order": False, "shape": (self._count, *self._shape)}
        with zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            with archive.open(f"{FEATURES}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, header)
                while piece := self._values.read(_COPY_BYTES):
                    member.write(piece)
            for name, texts in self._texts.items():
                array = io.BytesIO()
                np.lib.format.write_array(array, np.array(texts, dtype=np.str_), allow_pickle=False)
                archive.writestr(f"{name}.npy", array.getvalue())


@contextmanager
def _waiting(folder: Path) -> Iterator[IO[bytes]]:
    with TemporaryFile(dir=folder) as file:
        yield file


def columns(shape: tuple[int, int]) -> list[str]:
    """Names of the values of a row, in their order."""
    return [f"t{time:03d}_b{band:03d}" for time in range(shape[0]) for band in range(shape[1])]


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ToolError("parquet needs pyarrow, which is not installed", "pip install 'mltk_like[parquet]'") from error
    return pyarrow, parquet


_FORMS: Mapping[str, Any] = MappingProxyType({".csv": CsvTable, ".npz": NpzTable, ".parquet": ParquetTable})
