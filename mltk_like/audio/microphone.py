"""Microphones, through the `sounddevice` package and PortAudio."""

import queue
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.inputs import resampled
from mltk_like.errors import DataError, SettingError, ToolError

Int16 = NDArray[np.int16]

_QUEUE_S = 5.0
_WAIT_S = 0.5
_WITHOUT = "or give --input FILE, or raw samples: arecord -t raw -f S16_LE -r 16000 | ... --input -"


@dataclass(frozen=True, kw_only=True)
class MicrophoneInfo:
    """A device that records.

    Attributes:
        index: its number.
        name: its name.
        channels: how many channels it has.
        sample_rate_hz: its own rate in Hz.
        default: it is the one that is used when none is named.
    """

    index: int
    name: str
    channels: int
    sample_rate_hz: int
    default: bool

    def __str__(self) -> str:
        mark = "*" if self.default else " "
        return f"{mark} {self.index:3}  {self.name}  ({self.channels} channels, {self.sample_rate_hz} Hz)"


def list_microphones() -> tuple[MicrophoneInfo, ...]:
    """Every device that can record. Raises ToolError where sounddevice or PortAudio is not installed."""
    sounddevice = _sounddevice()
    default = sounddevice.default.device[0]
    return tuple(
        MicrophoneInfo(
            index=index,
            name=str(device["name"]),
            channels=int(device["max_input_channels"]),
            sample_rate_hz=round(device["default_samplerate"]),
            default=index == default,
        )
        for index, device in enumerate(sounddevice.query_devices())
        if device["max_input_channels"] > 0
    )


def find_microphone(name: str | None = None) -> MicrophoneInfo:
    """The device of a number, of a name or of a part of a name; without one, the default.

    Raises:
        SettingError: none is called so, or several are.
        ToolError: there is none at all, or sounddevice or PortAudio is not installed.
    """
    devices = list_microphones()
    if not devices:
        raise ToolError("there is no microphone", f"connect one, {_WITHOUT}")
    if name is None:
        return next((device for device in devices if device.default), devices[0])
    wanted = name.lower()
    exact = [device for device in devices if wanted in (str(device.index), device.name.lower())]
    found = exact or [device for device in devices if wanted in device.name.lower()]
    if len(found) != 1:
        count = "no microphone is" if not found else f"{len(found)} microphones are"
        raise SettingError(
            f"{count} called {name!r}", "there are: " + "; ".join(f"{d.index}: {d.name}" for d in found or devices)
        )
    return found[0]


class Microphone:
    """Samples from a microphone, from `with` on, until the block ends; iterate over it once.

    The device's thread puts samples into a queue of 5 s. What does not fit, because the model is slower than real time,
    is dropped and counted.

    Args:
        name: as in `find_microphone`.
        sample_rate_hz: rate of the samples in Hz; a device that cannot do it records at its own and is resampled.

    Raises:
        SettingError, ToolError: as `find_microphone`.
        DataError: the device cannot be opened, or stops.
    """

    def __init__(self, name: str | None, sample_rate_hz: int) -> None:
        self._sounddevice = _sounddevice()
        self.info = find_microphone(name)
        self.sample_rate_hz = sample_rate_hz
        self._queue: queue.Queue[Int16] = queue.Queue()
        self._lost = 0
        self._overflows = 0
        self._taken = (0, 0)
        self._stream: Any = None

    def __enter__(self) -> Self:
        try:
            self._rate = self._possible_rate()
            self._stream = self._sounddevice.InputStream(
                device=self.info.index, channels=1, dtype="int16", samplerate=self._rate, callback=self._hear
            )
            self._stream.start()
        except self._sounddevice.PortAudioError as error:
            raise DataError(
                f"cannot open the microphone {self.info.name!r}: {error}", f"close what else uses it, {_WITHOUT}"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __iter__(self) -> Iterator[Int16]:
        return resampled(self._blocks(), self._rate, self.sample_rate_hz)

    def take_lost_ms(self) -> int:
        """How much audio has been dropped since the last call, in ms; 1 ms for each gap that the driver reports.

        The driver does not say how long its gaps are.
        """
        lost, overflows = self._lost, self._overflows
        new, gaps = lost - self._taken[0], overflows - self._taken[1]
        self._taken = (lost, overflows)
        return -(-new * 1000 // self._rate) + gaps

    def _possible_rate(self) -> int:
        try:
            self._sounddevice.check_input_settings(
                device=self.info.index, channels=1, dtype="int16", samplerate=self.sample_rate_hz
            )
        except self._sounddevice.PortAudioError:
            return self.info.sample_rate_hz
        return self.sample_rate_hz

    def _hear(self, samples: Int16, frames: int, _time: object, status: Any) -> None:
        """Called by the device's thread; `samples` (frames, 1) is only valid here."""
        if status.input_overflow:
            self._overflows += 1
        # Only this thread puts, so the size cannot grow in between.
        if self._queue.qsize() * frames >= _QUEUE_S * self._rate:
            self._lost += frames
        else:
            self._queue.put(samples[:, 0].copy())

    def _blocks(self) -> Iterator[Int16]:
        while True:
            try:
                yield self._queue.get(timeout=_WAIT_S)
            except queue.Empty:
                if not self._stream.active:
                    raise DataError(
                        f"the microphone {self.info.name!r} has stopped", "is it still connected?"
                    ) from None


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise ToolError("sounddevice is not installed", f"pip install 'mltk_like[microphone]', {_WITHOUT}") from error
    except OSError as error:  # what sounddevice raises where it finds no PortAudio
        raise ToolError(
            "the PortAudio library is not installed", f"apt-get install libportaudio2, {_WITHOUT}"
        ) from error
    return sounddevice
