"""What a model fires on in hours of audio, file by file: bounded memory, and a scan can go on where it stopped."""

import itertools
import logging
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mltk_like.audio.recogniser import Recogniser
from mltk_like.audio.wav import stream_audio
from mltk_like.errors import DataError
from mltk_like.evaluation.streams import LEAD_S, TRAIL_S, Int16, StreamScorer, quiet_room
from mltk_like.evaluation.subject import Subject
from mltk_like.evaluation.testset import files_in
from mltk_like.metrics import Event, find_events

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ScannedFile:
    """What a model fired on in one file.

    Attributes:
        path: the file.
        duration_s: that was heard.
        events: by time, which is in ms from the start of the file; detections within the merging time are one.
        problem: why not all of it was heard; empty: all was.
    """

    path: Path
    duration_s: float
    events: tuple[Event, ...]
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "path": str(self.path), "events": [asdict(event) for event in self.events]}


def scan_folders(
    subject: Subject,
    folders: Iterable[Path],
    *,
    threshold: int | None = None,
    merge_ms: int | None = None,
    done: Container[Path] = (),
) -> Iterator[ScannedFile]:
    """Listen to every audio file below some folders, each a stream of its own, as the device would.

    A quiet room is heard before and after each file, as in `evaluate`: a word that is shorter than the net's window, or
    at a file's edge, is heard like any other.

    Hours of audio need no memory but for their scores (about 70 kB an hour and class at 20 inferences a second). A file
    is handed over when all of it was heard; give the paths of those as `done` to go on after an interruption.

    Args:
        subject: the model.
        folders: searched with their sub-folders.
        threshold: 0..255, of every class; none: the model's own.
        merge_ms: detections no later than this after a counted one are part of it; none: the suppression time.
        done: files to pass over.

    Yields:
        One for each file, sorted within each folder; a file that cannot be read has a `problem`.

    Raises:
        DataError: a folder does not exist or holds no audio.
    """
    settings = subject.recogniser
    merge = settings.suppression_ms if merge_ms is None else merge_ms
    if threshold is not None:
        settings = settings.copy(detection_threshold=threshold, detection_threshold_list=())
    recogniser = Recogniser(settings, subject.classes)
    streams = StreamScorer(subject.frontend, settings.latency_ms, subject.score, subject.gate)
    rate = subject.frontend.sample_rate_hz
    for path in (path for folder in folders for path in files_in(folder)):
        if path in done:
            continue
        problems: list[str] = []
        scored = streams.long(_in_a_room(_blocks(path, rate, problems), rate))
        duration_s = max(scored.duration_s - LEAD_S - TRAIL_S, 0.0)
        events = (_within(event, duration_s) for event in find_events(recogniser, scored, merge))
        yield ScannedFile(path=path, duration_s=duration_s, events=tuple(events), problem=" ".join(problems))


def _in_a_room(blocks: Iterator[Int16], rate: int) -> Iterator[Int16]:
    rng = np.random.default_rng(0)
    return itertools.chain([quiet_room(rng, LEAD_S, rate)], blocks, [quiet_room(rng, TRAIL_S, rate)])


def _within(event: Event, duration_s: float) -> Event:
    """An event of the stream at its time in the file; what comes when the file has ended belongs to its end."""
    time_ms = event.time_ms - round(1000 * LEAD_S)
    return replace(event, time_ms=min(max(time_ms, 0), round(1000 * duration_s)))


def _blocks(path: Path, rate: int, problems: list[str]) -> Iterator[Int16]:
    try:
        yield from stream_audio(path, rate)
    except DataError as error:
        logger.warning("%s; the rest of it is not scored", error.message)
        problems.append(error.message)
