"""A model listening: samples in, scores and detections out, one step every `latency_ms` of audio.

All times are counted in samples, so that how the audio is cut into pieces, or how fast it comes, changes nothing.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.energy_gate import EnergyGateSettings, StepGate
from mltk_like.audio.frontend import AnySettings, Frontend
from mltk_like.audio.gain import amplify
from mltk_like.audio.recogniser import Detection, Recogniser, RecogniserSettings
from mltk_like.audio.settings import FrontendSettings
from mltk_like.errors import SettingError

Int16 = NDArray[np.int16]
Engine = Callable[[NDArray[np.int8]], NDArray[np.uint8]]
"""The net: a window int8 (time, bands) -> scores uint8 (classes,)."""

SILENCE_DBFS = -96.0
"""Level that is given for digital silence: half a step of 16 bits, rounded."""
DEFAULT_SENSITIVITY = 0.5

_ACTIVE_SCORE = 127


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one step of the loop heard.

    Attributes:
        time_ms: when its result is there, in ms from the start of the audio.
        level_dbfs: level of the samples since the step before, RMS in dB relative to full scale, at least -96; None
            where it is not known (a board).
        scores: latest score of each class, 0..255; None where the net was not run: before the first whole window, while
            the energy gate is closed, and while the front end's activity detector is enabled and has not tripped.
        inference_ms: wall-clock time of the net; None where it was not run, or ran on a board.
        activity: the best class or its score has changed fast, see `Listener`.
        gate_open: whether the energy gate lets the step pass; None: the model has none, or it is on a board.
    """

    time_ms: int
    level_dbfs: float | None
    scores: tuple[int, ...] | None = None
    inference_ms: float | None = None
    activity: bool = False
    gate_open: bool | None = None


