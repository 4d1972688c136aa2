"""A model that listens on a board: to the board's microphone, or to a recording that is sent to it."""

import queue
import threading
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.board import (
    Board,
    BoardEvent,
    DetectionReport,
    Parameter,
    ScoresReport,
    Tell,
    board_parameters,
)
from mltk_like.audio.live import Step
from mltk_like.audio.recogniser import Detection
from mltk_like.audio.wav import read_audio
from mltk_like.errors import DataError, ModelError
from mltk_like.verbs.classify_audio.session import LiveModel

_TELL = Tell.DETECTIONS | Tell.SCORES
_WAIT_S = 0.1


class _Stopped(Exception):
    """Nobody takes the events any more."""


def listen_on_board(
    port: str, model: LiveModel, changes: Mapping[str, Any], file: str | Path | None
) -> Generator[Step | Detection, None, None]:
    """What a board hears. A board with a slot for models is given this one; another must run one with its classes.

    Detections in a recording whose reports the line lost come last; the others in the order of time.

    Args:
        port: serial line, or 'auto'.
        model: the model, with the settings to work with.
        changes: those settings that differ from the model's own.
        file: a recording in place of the board's microphone.

    Raises:
        DataError: the board does not answer or goes away, or the file cannot be read.
        ModelError: the board cannot take or run the model, or runs another.
        SettingError: the board refuses a setting.
        ToolError: pyserial is not installed.
    """
    with Board(port) as board:
        if board.info.slot_bytes:
            board.upload_model(model.tflite)
            values = {name: value for name, value in changes.items() if name in Parameter.__members__}
        else:
            values = board_parameters(model.recogniser)
        if board.info.classes != model.classes:
            raise ModelError(
                f"the board runs {board.info.model!r}, which hears {', '.join(board.info.classes) or 'nothing'}",
                "name that model, or flash a firmware with this one",
            )
        if values:
            board.set_parameters(**values)
        if file is None:
            yield from _live(board)
        else:
            yield from _sent(board, read_audio(file, board.info.sample_rate_hz))


def _live(board: Board) -> Generator[Step | Detection, None, None]:
    board.start(_TELL)
    try:
        yield from _events(board, board.events())
    except (GeneratorExit, KeyboardInterrupt):
        board.stop()
        raise


def _sent(board: Board, samples: NDArray[np.int16]) -> Generator[Step | Detection, None, None]:
    """Send in a thread of its own, so that what the board reports is seen at once."""
    reports: queue.SimpleQueue[BoardEvent] = queue.SimpleQueue()
    stopped = threading.Event()

    def take(report: BoardEvent) -> None:
        if stopped.is_set():
            raise _Stopped
        reports.put(report)

    def arriving() -> Iterator[BoardEvent]:
        while not (work.done() and reports.empty()):
            try:
                yield reports.get(timeout=_WAIT_S)
            except queue.Empty:
                continue

    seen: set[Detection] = set()
    last_ms = -1
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(board.inject, samples, tell=_TELL, on_event=take)
        try:
            for event in _events(board, arriving()):
                # A board that was reset hears the recording from the start again.
                if event in seen or (isinstance(event, Step) and event.time_ms <= last_ms):
                    continue
                if isinstance(event, Step):
                    last_ms = event.time_ms
                else:
                    seen.add(event)
                yield event
            # The line may have lost reports; the board's own list is whole.
            yield from (detection for detection in work.result() if detection not in seen)
        finally:
            stopped.set()


def _events(board: Board, reports: Iterator[BoardEvent]) -> Iterator[Step | Detection]:
    classes = board.info.classes
    for report in reports:
        if isinstance(report, ScoresReport):
            if len(report.scores) != len(classes):
                raise DataError(
                    f"the board reports {len(report.scores)} scores for {len(classes)} classes",
                    "its firmware does not follow the protocol",
                )
            yield Step(time_ms=report.time_ms, level_dbfs=None, scores=tuple(report.scores.tolist()))
        elif isinstance(report, DetectionReport) and report.class_index < len(classes):
            yield Detection(
                time_ms=report.time_ms,
                class_index=report.class_index,
                label=classes[report.class_index],
                score=report.score,
            )
