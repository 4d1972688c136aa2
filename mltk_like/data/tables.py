"""Rows of tables: CSV with a header, a JSON list of objects, JSON Lines."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from mltk_like.errors import DataError

TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl")

Row = Mapping[str, Any]
"""Column or key to value; of a CSV file all are text. A row that could not be read holds its reason under `ERROR`."""

ERROR = ""


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a table, each with its line (of a JSON list: its place, from 1).

    CSV is UTF-8 with or without byte order mark; the first line names the columns, which commas, semicolons or tabs
    separate. It is read as it is needed, so that millions of rows need no memory.

    Raises:
        DataError: the file cannot be read, or is no such table.
    """
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        with _readable(path), path.open(encoding="utf-8-sig", newline="") as file:
            yield from _csv_rows(path, file)
    elif suffix == ".jsonl":
        yield from _json_lines(read_text(path))
    else:
        yield from enumerate(_json_list(path, read_text(path)), 1)


def read_text(path: Path) -> str:
    """A text file in UTF-8, without byte order mark. Raises DataError."""
    with _readable(path):
        return path.read_text(encoding="utf-8-sig")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", "check its name and permissions") from error
    except ValueError as error:
        raise DataError(f"{path} is not text in UTF-8", "save it as UTF-8") from error


def _csv_rows(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
    lines = iter(lines)
    header = next(lines, "")
    reader = csv.reader(chain([header], lines), delimiter=max(",;\t", key=header.count), strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        named = [name for name in columns if name]  # others are numbers of rows, or nothing
        if len(set(named)) < len(named) or not named:
            raise DataError(f"{path}: its first line names no columns, or one twice", "begin with: path,label")
        for values in reader:
            if len(values) > len(columns):
                yield reader.line_num, {ERROR: f"{len(values)} values for {len(columns)} columns"}
            elif any(value.strip() for value in values):
                row = zip(columns, map(str.strip, values), strict=False)
                yield reader.line_num, {name: value for name, value in row if name}
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}", "check its quotation marks") from error


def _json_lines(text: str) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, _object(msgspec.json.decode(line))
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                yield number, {ERROR: f"not JSON: {error}"}


def _json_list(path: Path, text: str) -> list[Row]:
    try:
        rows = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}", "check it with: python -m json.tool") from error
    if not isinstance(rows, list):
        raise DataError(f"{path} holds no list", 'write [{"path": "a.wav", "label": "yes"}, ...]')
    return [_object(row) for row in rows]


def _object(row: Any) -> Row:
    if not isinstance(row, dict):
        return {ERROR: "not an object"}
    return {str(key).strip().lower(): value for key, value in row.items() if key}
