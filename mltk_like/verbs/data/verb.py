"""The data of a model: what each source has, what is missing, how it is divided."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mltk_like.artifact import model_of
from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip, lengths_s
from mltk_like.data.corrections import CORRECTED, CORRECTIONS, THROWN_OUT, corrected
from mltk_like.data.fetch import is_offline
from mltk_like.data.fetch import offline as without_network
from mltk_like.data.names import refuse_near_labels
from mltk_like.data.skipped import skipped_of
from mltk_like.data.source import (
    CANNOT,
    MICROPHONE_LABEL,
    NOISE_LABEL,
    ROOM_LABEL,
    Described,
    Inventory,
    Source,
    checked_sources,
)
from mltk_like.data.split import SplitRow, Splits, split_by_group, summary
from mltk_like.errors import MisnamedError, MltkLikeError
from mltk_like.feed.dataset import Gathered, gather
from mltk_like.feed.expected import LOCAL
from mltk_like.loader import typed
from mltk_like.mixins import AudioDatasetMixin
from mltk_like.model import Model, require

_OFFLINE = "offline: downloads are not tried, only what is in the cache is used"
_WITHOUT = "a training goes on without them and says so, or stops with --strict-sources"
_KINDS = (NOISE_LABEL, MICROPHONE_LABEL, ROOM_LABEL)


@dataclass(frozen=True, kw_only=True)
class SourceLine:
    """What there is of one source.

    Attributes:
        name: of the source.
        labels: of its clips, the most frequent first.
        state: 'ready', '3 of 10 made', 'to be made', 'not fetched' or 'cannot be had: ...'.
        clips: on this machine.
        hours: of audio in them.
        voices: groups in them: voices, speakers or recordings.
        licence: of its clips, if known.
        download_bytes: size of the download; 0 if unknown or none.
    """

    name: str
    labels: tuple[str, ...]
    state: str
    clips: int
    hours: float
    voices: int
    licence: str
    download_bytes: int


@dataclass(frozen=True, kw_only=True)
class DataReport:
    """The sources of a model, and the split of the clips that are here.

    Attributes:
        name: of the model.
        typed: what to type for it; empty for a class without a file.
        sources: in the model's order.
        splits: labels in alphabetical order, the three splits of each; empty where no clip is here.
        offline: whether the network was off.
        fetch: whether what is missing was to be got.
        corrected: clips with another label or other ends than their source gives, see `data.corrections`.
        thrown_out: clips that the same tables leave out.
    """

    name: str
    typed: str
    sources: tuple[SourceLine, ...]
    splits: tuple[SplitRow, ...]
    offline: bool
    fetch: bool = False
    corrected: int = 0
    thrown_out: int = 0

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the sources that could not be got although they were to be."""
        return tuple(line.name for line in self.sources if self.fetch and line.state.startswith(CANNOT))

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {name: value for name, value in asdict(self).items() if name != "typed"}

    def __str__(self) -> str:
        width = max([len(line.name) for line in self.sources] + [6])
        rows = [
            f"{'source':<{width}} {'label':<13} {'clips':>6} {'hours':>6} {'voices':>6} {'size':>9}  licence, state"
        ]
        rows += [_row(line, width) for line in self.sources]
        if self.splits:
            complete = all(line.state == "ready" for line in self.sources)
            rows += ["", "split" if complete else "split of the clips that are here", split_table(self.splits)]
        if self.corrected or self.thrown_out:
            text = f"{self.corrected} clips are relabelled or trimmed, and {self.thrown_out} thrown out"
            rows += ["", f"{text}, by {CORRECTIONS} beside the recordings"]
        if self.failed:
            rows += ["", f"could not be got: {', '.join(self.failed)}; {_WITHOUT}"]
        if self.offline:
            rows += ["", _OFFLINE]
        elif not self.fetch and any(line.state != "ready" for line in self.sources):
            rows += ["", f"get and make what is missing: {self._fetch}"]
        return "\n".join(rows)

    @property
    def _fetch(self) -> str:
        return f"python -m mltk_like data {shlex.quote(self.typed)} --fetch" if self.typed else "fetch=True"


