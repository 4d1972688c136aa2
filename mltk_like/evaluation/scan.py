"""What a model fires on in hours of audio, file by file: bounded memory, and a scan can go on where it stopped."""

import logging
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mltk_like.audio.recogniser import Recogniser
from mltk_like.audio.wav import stream_audio
from mltk_like.errors import DataError
from mltk_like.evaluation.streams import Int16, StreamScorer
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
    streams = StreamScorer(subject.frontend, settings.latency_ms, subject.score)
    for path in (path for folder in folders for path in files_in(folder)):
        if path in done:
            continue
        problems: list[str] = []
        scored = streams.long(_blocks(path, subject.frontend.sample_rate_hz, problems))
        yield ScannedFile(
            path=path,
            duration_s=scored.duration_s,
            events=tuple(find_events(recogniser, scored, merge)),
            problem=" ".join(problems),
        )


def _blocks(path: Path, rate: int, problems: list[str]) -> Iterator[Int16]:
    try:
        yield from stream_audio(path, rate)
    except DataError as error:
        logger.warning("%s; the rest of it is not scored", error.message)
        problems.append(error.message)
