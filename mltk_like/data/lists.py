"""Recordings that a table names."""

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip
from mltk_like.data.names import name_in_list, refuse_strange_list
from mltk_like.data.recordings import GroupRule, check_group_rule, finished, group_of
from mltk_like.data.skipped import Clips, Skipped
from mltk_like.data.split import SPLIT_NAMES
from mltk_like.data.tables import ERROR, TABLE_SUFFIXES, Row, read_rows
from mltk_like.errors import DataError, SettingError

logger = logging.getLogger(__name__)

COLUMNS = ("path", "label", "group", "split", "text", "start", "end", "licence", "weight")
"""What a row can say; `path` it must, and `label` unless the source gives one."""

SPLIT_WORDS = {
    **{name: name for name in ("", *SPLIT_NAMES)},
    "train": "training",
    **dict.fromkeys(("dev", "val", "valid"), "validation"),
}
"""What lists call the splits, and what they are called here."""


@dataclass(frozen=True, kw_only=True)
class RecordingList:
    """Recordings named by a list: a CSV file with a header, a JSON list of objects, or one JSON object a line.

    Columns or keys: `path` (relative to the list), `label`, and where they are known `group` (who is heard), `split`,
    `text` (the words said), `start` and `end` in seconds, `licence`, `weight` (how much more often it is drawn). Others
    are ignored with a note in the log. A row that cannot be used is skipped and named with its line: one without path
    or label, with a number that is none, a stretch that an earlier row has already, or a label that contradicts the
    folder (`no/a.wav` as "yes" in a list that has both labels).

    Attributes:
        path: the list: `.csv`, `.tsv`, `.json` or `.jsonl`; `~` is expanded.
        folder: where relative paths start; the list's own folder if empty.
        label: of the rows that name none.
        group: of the rows that name none; see `Folder`.
        speakers: sources with the same `speakers` share their groups; else the name.
        licence: of the rows that name none.
        min_duration_s: shorter clips are skipped.
        strict: unusable rows and files raise DataError instead of being skipped with one warning.
        name: in tables and manifest; the list's file name if empty.
    """

    path: Path | str
    folder: Path | str = ""
    label: str = ""
    group: GroupRule = "stem"
    speakers: str = ""
    licence: str = ""
    min_duration_s: float = 0.05
    strict: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        check_group_rule(self.group)
        if Path(self.path).suffix.lower() not in TABLE_SUFFIXES:
            raise SettingError(f"{self.path} is no list", f"its name must end in {', '.join(TABLE_SUFFIXES)}")
        if not self.name:
            object.__setattr__(self, "name", Path(self.path).name)

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> Clips:
        """The clips in the order of the list; `skipped` of the result says what was left out.

        Args:
            limit: only the first so many, labels and groups taking turns.
            workers: not used.
            progress: not used.

        Raises:
            DataError: the list cannot be read, or nothing in it can be used; with `strict`, any unusable row.
            MisnamedError: more than a tenth of its files are not there.
        """
        source = Path(self.path).expanduser()
        root = Path(self.folder).expanduser() if self.folder else source.parent
        rows: list[tuple[int, Clip]] = []
        problems: list[tuple[int, str]] = []
        ignored: set[str] = set()
        for number, row in read_rows(source):
            ignored |= row.keys() - {*COLUMNS, ERROR}
            try:
                rows.append((number, self._clip(row, root)))
            except DataError as error:
                problems.append((number, error.message))
        if ignored:
            # A warning, for it may be a misspelt "group", without which voices end up in two splits.
            logger.warning("%s: columns that are not read: %s", self.name, ", ".join(sorted(ignored)))
        problems += _contradictions(rows)
        _refuse_strange(source, rows)
        bad = {number for number, _ in problems}
        skipped = [Skipped(path=source, reason=f"line {number}: {reason}") for number, reason in sorted(problems)]
        return finished(
            self.name, [clip for number, clip in rows if number not in bad], skipped=skipped, limit=limit,
            min_duration_s=self.min_duration_s, strict=self.strict,
        )  # fmt: skip

    def _clip(self, row: Row, root: Path) -> Clip:
        if ERROR in row:
            raise DataError(row[ERROR])
        given, label = _text(row, "path"), _text(row, "label") or self.label
        if not given or not label:
            raise DataError(f"it names no {'label' if given else 'path'}")
        path = root / given
        if "\\" in given and not path.is_file():
            path = root / name_in_list(given)  # as written on Windows
        if path.is_dir():
            raise DataError(f"{given!r} is a folder")
        end = _number(row, "end", math.inf)
        return Clip(
            path=path,
            label=label,
            group=f"{self.speakers or self.name}/{_text(row, 'group') or self._group(path, root)}",
            source=self.name,
            licence=_text(row, "licence") or self.licence,
            text=_text(row, "text"),
            split=_split(_text(row, "split")),
            start_s=_number(row, "start", 0.0),
            end_s=None if end == math.inf else end,
            weight=_number(row, "weight", 1.0),
        )

    def _group(self, path: Path, root: Path) -> str:
        # A file outside the list's folder is named by its whole path.
        return group_of(path, self.group, root if path.is_relative_to(root) else Path(path.anchor))


def _refuse_strange(source: Path, rows: list[tuple[int, Clip]]) -> None:
    paths = list(dict.fromkeys(clip.path for _, clip in rows))
    missing = [str(path) for path in paths if not path.is_file()]
    if len(paths) > 1:
        refuse_strange_list(source, missing, len(paths), "its paths start at its own folder, else at folder=")


def _contradictions(rows: list[tuple[int, Clip]]) -> list[tuple[int, str]]:
    """Rows that say again, or otherwise, what an earlier row or the folder's name says."""
    labels = {clip.label for _, clip in rows}
    seen: dict[tuple[Path, float, float | None], tuple[int, str]] = {}
    found = []
    for number, clip in rows:
        folder = clip.path.parent.name
        earlier, label = seen.setdefault((clip.path, clip.start_s, clip.end_s), (number, clip.label))
        if earlier != number:
            other = "" if label == clip.label else f", there labelled {label!r}"
            found.append((number, f"{clip.path.name} is in line {earlier} already{other}"))
        elif folder in labels and folder != clip.label:
            found.append((number, f"{clip.path.name} is labelled {clip.label!r}, but its folder is {folder!r}"))
    return found


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    if value is not None and not isinstance(value, str | int | float):
        raise DataError(f"{key} is no text")
    text = "" if value is None else str(value).strip()
    if "\0" in text:
        raise DataError(f"{key} holds a null character")
    return text


def _number(row: Row, key: str, default: float) -> float:
    text: Any = _text(row, key)
    try:
        # A decimal comma, as spreadsheets of many countries write it.
        return float(text.replace(",", ".")) if text else default
    except ValueError as error:
        raise DataError(f"{key}={text!r} is no number") from error


def _split(word: str) -> str:
    if word.lower() not in SPLIT_WORDS:
        raise DataError(f"there is no split {word!r}; use {', '.join(SPLIT_NAMES)}")
    return SPLIT_WORDS[word.lower()]
