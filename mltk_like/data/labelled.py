"""Long recordings with label files as clips: windows, or the labelled stretches themselves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mltk_like.audio.wav import duration_s
from mltk_like.cluster import Workers
from mltk_like.data.annotated import FORMATS, Annotated, find_annotated
from mltk_like.data.clip import Clip
from mltk_like.data.cutting import WindowRule, windows
from mltk_like.data.labels import Interval
from mltk_like.data.names import refuse_near_names
from mltk_like.data.recordings import GroupRule, check_group_rule, finished, group_of
from mltk_like.data.skipped import Clips, Skipped, cause, report
from mltk_like.data.split import SPLIT_NAMES
from mltk_like.errors import DataError, SettingError

# A label that ends this much after its recording was rounded, not misplaced.
_ROUNDING_S = 0.01

_Stretch = tuple[float, float, str, str]
# Start and end in seconds, label, split.


@dataclass(frozen=True, kw_only=True)
class LabelledRecordings:
    """Long recordings whose labelled stretches are known.

    With `window_s`, each recording is cut into windows, which get the label of an interval by `rule` (see
    `cutting.WindowRule` and `cutting.windows`) or `other`. Without, each interval is a clip.

    Audacity: `a.wav` has its labels in `a.txt`, `audio_7.wav` in `labels_7.txt` or `label_7.txt`, in the same folder.
    SensiML: a `.dcli` file names the recordings, which are below its folder, and the labelling sessions. What only
    sessions label that are not taken is left out.

    All that is cut from one recording is of one group, so that it stays in one split; only where `sessions` gives parts
    of one recording to different splits, the parts are groups of their own.

    Attributes:
        path: folder of the recordings, or a `.dcli` file, or one recording; `~` is expanded.
        labels: "audacity", "dcli", or "auto": dcli where there is such a file.
        sessions: sessions of a `.dcli` to take, each with the split that it is fixed to, or "" to let the splitter
            decide: `{"m8000": "training", "m8000_test": "test"}`. Empty takes the one session that there is.
        window_s: seconds of a window; none takes the intervals as they are.
        step_s: seconds from the start of one window to that of the next; none: `window_s`.
        rule: "inside", "overlap" or "centre".
        overlap: share for the rule "overlap".
        label_map: label of the file to label of the clips; those it does not name keep theirs. A label that becomes ""
            is left out, and so are the windows that touch it.
        other: label of windows that no interval labels; empty leaves them out.
        merge: windows in a row that have one label are one clip, which a model with `window_stride_ms` of the same step
            cuts again: long recordings then are few clips, and `evaluate` hears them in one piece.
        point_s: seconds from a label that marks a point on that count as labelled; 0 leaves points out.
        group: who is heard in a recording; see `Folder`.
        group_key, split_key: metadata fields of a `.dcli` that name group and split instead.
        speakers: sources with the same `speakers` share their groups; else the name.
        licence: SPDX name or a short text.
        split: fixes all clips to 'training', 'validation' or 'test'; empty lets sessions and splitter decide.
        min_duration_s: shorter clips are skipped.
        strict: unusable labels and files raise DataError instead of being skipped with one warning.
        name: in tables and manifest; the name of `path` if empty.

    Raises:
        SettingError: a rule, length, share, split or format that cannot be.
    """

    path: Path | str
    labels: str = "auto"
    sessions: Mapping[str, str] = field(default_factory=dict)
    window_s: float | None = None
    step_s: float | None = None
    rule: str = "inside"
    overlap: float = 0.5
    label_map: Mapping[str, str] = field(default_factory=dict)
    other: str = "_unknown_"
    merge: bool = False
    point_s: float = 0.0
    group: GroupRule = "stem"
    group_key: str = ""
    split_key: str = ""
    speakers: str = ""
    licence: str = ""
    split: str = ""
    min_duration_s: float = 0.05
    strict: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        check_group_rule(self.group)
        self._rule()
        if self.labels not in ("auto", *FORMATS):
            raise SettingError(f"there are no labels of the kind {self.labels!r}", f"use auto, {', '.join(FORMATS)}")
        if self.merge and self.window_s is None:
            raise SettingError("merge=True without window_s", "only windows can be merged: give window_s and step_s")
        for split in (self.split, *self.sessions.values()):
            if split not in ("", *SPLIT_NAMES):
                raise SettingError(f"there is no split {split!r}", f"use {', '.join(SPLIT_NAMES)} or ''")
        if not self.name:
            object.__setattr__(self, "name", Path(self.path).name)

    @property
    def label(self) -> str:
        """Empty: its clips have several."""
        return ""

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> Clips:
        """The clips, by recording and start; `skipped` of the result says what was left out.

        Args:
            limit: only the first so many, labels and groups taking turns.
            workers: not used.
            progress: not used.

        Raises:
            DataError: there are no such recordings or labels, or nothing in them can be used; a `.dcli` has several
                sessions and `sessions` names none, or one that it lacks; with `strict`, anything unusable.
            MisnamedError: a label is nearly one that `label_map` names; a `.dcli` names one recording twice, or one of
                which there are several.
        """
        root = Path(self.path).expanduser()
        found, skipped = find_annotated(root, self.labels, self.sessions, self.split_key, self.group_key)
        self._refuse_near(root, found)
        clips: list[Clip] = []
        cut: list[Skipped] = []
        for recording in found:
            try:
                length = duration_s(recording.path)
            except DataError as error:
                skipped.append(Skipped(path=recording.path, reason=cause(error, recording.path)))
                continue
            intervals, problems = self._intervals(recording, length)
            skipped += problems
            beyond = [given for given in recording.intervals if given.start_s < length < given.end_s - _ROUNDING_S]
            cut += [_named(recording, given, f"({length:g} s)") for given in beyond]
            clips += self._clips(recording, intervals, length, root)
        total = sum(len(recording.intervals) for recording in found)
        report(self.name, cut, total, "labels go beyond their recording and are cut there", strict=self.strict)
        return finished(
            self.name, clips, skipped=skipped, limit=limit, min_duration_s=self.min_duration_s, strict=self.strict
        )

    def _refuse_near(self, root: Path, found: Sequence[Annotated]) -> None:
        labels = {interval.label for recording in found for interval in recording.intervals}
        labels -= {"", *self.label_map.values()}
        hint = "write it as {near!r}, or name it in label_map, too"
        refuse_near_names(f"in {root} the label", sorted(labels), filter(None, self.label_map), hint)

    def _rule(self) -> WindowRule | None:
        if self.window_s is None:
            return None
        step = self.window_s if self.step_s is None else self.step_s
        return WindowRule(window_s=self.window_s, step_s=step, rule=self.rule, overlap=self.overlap)

    def _intervals(self, recording: Annotated, length: float) -> tuple[list[Interval], list[Skipped]]:
        """The intervals under their final labels, cut to the recording, and what is wrong with some."""
        kept, skipped = [], []
        for given in recording.intervals:
            interval = replace(given, label=self.label_map.get(given.label, given.label))
            if interval.start_s == interval.end_s:
                interval = replace(interval, end_s=interval.start_s + self.point_s)
            problem = _problem(given, interval, length)
            if problem:
                skipped.append(_named(recording, given, problem))
            if interval.start_s < min(interval.end_s, length):
                kept.append(replace(interval, end_s=min(interval.end_s, length)))
        return kept, skipped

    def _clips(self, recording: Annotated, intervals: Sequence[Interval], length: float, root: Path) -> Iterator[Clip]:
        base = root if root.is_dir() else root.parent
        group = f"{self.speakers or self.name}/{recording.group or group_of(recording.path, self.group, base)}"
        splits = {self.split or interval.split or recording.split for interval in intervals}
        stretches = self._stretches(intervals, recording.others, length)
        for start, end, label, split in self._merged(stretches) if self.merge else stretches:
            fixed = self.split or split or recording.split
            yield Clip(
                path=recording.path,
                label=label,
                # Parts of one recording in different splits: the sessions say so, and must know that they may.
                group=f"{group} ({fixed})" if len(splits) > 1 and fixed else group,
                source=self.name,
                licence=self.licence,
                split=fixed,
                start_s=start,
                end_s=end,
            )

    def _stretches(
        self, intervals: Sequence[Interval], others: Sequence[Interval], length: float
    ) -> Iterator[_Stretch]:
        """Start, end, label and split of each clip of a recording."""
        rule = self._rule()
        if rule is None:
            yield from ((i.start_s, i.end_s, i.label, i.split) for i in intervals if i.label)
            return
        splits = {interval.split for interval in intervals}
        named = windows([interval for interval in intervals if interval.label], length, rule)
        hidden = windows([interval for interval in intervals if not interval.label], length, rule)
        elsewhere = windows(others, length, rule)
        for window, veil, other in zip(named, hidden, elsewhere, strict=True):
            end = window.start_s + rule.window_s
            if veil.touched or (other.touched and window.interval is None):
                continue
            if window.interval is not None:
                yield window.start_s, end, window.interval.label, window.interval.split
            elif self.other and len(splits) < 2:
                yield window.start_s, end, self.other, next(iter(splits), "")

    def _merged(self, stretches: Iterable[_Stretch]) -> Iterator[_Stretch]:
        """Stretches of one label and split, each a step after the last, as one."""
        rule = self._rule()
        step, run = rule.step_s if rule else 0.0, list[_Stretch]()
        for stretch in stretches:
            if run and not (run[-1][2:] == stretch[2:] and abs(stretch[0] - run[-1][0] - step) < _ROUNDING_S / 10):
                yield run[0][0], run[-1][1], *run[0][2:]
                run.clear()
            run.append(stretch)
        if run:
            yield run[0][0], run[-1][1], *run[0][2:]


def _problem(given: Interval, interval: Interval, length: float) -> str:
    """What a user should know of a label, empty if nothing."""
    if not given.label and not interval.label:
        return "has no name"
    if interval.end_s <= interval.start_s:
        return "is a point: point_s gives such labels a length"
    return f"begins after the end ({length:g} s)" if interval.start_s >= length else ""


def _named(recording: Annotated, given: Interval, problem: str) -> Skipped:
    where = f"{given.start_s:g}-{given.end_s:g} s {given.label!r}"
    return Skipped(path=recording.labels, reason=f"{where} of {recording.path.name} {problem}")
