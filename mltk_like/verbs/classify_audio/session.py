"""A model that listens, wherever it runs: its events as they come, and what they add up to."""

import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.audio.frontend import AnySettings
from mltk_like.audio.live import Step, first_window_ms
from mltk_like.audio.recogniser import Detection, RecogniserSettings


@dataclass(frozen=True, kw_only=True)
class LiveModel:
    """What listens.

    Attributes:
        tflite: content of the model's file.
        classes: names in the order of the scores.
        frontend: front end.
        recogniser: settings in force.
        gate: energy gate in force, if there is one.
    """

    tflite: bytes
    classes: tuple[str, ...]
    frontend: AnySettings
    recogniser: RecogniserSettings
    gate: EnergyGateSettings | None = None


@dataclass(frozen=True, kw_only=True)
class Lost:
    """Audio was dropped before it could be heard: the model is slower than real time, or the driver had a gap.

    Attributes:
        time_ms: after so much audio that was heard.
        lost_ms: how much.
    """

    time_ms: int
    lost_ms: int


LiveEvent = Step | Detection | Lost
Listening = Generator[LiveEvent, None, None]


@dataclass(frozen=True, kw_only=True)
class LiveResult:
    """What was heard, up to now or in all.

    Attributes:
        name: the model's name.
        engine: what ran the net.
        duration_s: time of the last step.
        elapsed_s: wall-clock time since the start, up to the last event.
        inferences: how often the net was run.
        detections: by label.
        lost_ms: audio that was dropped.
        not_run: why there was no inference, and what to do about it; "" where there was one.
    """

    name: str
    engine: str
    duration_s: float
    elapsed_s: float
    inferences: int
    detections: Mapping[str, int]
    lost_ms: int
    not_run: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**vars(self), "detections": dict(self.detections)}

    def __str__(self) -> str:
        found = ", ".join(f"{label} {count}" for label, count in self.detections.items()) or "none"
        pace = self.duration_s / self.elapsed_s if self.elapsed_s else 0.0
        lines = [
            f"{self.name} on {self.engine}: {self.duration_s:.1f} s of audio in {self.elapsed_s:.1f} s "
            f"({pace:.1f} times real time), {self.inferences} inferences",
            f"detections: {found}",
        ]
        if self.not_run:
            lines.append(f"the net was not run: {self.not_run}")
        if self.lost_ms:
            lines.append(f"audio lost: {self.lost_ms} ms")
        return "\n".join(lines)


@dataclass(kw_only=True)
class Place:
    """Where the net runs, for people; a board is known only once it has answered."""

    name: str


class LiveAudio:
    """A model that listens: iterate over it for its events, then (or at any time) look at `result`.

    Made by `classify_audio`. Leaving the loop early closes everything; iterating again listens anew.

        live = classify_audio("keyword_spotting_alexa", input="kitchen.wav")
        for event in live:
            if isinstance(event, Detection):
                print(event.label, event.time_ms)
        print(live.result)

    Args:
        name: the model's name.
        model: the model, with the settings in force.
        place: what runs the net, and whose ears it has.
        listen: begins to listen.
    """

    def __init__(self, *, name: str, model: LiveModel, place: Place, listen: Callable[[], Listening]) -> None:
        self.name = name
        self.classes = model.classes
        self.recogniser = model.recogniser
        self._model = model
        self._place = place
        self._listen = listen
        self._clear()

    @property
    def engine(self) -> str:
        """What runs the net, and whose ears it has."""
        return self._place.name

    @property
    def result(self) -> LiveResult:
        """What has been heard so far."""
        return LiveResult(
            name=self.name,
            engine=self.engine,
            duration_s=self._heard_ms / 1000,
            elapsed_s=round(self._elapsed_s, 3),
            inferences=self._inferences,
            detections=dict(self._detections),
            lost_ms=self._lost_ms,
            not_run="" if self._inferences else self._why_not_run(),
        )

    def __iter__(self) -> Listening:
        self._clear()
        begin = time.monotonic()
        with closing(self._listen()) as events:
            for event in events:
                self._elapsed_s = time.monotonic() - begin
                self._count(event)
                yield event

    def _clear(self) -> None:
        self._elapsed_s = 0.0
        self._heard_ms = self._lost_ms = self._inferences = 0
        self._detections: Counter[str] = Counter()

    def _why_not_run(self) -> str:
        first_ms = first_window_ms(self._model.frontend, self.recogniser.latency_ms)
        short = f"this is shorter than the {first_ms} ms that it needs for its first window"
        if self._heard_ms >= first_ms:
            return "its energy gate or its front end's activity detector stayed closed; --gate 0 opens the gate"
        if self._model.gate and not self._heard_ms:  # a board tells of nothing but inferences
            return f"{short}, or stayed below its energy gate"
        return f"{short}; put silence around the word"

    def _count(self, event: LiveEvent) -> None:
        if isinstance(event, Step):
            self._heard_ms = event.time_ms
            self._inferences += event.scores is not None
        elif isinstance(event, Lost):
            self._lost_ms += event.lost_ms
        else:
            self._detections[event.label] += 1
