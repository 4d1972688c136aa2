"""The gate of a detector that runs for years: nothing is classified while it is quiet.

As SensiML's "Segment Energy Threshold Filter": a frame passes when any of its samples reaches the threshold, and so do
the next `backoff` frames, so that the end of a sound is heard too. Models are trained without it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import DataError, SettingError

PREFIX = "energy_gate."

_HIGHEST = {"threshold": 32768, "backoff": 10_000}


@dataclass(frozen=True, kw_only=True)
class EnergyGateSettings:
    """When a frame is loud enough to be classified. SettingError names a value that is out of range.

    Attributes:
        threshold: least |sample|, of 16 bits, that opens the gate; 0: it is always open.
        backoff: frames that pass after the last loud one.
    """

    threshold: int = 600
    backoff: int = 14

    def __post_init__(self) -> None:
        for name, highest in _HIGHEST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= highest:
                raise SettingError(f"{name} of the energy gate is {value!r}", f"use a whole number from 0 to {highest}")

    def to_parameters(self) -> dict[str, int]:
        """The `energy_gate.*` parameters of a `.tflite`."""
        return {PREFIX + name: value for name, value in asdict(self).items()}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> "EnergyGateSettings | None":
        """The settings that a `.tflite`'s parameters hold; None where they hold none. Raises SettingError."""
        found: dict[str, Any] = {name: parameters[PREFIX + name] for name in _HIGHEST if PREFIX + name in parameters}
        return cls(**found) if found else None


class EnergyGate:
    """The gate along one stream of audio, frame by frame.

    Args:
        settings: threshold and back-off.
        frame_samples: samples of a frame.
    """

    def __init__(self, settings: EnergyGateSettings, frame_samples: int) -> None:
        if frame_samples < 1:
            raise DataError(f"frames of {frame_samples} samples", "a frame has one sample or more")
        self.settings = settings
        self._frame = frame_samples
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._rest = np.zeros(0, np.int16)
        self._open_for = 0

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.bool_]:
        """Hear the next samples, int16 (k,), any number; returns whether each frame that they complete passes, (n,)."""
        heard = np.concatenate([self._rest, samples])
        count = len(heard) // self._frame
        frames = heard[: count * self._frame].reshape(count, self._frame).astype(np.int32)
        self._rest = heard[count * self._frame :]
        loud = np.abs(frames).max(axis=1, initial=0) >= self.settings.threshold
        passes = np.zeros(count, dtype=np.bool_)
        for number in range(count):
            if loud[number]:
                self._open_for = self.settings.backoff + 1
            passes[number] = self._open_for > 0
            self._open_for = max(self._open_for - 1, 0)
        return passes


class StepGate:
    """The gate of what listens in steps: a step passes when a frame passed that ended since the step before.

    In steps in which no frame ends, the answer of the step before holds; until the first frame has ended, it is open.

    Args:
        settings: threshold and back-off.
        frame_samples: samples of a frame.
    """

    def __init__(self, settings: EnergyGateSettings, frame_samples: int) -> None:
        self._gate = EnergyGate(settings, frame_samples)
        self._frame = frame_samples
        self._passes = np.zeros(0, np.bool_)  # of frames that no step has been asked about
        self._counted = 0
        self._answer = True

    def push(self, samples: NDArray[np.int16]) -> None:
        """Hear the next samples, int16 (k,), any number."""
        self._passes = np.concatenate([self._passes, self._gate.push(samples)])

    def passes(self, ends: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of the next steps passes: bool (steps,).

        Args:
            ends: int64 (steps,), ascending: how many samples of the stream had come when each step ended; they have
                been pushed.
        """
        counts = ends // self._frame - self._counted
        before = np.concatenate([[0], counts[:-1]])
        loud = np.concatenate([[0], np.cumsum(self._passes)])
        latest = np.maximum.accumulate(np.where(counts > before, np.arange(len(ends)), -1))
        passed = np.where(latest >= 0, (loud[counts] > loud[before])[latest], self._answer)
        if len(ends):
            self._passes = self._passes[counts[-1] :]
            self._counted += int(counts[-1])
            self._answer = bool(passed[-1])
        return passed


def gate_open(samples: NDArray[np.int16], settings: EnergyGateSettings, frame_samples: int) -> NDArray[np.bool_]:
    """Whether each whole frame of a recording passes a fresh gate: bool (frames,)."""
    return EnergyGate(settings, frame_samples).push(samples)
