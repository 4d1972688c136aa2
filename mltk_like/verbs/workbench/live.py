"""The live view: a model that hears the browser's microphone or a file of the folder, as `classify_audio` would."""

import base64
import secrets
import shlex
import threading
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.frontend import Columns, Frontend
from mltk_like.audio.gain import amplify
from mltk_like.audio.inputs import Resampler
from mltk_like.audio.rates import rate_fault
from mltk_like.audio.recogniser import Detection
from mltk_like.audio.wav import sample_rate_hz, stream_audio
from mltk_like.errors import SettingError
from mltk_like.verbs.classify_audio import PushedAudio
from mltk_like.verbs.workbench.guard import Refused

_MOST_SESSIONS = 4
_MOST_S = 10.0
_BLOCK_S = 1.0
_BLOCKS = 4


class LiveSession:
    """One model that listens.

    Args:
        model: as of `classify_audio`.
        threshold: 0..255, for every class; None: the model's own.
        file: a sound file to hear; None: what is pushed.

    Raises:
        MltkLikeError: as `PushedAudio`; DataError for a file that cannot be read.
    """

    def __init__(self, model: str | Path, *, threshold: int | None = None, file: Path | None = None) -> None:
        self._pushed = PushedAudio(model, settings=None if threshold is None else {"detection_threshold": threshold})
        frontend = self._pushed.model.frontend
        self._shown = Frontend(frontend, frontend.column_type).stream()
        self._range = (float("inf"), float("-inf"))
        self._resampler: tuple[int, Resampler] | None = None
        self._heard = 0
        self._blocks: Iterator[NDArray[np.int16]] | None = None
        if file is not None:
            sample_rate_hz(file)  # an unreadable file is an error now, not at the first block
            self._blocks = stream_audio(file, self._pushed.sample_rate_hz, block_s=_BLOCK_S)
        self._lock = threading.Lock()

    def describe(self) -> dict[str, Any]:
        """What the page draws with: JSON values."""
        model = self._pushed.model
        recogniser = model.recogniser
        return {
            "classes": list(model.classes),
            "threshold": recogniser.detection_threshold,
            "thresholds": list(recogniser.detection_threshold_list),
            "rate": self._pushed.sample_rate_hz,
            "channels": model.frontend.spectrogram_shape[1],
            "step_ms": 1000 * model.frontend.step_samples / self._pushed.sample_rate_hz,
            "window_ms": 1000 * model.frontend.sample_length / self._pushed.sample_rate_hz,
        }

    def push(self, data: bytes, rate_hz: int) -> dict[str, Any]:
        """Hear raw int16 samples, little-endian, at the browser's rate. Raises SettingError for what cannot be."""
        if rate_fault(rate_hz):
            raise SettingError(f"{rate_hz} Hz is no rate of a microphone")
        samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)
        if len(samples) > _MOST_S * rate_hz:
            raise SettingError(f"{len(samples) / rate_hz:.0f} s of sound at once", f"send at most {_MOST_S:g} s")
        with self._lock:
            if self._resampler is None or self._resampler[0] != rate_hz:
                self._resampler = rate_hz, Resampler(rate_hz, self._pushed.sample_rate_hz)
            return self._hear(self._resampler[1].push(samples))

    def next(self) -> dict[str, Any]:
        """Hear the next seconds of the file. Raises DataError where it is damaged."""
        with self._lock:
            if self._blocks is None:
                raise SettingError("this session hears a microphone")
            block = list(islice(self._blocks, _BLOCKS))
            found = self._hear(np.concatenate(block)) if block else self._hear(np.zeros(0, np.int16))
            return {**found, "done": not block}

    def close(self) -> None:
        """End the engine."""
        with self._lock:
            self._pushed.close()

    def _hear(self, samples: NDArray[np.int16]) -> dict[str, Any]:
        events = self._pushed.push(samples)
        columns = self._shown.push(amplify(samples, self._pushed.model.recogniser.volume_gain))
        self._heard += len(samples)
        return {
            "heard_ms": 1000 * self._heard // self._pushed.sample_rate_hz,
            "steps": [
                {"time_ms": e.time_ms, "scores": e.scores, "level": e.level_dbfs, "gate": e.gate_open}
                for e in events
                if not isinstance(e, Detection)
            ],
            "detections": [
                {"time_ms": e.time_ms, "label": e.label, "score": e.score} for e in events if isinstance(e, Detection)
            ],
            "columns": base64.b64encode(self._shades(columns).tobytes()).decode(),
        }

    def _shades(self, columns: Columns) -> NDArray[np.uint8]:
        """Columns (c, F) as shades 0..255 between the least and the greatest value that was heard up to now."""
        if columns.size:
            self._range = min(self._range[0], float(columns.min())), max(self._range[1], float(columns.max()))
        low, high = self._range
        shades = (columns.astype(np.float64) - low) * (255 / max(high - low, 1e-9))
        return shades.astype(np.uint8)


class LiveSessions:
    """The sessions that are open: the oldest goes where there would be more than four."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, LiveSession] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, session: LiveSession) -> str:
        """Keep a session, and return the name by which `get` finds it."""
        name = secrets.token_urlsafe(9)
        with self._lock:
            self._sessions[name] = session
            gone = [self._sessions.popitem(last=False)[1] for _ in range(len(self._sessions) - _MOST_SESSIONS)]
        for old in gone:
            old.close()
        return name

    def get(self, name: str) -> LiveSession:
        """Raises Refused where there is none of that name any more."""
        with self._lock:
            if name not in self._sessions:
                raise Refused(410, "this live view has ended: start it again")
            return self._sessions[name]

    def close(self, name: str) -> None:
        """End a session; one that has ended is left alone."""
        with self._lock:
            session = self._sessions.pop(name, None)
        if session is not None:
            session.close()

    def close_all(self) -> None:
        """End every session."""
        for name in list(self._sessions):
            self.close(name)


def live_command(name: str, *, file: str | None, threshold: int | None) -> str:
    """The verb that does the same in a shell."""
    words = ["classify_audio", name, *(["--input", file] if file else [])]
    words += [] if threshold is None else ["--threshold", str(threshold)]
    return f"python -m mltk_like {shlex.join(words)}"
