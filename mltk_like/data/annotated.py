"""Which recordings have labels, and where these are."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mltk_like.audio.wav import AUDIO_SUFFIXES, sample_rate_hz
from mltk_like.data.labels import Capture, Interval, read_audacity, read_dcli, to_intervals
from mltk_like.data.lists import SPLIT_WORDS
from mltk_like.data.names import name_in_list
from mltk_like.data.recordings import audio_files
from mltk_like.data.skipped import Skipped, cause
from mltk_like.errors import DataError, MisnamedError

FORMATS = ("audacity", "dcli")

_RECORDING, _LABELS = "audio_", ("labels_", "label_")


@dataclass(frozen=True, kw_only=True)
class Annotated:
    """A recording and what its label file says of it.

    Attributes:
        path: the recording.
        labels: the label file.
        intervals: as the file has them, unsorted and perhaps beyond the recording.
        others: those of the sessions of a `.dcli` that were not asked for.
        group, split: where the label file names them.
    """

    path: Path
    labels: Path
    intervals: tuple[Interval, ...]
    others: tuple[Interval, ...] = ()
    group: str = ""
    split: str = ""


def find_annotated(
    path: Path,
    labels: str = "auto",
    sessions: Mapping[str, str] | None = None,
    split_key: str = "",
    group_key: str = "",
) -> tuple[list[Annotated], list[Skipped]]:
    """Recordings with their labels, sorted by path, and what has no counterpart or cannot be read.

    Args:
        path: a folder, a `.dcli` file, or one recording with Audacity labels beside it.
        labels, sessions, split_key, group_key: see `LabelledRecordings`.

    Raises:
        DataError: there is nothing at `path`, a `.dcli` cannot be read, or its sessions are not those asked for.
        MisnamedError: a `.dcli` names a recording twice, or one of which there are several.
    """
    if not path.exists():
        raise DataError(f"there is no {path}", "check the path of the labelled recordings")
    if path.is_file():
        projects = [path] if path.suffix.lower() == ".dcli" or labels == "dcli" else []
    else:
        # Archives from a Mac hold a hidden twin of each file.
        visible = (found for found in path.rglob("*.dcli") if not found.name.startswith("."))
        projects = sorted(visible) if labels != "audacity" else []
    if labels == "dcli" and not projects:
        raise DataError(f"there is no .dcli file in {path}", "export the labels from Data Studio")
    if not projects:
        found, skipped = _audacity([path] if path.is_file() else audio_files(path))
        return found, skipped + ([] if path.is_file() else _lonely_labels(path, found))
    found, skipped = [], []
    for project in projects:
        more, bad = _dcli(project, sessions or {}, split_key, group_key)
        found += more
        skipped += bad
    return found, skipped


def label_file_of(recording: Path) -> Path | None:
    """The Audacity label file of a recording: `a.txt` of `a.wav`, `labels_7.txt` or `label_7.txt` of `audio_7.wav`."""
    names = [recording.stem]
    if recording.stem.startswith(_RECORDING):
        names += [prefix + recording.stem.removeprefix(_RECORDING) for prefix in _LABELS]
    candidates = (recording.with_name(f"{name}.txt") for name in names)
    return next((path for path in candidates if path.is_file()), None)


def _lonely_labels(folder: Path, found: Iterable[Annotated]) -> list[Skipped]:
    """Files that are named like labels and belong to no recording."""
    used = {recording.labels for recording in found}
    named = sorted({path for prefix in _LABELS for path in folder.rglob(f"{prefix}*.txt")} - used)
    return [Skipped(path=path, reason="there is no recording for these labels") for path in named]


def _audacity(recordings: list[Path]) -> tuple[list[Annotated], list[Skipped]]:
    found, skipped = [], []
    for recording in recordings:
        labels = label_file_of(recording)
        if labels is None:
            skipped.append(Skipped(path=recording, reason="it has no label file"))
            continue
        try:
            track = read_audacity(labels)
        except DataError as error:
            skipped.append(Skipped(path=labels, reason=error.message))
            continue
        skipped += [Skipped(path=labels, reason=problem) for problem in track.problems]
        found.append(Annotated(path=recording, labels=labels, intervals=track.intervals))
    return found, skipped


def _dcli(
    project: Path, sessions: Mapping[str, str], split_key: str, group_key: str
) -> tuple[list[Annotated], list[Skipped]]:
    captures = read_dcli(project)
    wanted = _wanted_sessions(project, captures, sessions)
    here = _recordings_below(project)
    named: set[Path] = set()
    found, skipped = [], []
    for capture in captures:
        path = _recording_of(capture, project, here)
        if isinstance(path, str):
            skipped.append(Skipped(path=project, reason=path))
            continue
        if path in named:
            raise MisnamedError(f"{project} names {path} twice", "take one of the two out of it")
        named.add(path)
        problems = [problem for session in capture.sessions or () for problem in session.problems]
        skipped += [Skipped(path=project, reason=f"{capture.file_name}: {problem}") for problem in problems]
        names = {session.session_name for session in capture.sessions or ()}
        if names and not names & wanted.keys():
            continue  # what other sessions have alone is not heard as if nothing were in it
        try:
            if not names:
                raise DataError("no session has labels of it")
            found.append(_annotated(capture, path, project, wanted, split_key, group_key))
        except DataError as error:
            skipped.append(Skipped(path=path, reason=cause(error, path)))
    return found, skipped


def _recordings_below(project: Path) -> dict[str, list[Path]]:
    """The recordings below a project's folder, by name."""
    found: dict[str, list[Path]] = {}
    for path in audio_files(project.parent):
        found.setdefault(path.name, []).append(path)
    return found


