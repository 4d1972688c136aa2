"""A model's ears on a terminal: scores as bars, the level, the last detections; redrawn in place."""

import os
import shutil
import time
from collections import deque
from collections.abc import Callable
from typing import Self, TextIO

from mltk_like.audio.live import SILENCE_DBFS, Step
from mltk_like.audio.recogniser import Detection
from mltk_like.terminal import steered, visible
from mltk_like.verbs.classify_audio.session import LiveAudio, LiveEvent

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_UP, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[{}F", "\x1b[K", "\x1b[J"
_REDRAW_S = 0.08
_DETECTIONS = 6
_NAME, _NUMBER = 16, 11


def can_draw(out: TextIO) -> bool:
    """Whether the view can be drawn there: a terminal that moves its cursor, and no wish for plain text (NO_COLOR)."""
    return out.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("NO_COLOR")


class LiveView:
    """Draws from `with` on; at the end of the block the last picture stays and the cursor is there again.

    Args:
        out: the terminal.
        live: what listens.
        clock: seconds that go on.
    """

    def __init__(self, out: TextIO, live: LiveAudio, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = steered(out)
        self._live = live
        self._clock = clock
        self._step = Step(time_ms=0, level_dbfs=SILENCE_DBFS)
        self._scores = (0,) * len(live.classes)
        self._found: deque[Detection] = deque(maxlen=_DETECTIONS)
        self._drawn_lines = 0
        self._next_draw = 0.0
        try:
            "█░│●".encode(out.encoding or "ascii")
            self._signs = tuple("█░│●")
        except UnicodeEncodeError:
            self._signs = tuple("#.|*")

    def __enter__(self) -> Self:
        self._out.write(_HIDE_CURSOR)
        self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._draw()
        finally:
            self._out.write(_SHOW_CURSOR)
            self._out.flush()

    def show(self, event: LiveEvent) -> None:
        """Take an event; the picture is drawn about 12 times a second, and at each detection."""
        if isinstance(event, Step):
            self._step = event
            # What was heard before it became quiet is over.
            before = (0,) * len(self._scores) if event.gate_open is False else self._scores
            self._scores = event.scores or before
        elif isinstance(event, Detection):
            self._found.appendleft(event)
        if isinstance(event, Detection) or self._clock() >= self._next_draw:
            self._draw()
            self._next_draw = self._clock() + _REDRAW_S

    def _draw(self) -> None:
        width, height = shutil.get_terminal_size()
        lines = [visible(line)[: width - 1] for line in self._lines(width)][: max(1, height - 1)]
        back = _UP.format(self._drawn_lines) if self._drawn_lines else ""
        text = "".join(f"{line}{_CLEAR_LINE}\n" for line in lines)
        self._out.write(back + text + _CLEAR_BELOW)
        self._out.flush()
        self._drawn_lines = len(lines)

    def _lines(self, width: int) -> list[str]:
        live, result = self._live, self._live.result
        room = max(10, min(50, width - _NAME - _NUMBER - 4))
        level = self._step.level_dbfs
        rows = [f"{live.name} on {live.engine}   {clock_text(self._step.time_ms)}   {self._state()}"]
        if level is not None:
            rows.append(self._row("level", 1 - level / SILENCE_DBFS, None, f"{level:.1f} dBFS", room))
        levels = live.recogniser.detection_threshold_list or (live.recogniser.detection_threshold,) * len(live.classes)
        for label, score, threshold in zip(live.classes, self._scores, levels, strict=True):
            mark = None if label.startswith("_") else threshold / 255
            rows.append(self._row(label, score / 255, mark, f"{score}", room))
        rows += [f"{'detections':{_NAME}} {sum(result.detections.values())}"]
        rows += [f"{'':{_NAME}} {clock_text(d.time_ms)}  {d.label}  {d.score}" for d in self._found]
        return rows

    def _state(self) -> str:
        lost = f"{self._live.result.lost_ms} ms lost" if self._live.result.lost_ms else ""
        took = "" if self._step.inference_ms is None else f"{self._step.inference_ms:.1f} ms an inference"
        gate = {None: "", True: "gate open", False: "gate closed"}[self._step.gate_open]
        return "   ".join(text for text in (gate, took, lost, self._signs[3] if self._step.activity else "") if text)

    def _row(self, name: str, share: float, mark: float | None, number: str, room: int) -> str:
        full, empty, line = self._signs[:3]
        filled = round(min(max(share, 0.0), 1.0) * room)
        bar = list(full * filled + empty * (room - filled))
        if mark is not None:
            bar[min(round(mark * room), room - 1)] = line
        return f"{name[:_NAME]:{_NAME}} {''.join(bar)} {number}"


def clock_text(time_ms: int) -> str:
    """Time as 0:12.4, with hours where there are some."""
    minutes, rest = divmod(time_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 1000:02}.{rest % 1000 // 100}"
    return f"{hours}:{minutes:02}:{seconds}" if hours else f"{minutes}:{seconds}"