def data_report(
    model: Model | str | Path,
    *,
    fetch: bool = False,
    offline: bool = False,
    workers: Workers = None,
    progress: bool = True,
) -> DataReport:
    """Say what there is of a model's data, and get the rest if asked to.

    Without `fetch` nothing is made and nothing is downloaded. With it, everything is; what was broken off goes on where
    it was.

    Args:
        model: a specification, name or `.py`.
        fetch: make and download what is missing.
        offline: use no network.
        workers: processes for synthesis, or a cluster; none: one a core.
        progress: show bars.

    Raises:
        ModelError: the model does not exist or has no data.
        ToolError: with `fetch`, a package that a source needs is not installed.
        DataError: clips of one group are fixed to different splits.
        MisnamedError: a folder, label or list is nearly called as what is meant.
    """
    specification = model if isinstance(model, Model) else model_of(model)
    require(specification, AudioDatasetMixin, "data")
    assert isinstance(specification, AudioDatasetMixin)
    with without_network(offline):
        gathered = gather(specification, workers=workers, progress=progress) if fetch else None
        pairs = [(source, inventory(source, gathered)) for source in checked_sources(specification.sources())]
        off = is_offline()
    clips = [clip for _, found in pairs for clip in found.clips]
    labels = (*(source.label for source, _ in pairs), *(clip.label for clip in clips))
    refuse_near_labels(labels, specification.classes)
    splits = split_by_group(clips, fractions=specification.split_fractions)
    # By identity: a file may be a clip of two sources.
    heard = dict(zip(map(id, clips), heard_s(clips, lengths_s(clips)), strict=True))
    durations = [[heard[id(clip)] for clip in part] for _, part in splits.items()]
    return DataReport(
        name=specification.name,
        typed=typed(specification.path) if specification.path else "",
        sources=tuple(
            _line(source, found, sum(heard[id(clip)] for clip in found.clips) / 3600) for source, found in pairs
        ),
        splits=tuple(summary(splits, durations)) if clips else (),
        offline=off,
        fetch=fetch,
        corrected=sum(CORRECTED in clip.details for clip in clips),
        thrown_out=sum(item.reason == THROWN_OUT for _, found in pairs for item in skipped_of(found.clips)),
    )


def inventory(source: Source, gathered: Gathered | None = None) -> Inventory:
    """What there is of a source, as it is corrected.

    One that cannot tell shows the clips that it has just given, and is else to be made.

    Args:
        source: any source.
        gathered: what all sources gave, where they were asked.
    """
    found = _inventory(source, gathered)
    return replace(found, clips=corrected(found.clips))


def _inventory(source: Source, gathered: Gathered | None) -> Inventory:
    problem = gathered.problems.get(source.name, "") if gathered else ""
    if gathered and problem:
        # A source may have given some of its clips and not others.
        clips = [clip for clip in gathered.clips if clip.source == source.name]
        return Inventory(clips=clips, problem=problem, missing=None, licence=getattr(source, "licence", ""))
    try:
        if isinstance(source, Described):
            return source.inventory()
        if gathered:
            return Inventory(clips=[clip for clip in gathered.clips if clip.source == source.name])
        return Inventory(clips=source.collect(progress=False)) if isinstance(source, LOCAL) else Inventory(missing=None)
    except MisnamedError:
        raise
    except MltkLikeError as error:
        return Inventory(problem=error.message, missing=None, licence=getattr(source, "licence", ""))


def heard_s(clips: Sequence[Clip], seconds: Sequence[float]) -> list[float]:
    """Seconds of each clip that no other has: stretches that are cut from one recording may overlap.

    Args:
        clips: in any order.
        seconds: length of each.
    """
    heard = [0.0] * len(clips)
    last: dict[Path, float] = {}
    for at in sorted(range(len(clips)), key=lambda at: (str(clips[at].path), clips[at].start_s)):
        clip = clips[at]
        # NaN, which stands for unreadable, is not > anything.
        length = seconds[at] if seconds[at] > 0 else 0.0
        begin, end = max(clip.start_s, last.get(clip.path, 0.0)), clip.start_s + length
        heard[at] = max(end - begin, 0.0)
        last[clip.path] = max(begin, end)
    return heard


def offline_note() -> list[str]:
    """The line that says that the network is off, if it is."""
    return [_OFFLINE] if is_offline() else []


def split_table(rows: Sequence[SplitRow]) -> str:
    """Clips, voices and hours of each label in each split."""
    lines = [f"{'label':<14} {'split':<11} {'clips':>6} {'voices':>6} {'hours':>6}"]
    for row in rows:
        what = "kinds" if row.label in _KINDS else ""
        lines.append(
            f"{row.label:<14} {row.split:<11} {row.clips:>6} {row.groups:>6} {row.hours:>6.2f} {what}".rstrip()
        )
    return "\n".join(lines)


def splits_summary(splits: Splits, durations: Sequence[Sequence[float]]) -> str:
    """`split_table` of a split with the seconds of each of its clips."""
    heard = [heard_s(clips, seconds) for (_, clips), seconds in zip(splits.items(), durations, strict=True)]
    return split_table(summary(splits, heard))


def _line(source: Source, found: Inventory, hours: float) -> SourceLine:
    labels = [label for label, _ in Counter(clip.label for clip in found.clips).most_common()]
    licences = sorted({clip.licence for clip in found.clips} - {""})
    return SourceLine(
        name=source.name,
        labels=tuple(labels or [label for label in (source.label,) if label]),
        state=found.state,
        clips=len(found.clips),
        hours=round(hours, 4),
        voices=len({clip.group for clip in found.clips}),
        licence=", ".join(licences) or found.licence,
        download_bytes=found.size_bytes,
    )


def _row(line: SourceLine, width: int) -> str:
    labels = line.labels[0] + (f" +{len(line.labels) - 1}" if len(line.labels) > 1 else "") if line.labels else ""
    size = f"{line.download_bytes / 1e6:,.0f} MB" if line.download_bytes else ""
    counts = f"{line.clips:>6} {line.hours:>6.2f} {line.voices:>6}"
    return f"{line.name:<{width}} {labels:<13} {counts} {size:>9}  {line.licence or 'licence unknown'}; {line.state}"