def _recording_of(capture: Capture, project: Path, here: Mapping[str, list[Path]]) -> Path | str:
    """The recording that a capture names, by its place below the project's folder or by its name; or why there is none.

    Raises:
        MisnamedError: there are several of that name, and none of them is where the project says.
    """
    name = name_in_list(capture.file_name)
    if Path(name).suffix.lower() not in AUDIO_SUFFIXES:
        return f"{capture.file_name} is no audio"
    candidates = here.get(Path(name).name, [])
    placed = [path for path in candidates if path == project.parent / name]
    if not placed and len(candidates) > 1:
        places = ", ".join(path.relative_to(project.parent).as_posix() for path in candidates)
        raise MisnamedError(
            f"{project} means {capture.file_name}, and there are {places}",
            "put the one that is meant beside it, or write its sub-folder into file_name",
        )
    return next(iter(placed or candidates), f"there is no {capture.file_name} below its folder")


def _annotated(
    capture: Capture, path: Path, project: Path, wanted: Mapping[str, str], split_key: str, group_key: str
) -> Annotated:
    rate = sample_rate_hz(path)
    intervals, others = list[Interval](), list[Interval]()
    for session in capture.sessions or ():
        target = intervals if session.session_name in wanted else others
        target += to_intervals(session.segments, rate, wanted.get(session.session_name, ""))
    word = capture.property(split_key) if split_key else ""
    if word.lower() not in SPLIT_WORDS:
        raise DataError(f"its {split_key} is {word!r}, which is no split")
    return Annotated(
        path=path, labels=project, intervals=tuple(intervals), others=tuple(others), split=SPLIT_WORDS[word.lower()],
        group=capture.property(group_key) if group_key else "",
    )  # fmt: skip


def _wanted_sessions(project: Path, captures: tuple[Capture, ...], sessions: Mapping[str, str]) -> Mapping[str, str]:
    present = sorted({session.session_name for capture in captures for session in capture.sessions or ()})
    missing = sorted(sessions.keys() - set(present))
    names = ", ".join(map(repr, present))
    if missing:
        raise DataError(f"{project} has no session {missing[0]!r}", f"it has {names or 'none'}")
    if sessions or len(present) < 2:
        return sessions or dict.fromkeys(present, "")
    # One is often the labels of a person and another those of a model: to take both would be a guess.
    source = f"sessions={{{present[0]!r}: 'training'}}"
    hint = f"name those to take: --session {shlex.quote(present[0])}, or in a source {source}"
    raise DataError(f"{project} has several sessions: {names}", hint)
