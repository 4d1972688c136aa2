"""The clips of a model one by one, and what a user corrects of them."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mltk_like.artifact import model_of
from mltk_like.data.clip import Clip, lengths_s
from mltk_like.data.corrections import Correction, Key, key_of, read_corrections, uncorrected, write_corrections
from mltk_like.data.source import NOISE_LABEL, checked_sources
from mltk_like.errors import DataError, SettingError
from mltk_like.feed.plan import UNKNOWN
from mltk_like.mixins import AudioDatasetMixin
from mltk_like.model import Model, require
from mltk_like.paths import portable, unportable
from mltk_like.verbs.data.verb import inventory

_STRETCH = re.compile(r"@[\d.]+-[\d.]*$")


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is to be changed of a clip, on top of what was corrected before.

    Attributes:
        label: another label; empty: no other.
        trim_s: other ends in the file, in seconds; a last of none is its own; none: no others.
        out: throw it out.
        anew: forget what was corrected before.
    """

    label: str = ""
    trim_s: tuple[float, float | None] | None = None
    out: bool = False
    anew: bool = False


@dataclass(frozen=True, kw_only=True)
class ClipLine:
    """A clip as its source gives it, and what was corrected of it.

    Attributes:
        clip: how it is called: the file as `paths.portable` stores it, with '@START-END' where it is a stretch.
        file: the file alone.
        source, label, group: of the clip.
        start_s, end_s: in the file; none: where it ends.
        seconds: its length; NaN: it cannot be read.
        correction: what is changed.
    """

    clip: str
    file: str
    source: str
    label: str
    group: str
    start_s: float
    end_s: float | None
    seconds: float
    correction: Correction | None = None

    @property
    def now(self) -> str:
        """What was corrected, in a few words; empty if nothing was."""
        change = self.correction
        if change is None or change.empty:
            return ""
        if change.out:
            return "thrown out"
        said = [f"now {change.label}"] * bool(change.label)
        if change.trim_s:
            start, end = change.trim_s
            said.append(f"from {start:g} s" + ("" if end is None else f" to {end:g} s"))
        return ", ".join(said)


@dataclass(frozen=True, kw_only=True)
class ClipList:
    """The clips of a model that are on this machine.

    Attributes:
        clips: source by source.
        states: what there is of each source.
        labels: that a clip of the model can have.
    """

    clips: tuple[ClipLine, ...]
    states: Mapping[str, str]
    labels: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"clips": [asdict(line) for line in self.clips], "states": dict(self.states)}

    def __str__(self) -> str:
        rows = [
            f"{line.seconds:7.2f} s  {line.label:<14} {line.clip}{f'  ({line.now})' if line.now else ''}"
            for line in self.clips
        ]
        left_out = [f"{name}: {state}" for name, state in self.states.items() if state != "ready"]
        return "\n".join([*rows, *left_out, f"{len(self.clips)} clips"])


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """What `correct_clips` did: the clips as they are now, and the tables that it wrote."""

    clips: tuple[ClipLine, ...]
    tables: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"clips": [asdict(line) for line in self.clips], "tables": [portable(path) for path in self.tables]}

    def __str__(self) -> str:
        rows = [f"{line.clip}: {line.now or 'as it was'}" for line in self.clips]
        return "\n".join([*rows, *(f"written: {portable(path)}" for path in self.tables)])


def list_clips(model: Model | str | Path, *, source: str | None = None) -> ClipList:
    """The clips that a model's sources have on this machine, as they give them, with what was corrected.

    Args:
        model: a specification, name, `.py` or run folder.
        source: name of one source; none: all.

    Raises:
        ModelError: the model does not exist or has no data.
        DataError: there is no such source.
        MisnamedError: as the sources, and for a table of corrections that cannot be read.
    """
    specification = model if isinstance(model, Model) else model_of(model)
    require(specification, AudioDatasetMixin, "data")
    assert isinstance(specification, AudioDatasetMixin)
    sources = checked_sources(specification.sources())
    chosen = [one for one in sources if source in (None, one.name)]
    if not chosen:
        raise DataError(
            f"{specification.name} has no source {source!r}", f"it has {', '.join(one.name for one in sources)}"
        )
    with uncorrected():
        found = [inventory(one) for one in chosen]
    clips = [clip for one in found for clip in one.clips]
    own: tuple[str, ...] = getattr(specification, "classes", ())
    return ClipList(
        clips=tuple(_lines(clips)),
        states={one.name: there.state for one, there in zip(chosen, found, strict=True)},
        labels=tuple(dict.fromkeys((*own, UNKNOWN, NOISE_LABEL, *(clip.label for clip in clips)))),
    )


