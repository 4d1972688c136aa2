"""What a user has corrected of recordings: `corrections.csv` beside them, which every source respects.

    file,start,end,label,trim_start,trim_end,out
    ada_003.wav,,,_unknown_,,,
    ada_007.wav,,,,0.25,1.4,
    evening.wav,12.5,14,,,,yes

A row is about a clip as its source gives it: a file of the same folder, or the stretch of it from `start` to `end`
seconds. It gets another label, other ends (`trim_start`, `trim_end`, in seconds of the file), or is thrown out. The
recordings themselves stay as they are.
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path

from mltk_like.data.clip import Clip
from mltk_like.data.skipped import Clips, Skipped, problem_of, skipped_of
from mltk_like.data.tables import ERROR, Row, read_rows
from mltk_like.errors import DataError, MisnamedError
from mltk_like.paths import write_text

CORRECTIONS = "corrections.csv"
"""The table's name, in the folder of the recordings that it is about."""
CORRECTED = "corrected"
"""The detail of a clip that says what was corrected."""
COLUMNS = ("file", "start", "end", "label", "trim_start", "trim_end", "out")

Key = tuple[str, float, float | None]
"""A file's name, and the first and last second of the clip in it as its source gives it."""

_ignored: ContextVar[bool] = ContextVar("corrections_ignored", default=False)
THROWN_OUT = f"thrown out in {CORRECTIONS}"
"""Reason of a clip that is left out."""


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What is changed of one clip.

    Attributes:
        file: name of the recording, in the table's folder.
        start_s, end_s: of the clip as its source gives it; 0 and none: the whole file.
        label: in place of the source's; empty: that.
        trim_s: its first and last second in the file from now on, a last of none being its own; none: as they were.
        out: thrown out.

    Raises:
        DataError: the file's name leads elsewhere, or the new ends are none.
    """

    file: str
    start_s: float = 0.0
    end_s: float | None = None
    label: str = ""
    trim_s: tuple[float, float | None] | None = None
    out: bool = False

    def __post_init__(self) -> None:
        # Cells of tables are read without the blanks around them, and lines end where they end.
        plain = self.file == self.file.strip() and self.file.isprintable()
        if not plain or not self.file or Path(self.file).name != self.file:
            raise DataError(f"{self.file!r} is no file's name that a table can hold", "the table is beside its files")
        for start, end in ((self.start_s, self.end_s), self.trim_s or (self.start_s, None)):
            last = next((one for one in (end, self.end_s) if one is not None), math.inf)
            if not (0 <= start < last and start < math.inf):
                raise DataError(
                    f"{self.file}: there is no stretch from {start} s to {end} s", "the end must be after the start"
                )

    @property
    def key(self) -> Key:
        """Of the clip that it is about."""
        return _key(self.file, self.start_s, self.end_s)

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.label or self.trim_s or self.out)

    def of(self, clip: Clip) -> Clip | None:
        """The clip as it is from now on; None: it is thrown out."""
        if self.out:
            return None
        start, end = self.trim_s or (clip.start_s, None)
        until = "the end" if clip.end_s is None else f"{clip.end_s:g} s"
        details = {**clip.details, CORRECTED: f"it was {clip.label}, from {clip.start_s:g} s to {until}"}
        end = clip.end_s if end is None else end
        return replace(clip, label=self.label or clip.label, start_s=start, end_s=end, details=details)


def corrected(clips: Sequence[Clip]) -> Clips:
    """The clips as the tables beside their files have them; what is thrown out is among `skipped`.

    Raises:
        MisnamedError: a table cannot be read, or has a row that cannot be understood: what was decided there would
            not be respected.
    """
    if _ignored.get():
        return clips if isinstance(clips, Clips) else Clips(clips)
    tables: dict[Path, Mapping[Key, Correction]] = {}
    kept, out = [], []
    for clip in clips:
        folder = clip.path.parent
        if folder not in tables:
            tables[folder] = read_corrections(folder)
        # What has been through here already has other ends now.
        found = None if CORRECTED in clip.details else tables[folder].get(key_of(clip))
        changed = clip if found is None else found.of(clip)
        if changed is None:
            out.append(Skipped(path=clip.file, reason=THROWN_OUT))
        else:
            kept.append(changed)
    return Clips(kept, (*skipped_of(clips), *out), problem_of(clips))


@contextmanager
def uncorrected() -> Iterator[None]:
    """Sources give their clips as they were, for the time of the block: to show what can be corrected."""
    token = _ignored.set(True)
    try:
        yield
    finally:
        _ignored.reset(token)


def key_of(clip: Clip) -> Key:
    """How a table names a clip that has not been corrected."""
    return _key(clip.path.name, clip.start_s, clip.end_s)


def read_corrections(folder: Path) -> dict[Key, Correction]:
    """The corrections of the recordings of a folder; none where there is no table. Raises MisnamedError."""
    path = folder / CORRECTIONS
    if not path.exists():
        return {}
    found: dict[Key, Correction] = {}
    try:
        for line, row in read_rows(path):
            try:
                correction = _correction(row)
            except (DataError, ValueError) as error:
                why = error.message if isinstance(error, DataError) else error
                raise DataError(f"{path}, line {line}: {why}") from error
            if correction.key in found:
                raise DataError(f"{path}, line {line}: {correction.file} has a row already")
            found[correction.key] = correction
    except DataError as error:
        raise MisnamedError(error.message, "mend the row, or take it out") from error
    return found


def write_corrections(folder: Path, changes: Iterable[Correction]) -> Path:
    """Put corrections into a folder's table, each in place of the one of the same clip; an empty one takes that out.

    Returns:
        The table, which is not there when it would be empty.

    Raises:
        MisnamedError: the table that is there cannot be read.
        DataError: it cannot be written.
    """
    found = read_corrections(folder)
    for change in changes:
        found.pop(change.key, None)
        if not change.empty:
            found[change.key] = change
    path = folder / CORRECTIONS
    if not found:
        path.unlink(missing_ok=True)
        return path
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(found[key]) for key in sorted(found, key=_order))
    write_text(path, out.getvalue())
    return path


def _key(file: str, start_s: float, end_s: float | None) -> Key:
    # As exact as a table is written.
    return file, round(start_s, 4), None if end_s is None else round(end_s, 4)


def _order(key: Key) -> tuple[str, float, float]:
    file, start, end = key
    return file, start, math.inf if end is None else end


def _correction(row: Row) -> Correction:
    if ERROR in row:
        raise ValueError(row[ERROR])
    if strange := [name for name in row if name not in COLUMNS]:
        raise ValueError(f"there is no column {strange[0]!r}; there are {', '.join(COLUMNS)}")
    start, end, trim_start, trim_end = (_seconds(row, name) for name in ("start", "end", "trim_start", "trim_end"))
    out = row.get("out", "")
    if out not in ("", "yes"):
        raise ValueError(f"out is {out!r}; write yes, or nothing")
    trimmed = trim_start is not None or trim_end is not None
    return Correction(
        file=row.get("file", ""),
        start_s=start or 0.0,
        end_s=end,
        label=row.get("label", ""),
        trim_s=((start or 0.0) if trim_start is None else trim_start, trim_end) if trimmed else None,
        out=out == "yes",
    )


def _seconds(row: Row, name: str) -> float | None:
    text = row.get(name, "")
    try:
        return float(text.replace(",", ".")) if text else None
    except ValueError:
        raise ValueError(f"{name} is {text!r}, which is no number of seconds") from None


def _cells(correction: Correction) -> list[str]:
    ends = (correction.start_s or None, correction.end_s, *(correction.trim_s or (None, None)))
    start, end, trim_start, trim_end = ("" if value is None else f"{round(value, 4):.12g}" for value in ends)
    return [correction.file, start, end, correction.label, trim_start, trim_end, "yes" if correction.out else ""]
