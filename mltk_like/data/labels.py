"""Label files of long recordings: Audacity's label tracks, SensiML's `.dcli`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec

from mltk_like.data.tables import read_text
from mltk_like.errors import DataError
from mltk_like.paths import write_text

# Centuries of audio, and exact as floating point.
_Sample = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A labelled stretch of a recording.

    Attributes:
        start_s, end_s: in seconds; equal for a label that marks a point.
        label: as the file has it.
        split: 'training', 'validation' or 'test' where it is fixed.
    """

    start_s: float
    end_s: float
    label: str
    split: str = ""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A labelled stretch in a `.dcli` file: samples `start` to `end`, both of them in it."""

    start: _Sample
    end: _Sample
    name: str = ""
    value: str | None = None

    @property
    def label(self) -> str:
        """The label: `value` as Data Studio writes it, beside the name of the kind of label; else `name`."""
        return self.name if self.value is None else self.value


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """One property of a recording."""

    name: str
    value: Any = None


@dataclass(frozen=True, kw_only=True)
class Session:
    """Segments that were labelled together.

    Attributes:
        session_name: of the session.
        segments: in the order of the file.
        problems: a sentence, with its number, for each that is none.
    """

    session_name: str
    segments: tuple[Segment, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Capture:
    """One recording of a `.dcli` file."""

    file_name: str
    metadata: tuple[Metadata, ...] | None = ()
    sessions: tuple[Session, ...] | None = ()

    def property(self, name: str) -> str:
        """Value of a metadata field, empty where it is not there."""
        return next((str(item.value) for item in self.metadata or () if item.name == name), "")


@dataclass(frozen=True, kw_only=True)
class LabelTrack:
    """What a label file of Audacity holds.

    Attributes:
        intervals: in the order of the file.
        problems: a sentence, with its number, for each line that is no label.
    """

    intervals: tuple[Interval, ...]
    problems: tuple[str, ...] = field(default=())


def read_audacity(path: Path) -> LabelTrack:
    """Read an exported label track: a line for each label, start, end and text with tabs between.

    Decimal commas, a byte order mark, the second lines of labels with a frequency range (they begin with a backslash)
    and the point labels of version 1.2 (start and text alone) are understood. What begins before the recording is cut
    to its start. Source: Audacity's manual, "Importing and Exporting Labels".

    Raises:
        DataError: the file cannot be read or is not UTF-8.
    """
    intervals, problems = [], []
    # Not splitlines(): a label may hold what Unicode calls a line separator.
    for number, line in enumerate(read_text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        found = _interval(line.split("\t"))
        if isinstance(found, str):
            problems.append(f"line {number}: {found}")
        else:
            intervals.append(found)
    return LabelTrack(intervals=tuple(intervals), problems=tuple(problems))


def write_audacity(path: Path, intervals: Iterable[Interval]) -> None:
    """Write a label file of Audacity: start, end and label, tabs between, a line each. Raises DataError."""
    write_text(path, "".join(f"{i.start_s:.6f}\t{i.end_s:.6f}\t{i.label}\n" for i in intervals))


def read_dcli(path: Path) -> tuple[Capture, ...]:
    """Read the labels of a project that SensiML's Data Studio exported.

    The file is a JSON list of `{"file_name", "metadata": [{"name", "value"}], "sessions": [{"session_name", "segments":
    [{"name", "value", "start", "end"}]}]}`; what else it holds is passed over. Segments count in samples, and the last
    one belongs to them: those of Data Studio that follow each other are 0 to 399, 400 to 799. A segment that cannot be
    read is among the problems of its session.

    Raises:
        DataError: the file cannot be read, or is not of that form; the message says where.
    """
    try:
        return tuple(map(_capture, msgspec.json.decode(read_text(path), type=tuple[_RawCapture, ...])))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is no .dcli file: {error}", "export it from Data Studio again") from error


@dataclass(frozen=True, kw_only=True)
class _RawSession:
    session_name: str
    segments: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _RawCapture:
    file_name: str
    metadata: tuple[Metadata, ...] | None = ()
    sessions: tuple[_RawSession, ...] | None = ()


def _capture(raw: _RawCapture) -> Capture:
    sessions = tuple(map(_session, raw.sessions or ()))
    return Capture(file_name=raw.file_name, metadata=raw.metadata, sessions=sessions)


def _session(raw: _RawSession) -> Session:
    segments, problems = [], []
    for number, given in enumerate(raw.segments, 1):
        try:
            segment = msgspec.convert(given, Segment)
        except (msgspec.ValidationError, RecursionError) as error:
            problems.append(f"segment {number} of session {raw.session_name!r}: {error}")
            continue
        if segment.end < segment.start:
            where = f"it ends at {segment.end}, before it starts at {segment.start}"
            problems.append(f"segment {number} of session {raw.session_name!r}: {where}")
        else:
            segments.append(segment)
    return Session(session_name=raw.session_name, segments=tuple(segments), problems=tuple(problems))


def to_intervals(segments: Iterable[Segment], sample_rate_hz: int, split: str = "") -> list[Interval]:
    """Segments in seconds of a recording at `sample_rate_hz`, fixed to a split."""
    return [
        Interval(
            start_s=segment.start / sample_rate_hz,
            # Sample `end` is in the segment: it is over where the next one begins.
            end_s=(segment.end + 1) / sample_rate_hz,
            label=segment.label,
            split=split,
        )
        for segment in segments
    ]


def _interval(fields: list[str]) -> Interval | str:
    """The label of a line, or what is wrong with it."""
    start = _seconds(fields[0])
    if start is None:
        return f"{fields[0]!r} is no time in seconds"
    end = _seconds(fields[1]) if len(fields) > 1 else None
    text = fields[2:] if end is not None else fields[1:]
    end = start if end is None else end
    if end < start:
        return f"it ends at {end:g} s, before it starts at {start:g} s"
    if end < 0:
        return f"it ends at {end:g} s, before the recording starts"
    return Interval(start_s=max(start, 0.0), end_s=end, label=" ".join(text).strip())


def _seconds(text: str) -> float | None:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    # Neither NaN nor infinity, and no time beyond a century.
    return value if abs(value) < 4e9 else None