def correct_clips(
    model: Model | str | Path, changes: Mapping[str, Change], *, known: ClipList | None = None
) -> Corrected:
    """Give clips another label or other ends, or throw them out, in tables beside their files.

    A training takes the clips as they are corrected; the files stay as they are.

    Args:
        model: a specification, name, `.py` or run folder.
        changes: by the clip as `ClipLine.clip` calls it, or by any path of its file.
        known: what `list_clips` gave for the model, where that is at hand.

    Raises:
        ModelError: the model does not exist or has no data.
        DataError: a clip is none of the model's, new ends are none, or a table cannot be written.
        SettingError: a label is none of the model's.
        MisnamedError: a table that is there cannot be read.
    """
    found = list_clips(model) if known is None else known
    lines = {line.clip: line for line in found.clips}
    changed: dict[str, ClipLine] = {}
    for given, change in changes.items():
        name = _name(given)
        if name not in lines:
            near = difflib.get_close_matches(name, lines, n=1, cutoff=0.5)
            raise DataError(f"{name} is no clip of the model", f"did you mean {near[0]}?" if near else "see --clips")
        if change.label and change.label not in found.labels:
            raise SettingError(f"the model has no label {change.label!r}", f"it has {', '.join(found.labels)}")
        changed[name] = _changed(lines[name], change)
    by_folder: dict[Path, list[Correction]] = {}
    for line in changed.values():
        assert line.correction is not None
        by_folder.setdefault(unportable(line.file).parent, []).append(line.correction)
    tables = tuple(write_corrections(folder, corrections) for folder, corrections in by_folder.items())
    return Corrected(clips=tuple(changed.values()), tables=tables)


def _changed(line: ClipLine, change: Change) -> ClipLine:
    """The clip with its correction as it is to be; one that changes nothing takes the row out of the table."""
    folder, name = unportable(line.file).parent, unportable(line.file).name
    blank = Correction(file=name, start_s=line.start_s, end_s=line.end_s)
    # Of the table and not of the line, which may have been read long ago.
    before = blank if change.anew else read_corrections(folder).get(blank.key, blank)
    after = replace(
        before,
        label=change.label or before.label,
        trim_s=change.trim_s or before.trim_s,
        out=change.out or before.out,
    )
    # The source's own label and ends need no row.
    after = replace(after, label="" if after.label == line.label else after.label)
    return replace(line, correction=after)


def _lines(clips: Sequence[Clip]) -> Iterator[ClipLine]:
    tables: dict[Path, Mapping[Key, Correction]] = {}
    for clip, seconds in zip(clips, lengths_s(clips), strict=True):
        folder = clip.path.parent
        if folder not in tables:
            tables[folder] = read_corrections(folder)
        file = portable(clip.path)
        whole = not clip.start_s and clip.end_s is None
        stretch = "" if whole else f"@{clip.start_s:g}-{'' if clip.end_s is None else f'{clip.end_s:g}'}"
        yield ClipLine(
            clip=f"{file}{stretch}", file=file, source=clip.source, label=clip.label, group=clip.group,
            start_s=clip.start_s, end_s=clip.end_s, seconds=round(seconds, 4),
            correction=tables[folder].get(key_of(clip)),
        )  # fmt: skip


def _name(given: str) -> str:
    """A clip as the list calls it, however its file is written."""
    match = _STRETCH.search(given)
    file, stretch = (given[: match.start()], match[0]) if match else (given, "")
    return f"{portable(unportable(file))}{stretch}"