class Listener:
    """The loop of a device: every `latency_ms` the new columns, the net, the recogniser.

    Detections are those of `StreamScorer` and `Recogniser` over the same audio. What the device adds:

    - samples are multiplied by `volume_gain` first (0: left alone); what goes beyond full scale saturates;
    - with an energy gate, the net runs only in steps in which a frame passed it (a frame is as long as the front end's
      step; where none ended, the one before counts);
    - where the front end's activity detector is enabled, the net runs only in steps in which it has tripped;
    - activity (the LED of MLTK's application): the best score changes by at least `sensitivity` units a ms, or another
      class is best with more than 127.

    Args:
        frontend: front end.
        recogniser: how scores become detections, and the time from step to step.
        classes: names in the order of the model's outputs.
        engine: the net.
        gate: the energy gate; None: always open.
        sensitivity: of the activity, in units (0..255) a ms.
        simulated_ms: how long an inference is taken to last, in ms of audio, or "measured": what it lasts here. While
            it lasts audio is only collected: the next step begins when both it and `latency_ms` are over, and a result
            is there when its inference ends. None: an inference takes no time.
        clock: seconds that go on, for `inference_ms`.

    Raises:
        SettingError: a value out of range, or thresholds that do not fit the classes.
        ToolError: the compiled module has not been built.
    """

    def __init__(
        self,
        frontend: AnySettings,
        recogniser: RecogniserSettings,
        classes: Sequence[str],
        engine: Engine,
        *,
        gate: EnergyGateSettings | None = None,
        sensitivity: float = DEFAULT_SENSITIVITY,
        simulated_ms: float | Literal["measured"] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not 0 <= sensitivity <= 255:
            raise SettingError(f"sensitivity must be from 0 to 255, given {sensitivity}", "MLTK's value is 0.5")
        if simulated_ms not in (None, "measured") and not 0 <= float(simulated_ms) <= 60_000:
            raise SettingError(f"an inference cannot last {simulated_ms} ms", "give 0 to 60000 ms")
        self.window: NDArray[Any] = np.zeros(frontend.spectrogram_shape, np.int8)
        """What the net saw last, int8 (time, bands)."""
        self._settings = frontend
        self._recogniser_settings = recogniser
        self._recogniser = Recogniser(recogniser, classes)
        self._engine = engine
        self._sensitivity = sensitivity
        self._simulated_ms = simulated_ms
        self._clock = clock
        self._frontend = Frontend(frontend, frontend.column_type)
        self._stream = self._frontend.stream()
        self._gate = StepGate(gate, frontend.step_samples) if gate else None
        self._trips = isinstance(frontend, FrontendSettings) and frontend.activity_detection_enable
        self._columns = self._stream.push(np.zeros(0, np.int16))
        self._first_column = 0
        self._samples = 0
        self._end_ms = recogniser.latency_ms
        self._waiting = np.zeros(0, np.int16)
        self._best: tuple[int, int, int] | None = None

    @property
    def heard_ms(self) -> int:
        """How much audio has been pushed, in ms."""
        return (self._samples + len(self._waiting)) * 1000 // self._settings.sample_rate_hz

    def push(self, samples: Int16) -> Iterator[Step | Detection]:
        """Hear the next samples, int16 (n,), any number; gives each step, and behind it what it detected.

        Events are made as they are taken; those that are not taken come with the next call.
        """
        self._waiting = np.concatenate([self._waiting, amplify(samples, self._recogniser_settings.volume_gain)])
        return self._steps()

    def _steps(self) -> Iterator[Step | Detection]:
        while len(self._waiting) >= (size := self._step_samples()):
            samples, self._waiting = self._waiting[:size], self._waiting[size:]
            yield from self._step(samples)

    def _step_samples(self) -> int:
        """Samples from the end of the step before to the end of this one."""
        return -(-self._end_ms * self._settings.sample_rate_hz // 1000) - self._samples

    def _step(self, samples: Int16) -> list[Step | Detection]:
        self._samples += len(samples)
        self._columns = np.concatenate([self._columns, self._stream.push(samples)])
        level, end, latency = level_dbfs(samples), self._end_ms, self._recogniser_settings.latency_ms
        gate_open = self._pass_gate(samples)
        tripped = not self._trips or self._stream.take_activity()
        if not self._take_window() or not tripped or gate_open is False:
            self._end_ms = end + latency
            return [Step(time_ms=end, level_dbfs=level, gate_open=gate_open)]
        begin = self._clock()
        scores = self._engine(self.window)
        inference_ms = round(1000 * (self._clock() - begin), 3)
        busy = self._busy_ms(inference_ms)
        self._end_ms = end + max(latency, busy)
        step = Step(
            time_ms=end + busy,
            level_dbfs=level,
            scores=tuple(scores.tolist()),
            inference_ms=inference_ms,
            activity=self._is_active(end + busy, scores),
            gate_open=gate_open,
        )
        found = self._recogniser.process(end + busy, scores)
        return [step] if found is None else [step, found]

    def _pass_gate(self, samples: Int16) -> bool | None:
        if self._gate is None:
            return None
        self._gate.push(samples)
        end = self._end_ms * self._settings.sample_rate_hz // 1000
        return bool(self._gate.passes(np.array([end]))[0])

    def _take_window(self) -> bool:
        """Quantise the last whole window of the step, and forget the columns before it; False when there is none."""
        settings, length = self._settings, self._settings.spectrogram_shape[0]
        ready = (self._end_ms * settings.sample_rate_hz // 1000 - settings.window_samples) // settings.step_samples + 1
        if ready < length:
            return False
        start = ready - length
        self._columns = self._columns[start - self._first_column :]
        self._first_column = start
        self.window = self._frontend.windows(self._columns, [0])[0]
        return True

    def _busy_ms(self, inference_ms: float) -> int:
        if self._simulated_ms is None:
            return 0
        return math.ceil(inference_ms if self._simulated_ms == "measured" else self._simulated_ms)

    def _is_active(self, time_ms: int, scores: NDArray[np.uint8]) -> bool:
        best = int(scores.argmax())
        score, before = int(scores[best]), self._best
        self._best = (time_ms, best, score)
        if before is None:
            return False
        fast = abs(score - before[2]) >= self._sensitivity * (time_ms - before[0])
        return fast or (best != before[1] and score > _ACTIVE_SCORE)


def first_window_ms(frontend: AnySettings, latency_ms: int) -> int:
    """How much audio there must be before the net can run: a whole window, up to the end of a step of the loop."""
    rows, _ = frontend.spectrogram_shape
    samples = frontend.window_samples + (rows - 1) * frontend.step_samples
    return -(-samples * 1000 // (frontend.sample_rate_hz * latency_ms)) * latency_ms


def level_dbfs(samples: Int16) -> float:
    """Root mean square in dB relative to full scale (a full square wave is 0 dBFS), at least -96; 0.1 dB steps."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return round(max(SILENCE_DBFS, 10 * math.log10(power / 2**30)), 1) if power else SILENCE_DBFS
