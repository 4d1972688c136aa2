"""Events as lines of text or JSON, for pipes, logs and programs."""

import json
from collections.abc import Callable
from typing import TextIO

from mltk_like.audio.live import Step
from mltk_like.audio.recogniser import Detection
from mltk_like.verbs.classify_audio.session import LiveAudio, LiveEvent, Lost


class LiveLines:
    """Prints one line an event, at once; steps only when `verbose`."""

    def __init__(self, out: TextIO, line: Callable[[LiveEvent], str], *, verbose: bool) -> None:
        self._out = out
        self._line = line
        self._verbose = verbose

    def show(self, event: LiveEvent) -> None:
        """Print an event's line."""
        if self._verbose or not isinstance(event, Step):
            print(self._line(event), file=self._out, flush=True)


def text_line(event: LiveEvent) -> str:
    """An event as MLTK's application prints it: 'Detected class=0 label=alexa score=230 @1400ms'.

    Steps are '[   1400] ( 0.4ms) 230  25' with a '*' for activity; '-' stands for scores that were not made, 'quiet'
    where the energy gate is closed.
    """
    if isinstance(event, Detection):
        return f"Detected class={event.class_index} label={event.label} score={event.score} @{event.time_ms}ms"
    if isinstance(event, Lost):
        return f"Lost {event.lost_ms} ms of audio @{event.time_ms}ms"
    took = "" if event.inference_ms is None else f"({event.inference_ms:4.1f}ms) "
    unknown = "quiet" if event.gate_open is False else "-"
    scores = unknown if event.scores is None else " ".join(f"{score:3}" for score in event.scores)
    level = "" if event.level_dbfs is None else f" {event.level_dbfs:6.1f} dBFS"
    return f"[{event.time_ms:7}] {took}{scores}{level}{' *' if event.activity else ''}"


def json_line(event: LiveEvent) -> str:
    """An event as a JSON object with its kind as `event`: detection, step or lost."""
    return json.dumps({"event": type(event).__name__.lower(), **vars(event)})


def json_end(live: LiveAudio) -> str:
    """The last line: the `result` as JSON."""
    return json.dumps({"event": "result", **live.result.to_dict()})
