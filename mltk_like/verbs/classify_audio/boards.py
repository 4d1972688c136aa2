"""A model that listens on a board: to the board's microphone, or to a recording that is sent to it."""

import queue
import threading
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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
from mltk_like.errors import DataError, ModelError, SettingError
from mltk_like.verbs.classify_audio.board_dump import BoardDump, board_dump
from mltk_like.verbs.classify_audio.here import Ears, listen_here
from mltk_like.verbs.classify_audio.session import Listening, LiveModel, Place
from mltk_like.verbs.shared.audio_sources import board_source

_TELL = Tell.DETECTIONS | Tell.SCORES
_WAIT_S = 0.1


class _Stopped(Exception):
    """Nobody takes the events any more."""


def listen_on_board(
    port: str, model: LiveModel, ears: Ears, changes: Mapping[str, Any], file: str | Path | None, place: Place
) -> Listening:
    """What a board hears. A board with a slot for models is given this one; another must run one with its classes.

    Of a board without a model the microphone is heard, and the net runs here.
    Detections in a recording whose reports the line lost come last; the others in the order of time.

    Args:
        port: serial line, or 'auto'.
        model: the model, with the settings to work with.
        ears: how the net runs where it runs here, and what to write down.
        changes: those settings that differ from the model's own.
        file: a recording in place of the board's microphone.
        place: is told which board it is, and what runs the net.

    Raises:
        DataError: the board does not answer or goes away, or the file cannot be read.
        ModelError: the board cannot take or run the model, or runs another.
        SettingError: the board refuses a setting, or cannot do what was asked for.
        ToolError: pyserial is not installed.
    """
    with Board(port) as board:
        name = board.info.name or "of no name"
        if not (board.info.columns or board.info.slot_bytes):
            place.name = f"{ears.engine}, microphone of board {name} at {board.path}"
            yield from _heard_here(board, model, ears, file)
            return
        place.name = f"board {name} at {board.path}"
        if ears.only_here:
            raise SettingError(f"the board runs the net: {', '.join(ears.only_here)} cannot be", "leave it out")
        _prepare(board, model, changes)
        with board_dump(ears.dumps, model, board.info) as dump:
            if file is None:
                yield from _live(board, dump)
            else:
                yield from _sent(board, read_audio(file, board.info.sample_rate_hz), dump)


def _heard_here(board: Board, model: LiveModel, ears: Ears, file: str | Path | None) -> Listening:
    if file is not None:
        raise SettingError(
            f"the board at {board.path} has no model that could hear a file",
            "leave out --device: this machine hears it",
        )
    yield from listen_here(model, ears, partial(board_source, board, model.frontend.sample_rate_hz))


def _prepare(board: Board, model: LiveModel, changes: Mapping[str, Any]) -> None:
    """Put the model and the settings onto the board."""
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


def _live(board: Board, dump: BoardDump) -> Generator[Step | Detection, None, None]:
    board.start(_TELL | dump.tell(audio=True))
    try:
        yield from _events(board, board.events(), dump)
    except (GeneratorExit, KeyboardInterrupt):
        board.stop()
        raise


def _sent(board: Board, samples: NDArray[np.int16], dump: BoardDump) -> Generator[Step | Detection, None, None]:
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
    last_ms, dumped = -1, 0
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(board.inject, samples, tell=_TELL | dump.tell(audio=False), on_event=take)
        try:
            for event in _events(board, arriving(), dump):
                # A board that was reset hears the recording from the start again.
                if event in seen or (isinstance(event, Step) and event.time_ms <= last_ms):
                    continue
                if isinstance(event, Step):
                    last_ms = event.time_ms
                    end = last_ms * board.info.sample_rate_hz // 1000
                    dump.hear(samples[dumped:end])
                    dumped = end
                else:
                    seen.add(event)
                yield event
            # The line may have lost reports; the board's own list is whole.
            for detection in work.result():
                if detection not in seen:
                    dump.detected(detection)
                    yield detection
            dump.hear(samples[dumped:])
        finally:
            stopped.set()


def _events(board: Board, reports: Iterator[BoardEvent], dump: BoardDump) -> Iterator[Step | Detection]:
    classes = board.info.classes
    for report in reports:
        dump.take(report)
        if isinstance(report, ScoresReport):
            if len(report.scores) != len(classes):
                raise DataError(
                    f"the board reports {len(report.scores)} scores for {len(classes)} classes",
                    "its firmware does not follow the protocol",
                )
            yield Step(time_ms=report.time_ms, level_dbfs=None, scores=tuple(report.scores.tolist()))
        elif isinstance(report, DetectionReport) and report.class_index < len(classes):
            place, label = report.class_index, classes[report.class_index]
            found = Detection(time_ms=report.time_ms, class_index=place, label=label, score=report.score)
            dump.detected(found)
            yield found
