"""Fills folders with clips of synthetic speech, as many as were asked for."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mltk_like.cluster import Workers
from mltk_like.data.speech.export import clip_name, export_clips, manifest_row
from mltk_like.data.speech.source import SpeechSource
from mltk_like.data.speech.texts import Said
from mltk_like.data.speech.utterance import Utterance

_TURNS = 3  # clips that came out wrong are replaced by others; after so many turns some are missing


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A source whose clips go to folders.

    Attributes:
        source: gives the clips; its count is that of all folders together.
        folders: folder of each text of a source of given texts; else all clips go to `folder`.
        folder: of the others.
    """

    source: SpeechSource
    folders: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""

    def folder_of(self, number: int) -> str:
        """The folder of the clip of that number in the source's plan."""
        texts = self.source.texts
        return self.folders.get(texts.text(number), self.folder) if isinstance(texts, Said) else self.folder

    @property
    def wanted(self) -> Counter[str]:
        """Clips of each folder."""
        return Counter(map(self.folder_of, range(self.source.count)))


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What `fill` did: the manifest's row of each clip, how many were made now, how many could not be made right."""

    rows: tuple[dict[str, Any], ...]
    made: int
    missing: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    said: Utterance
    path: Path
    label: str


def fill(
    batches: Sequence[Batch], root: Path, *, rate_hz: int, workers: Workers = None, progress: bool = True
) -> Filled:
    """Make the clips of some batches that are missing below `root`, all together.

    Args:
        batches: what goes where.
        root: the folder of the folders.
        rate_hz: of the files.
        workers: processes; none: one a core; 0: this process; or a cluster.
        progress: show a bar.

    Raises:
        ToolError: an engine's package is missing.
        SettingError: no voice matches those of a source.
        DataError: an engine failed, or a file cannot be written.
    """
    missing = [batch.wanted for batch in batches]
    ends = [0] * len(batches)
    rows: list[dict[str, Any]] = []
    made = 0
    for _ in range(_TURNS):
        jobs: dict[int, list[_Job]] = {}
        for at, batch in enumerate(batches):
            jobs[at], ends[at] = _next_jobs(batch, root, missing[at], ends[at], rate_hz)
        every = [job for group in jobs.values() for job in group]
        made -= sum(job.path.exists() for job in every)
        files = [(job.said, job.path) for job in every]
        export_clips(files, name="speech", rate_hz=rate_hz, workers=workers, progress=progress)
        for at, group in jobs.items():
            good = [job for job in group if job.path.exists()]
            made += len(good)
            missing[at] -= Counter(job.label for job in good)
            rows += [manifest_row(job.said, job.path, root, job.label, rate_hz) for job in good]
        if not any(missing):
            break
    return Filled(rows=tuple(rows), made=made, missing=sum(sum(wanted.values()) for wanted in missing))


def _next_jobs(batch: Batch, root: Path, missing: Counter[str], start: int, rate_hz: int) -> tuple[list[_Job], int]:
    """The next clips of a batch's plan for the folders where some are missing, and where they end in the plan."""
    numbers = list(_numbers(batch, missing, start))
    if not numbers:
        return [], start
    end = numbers[-1] + 1
    plan = replace(batch.source, count=end).plan()
    jobs = []
    for number in numbers:
        label, said = batch.folder_of(number), plan[number]
        jobs.append(_Job(said=said, path=root / label / clip_name(said, rate_hz), label=label))
    return jobs, end


def _numbers(batch: Batch, missing: Counter[str], start: int) -> Iterator[int]:
    left = missing.copy()
    number = start
    while left.total() > 0:
        label = batch.folder_of(number)
        if left[label] > 0:
            left[label] -= 1
            yield number
        number += 1
