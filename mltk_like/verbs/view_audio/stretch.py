"""A stretch of an audio file, and what the net gets of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.effects import level_dbfs
from mltk_like.audio.frontend import Frontend
from mltk_like.audio.wav import duration_s, stream_audio, to_int16
from mltk_like.errors import DataError
from mltk_like.feed.windows import Window

Int16 = NDArray[np.int16]
Int8 = NDArray[np.int8]

_FULL_SCALE = 32768


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Part of a recording.

    Attributes:
        before: int16 (samples,): what is heard before it, at most the warm-up.
        samples: int16 (samples,): the stretch.
        start_s: where it begins, from the start of the recording.
        total_s: length of the whole recording.
        sample_rate_hz: in Hz.
    """

    before: Int16
    samples: Int16
    start_s: float
    total_s: float
    sample_rate_hz: int

    @property
    def seconds(self) -> float:
        """Length of the stretch."""
        return len(self.samples) / self.sample_rate_hz


@dataclass(frozen=True, kw_only=True)
class View:
    """Audio and its spectrogram.

    Attributes:
        samples: int16 (samples,), without the warm-up.
        values: int8 (T, F): the columns that those samples give.
        start_s: where it begins, from the start of the recording.
        sample_rate_hz: in Hz.
        padding_s: seconds of zeros before and after that are not in the recording.
    """

    samples: Int16
    values: Int8
    start_s: float
    sample_rate_hz: int
    padding_s: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Level:
    """How loud a stretch is.

    Attributes:
        rms_dbfs: root mean square of the samples that are not zero, -100 for silence.
        peak_dbfs: loudest sample, -100 for silence.
        clipped: samples at either end of the 16 bits.
    """

    rms_dbfs: float
    peak_dbfs: float
    clipped: int


def read_stretch(
    path: Path, sample_rate_hz: int, *, start_s: float, seconds: float, warm_up_s: float, span_s: tuple[float, float]
) -> Stretch:
    """Read one stretch of a file of any length in bounded memory.

    Args:
        path: the file.
        sample_rate_hz: rate wanted, in Hz.
        start_s: where the stretch begins, from the start of the clip.
        seconds: at most so long.
        warm_up_s: how much to keep of what stands before.
        span_s: first and last second of the clip in the file; the last may be infinite.

    Raises:
        DataError: the file cannot be read, or ends before the stretch.
    """
    first, last = span_s[0], min(span_s[1], duration_s(path))
    total_s = last - first
    if start_s >= total_s:
        raise DataError(f"{path} is {total_s:g} s long, shorter than --start {start_s:g}", "give a smaller --start")
    begin = round((first + start_s) * sample_rate_hz)
    end = min(begin + max(round(seconds * sample_rate_hz), 1), round(last * sample_rate_hz))
    origin = max(begin - round(warm_up_s * sample_rate_hz), round(first * sample_rate_hz))
    heard = _samples_between(path, sample_rate_hz, origin, end)
    if begin - origin >= len(heard):
        raise DataError(f"{path} holds no audio at {start_s:g} s", "it is damaged: its header promises more")
    return Stretch(
        before=heard[: begin - origin],
        samples=heard[begin - origin :],
        start_s=start_s,
        total_s=total_s,
        sample_rate_hz=sample_rate_hz,
    )


def whole_view(model: Any, stretch: Stretch) -> View:
    """The whole stretch through the model's front end, as if it were one spectrogram: int8 is scaled over all of it."""
    padded, padding = _padded(model, stretch)
    scene = np.concatenate([_warm_up(model, stretch), padded])
    return _view(model, scene, stretch.start_s, padding)


def net_view(model: Any, stretch: Stretch, at_s: float | None = None) -> View:
    """What the net gets in one inference: one window, after the warm-up that training has.

    A stretch that is shorter than the window stands in the middle of it, between zeros, as a clip stands in training.

    Args:
        model: whose front end.
        stretch: the audio.
        at_s: where the window begins in the stretch, as far as it fits in; none: where it is loudest.
    """
    settings = model.frontend
    padded, padding = _padded(model, stretch)
    if at_s is None:
        start = _loudest(padded, settings.sample_length, settings.step_samples)
    else:
        start = min(max(round(at_s * settings.sample_rate_hz), 0), len(padded) - settings.sample_length)
    scene = np.concatenate([_warm_up(model, stretch), padded])[start : start + warm_up(model) + settings.sample_length]
    return _view(model, scene, stretch.start_s + start / settings.sample_rate_hz, padding)


def window_view(model: Any, window: Window) -> View:
    """A window of training: what of its scene the net sees, and its features."""
    return View(
        samples=to_int16(window.scene[warm_up(model) :]),
        values=window.features[:, 0],
        start_s=0.0,
        sample_rate_hz=model.frontend.sample_rate_hz,
    )


def warm_up(model: Any) -> int:
    """Samples of warm-up, as training has them."""
    return int(model.warm_up_ms * model.frontend.sample_rate_hz // 1000)


def level_of(samples: Int16) -> Level:
    """Loudness and clipping of samples (n,)."""
    peak = int(np.abs(samples.astype(np.int32)).max())
    return Level(
        rms_dbfs=level_dbfs(samples.astype(np.float32) / np.float32(_FULL_SCALE)),
        peak_dbfs=20 * float(np.log10(peak / _FULL_SCALE)) if peak else -100.0,
        clipped=int(np.count_nonzero((samples == 32767) | (samples == -32768))),
    )


def _samples_between(path: Path, rate: int, first: int, last: int) -> Int16:
    """Samples `first` to `last` of a file, fewer where it ends."""
    pieces, at = [np.zeros(0, np.int16)], 0
    for block in stream_audio(path, rate):
        pieces.append(block[max(first - at, 0) : max(last - at, 0)])
        at += len(block)
        if at >= last:
            break
    return np.concatenate(pieces)


def _warm_up(model: Any, stretch: Stretch) -> Int16:
    """As much as the warm-up takes: what was heard before, and zeros in front of it."""
    wanted = warm_up(model)
    heard = stretch.before[max(len(stretch.before) - wanted, 0) :]
    return np.concatenate([np.zeros(wanted - len(heard), np.int16), heard])


def _padded(model: Any, stretch: Stretch) -> tuple[Int16, tuple[float, float]]:
    """The stretch, at least one window long, and the seconds of zeros before and after."""
    missing = max(model.frontend.sample_length - len(stretch.samples), 0)
    front = 0 if len(stretch.before) else missing // 2
    seconds = front / stretch.sample_rate_hz, (missing - front) / stretch.sample_rate_hz
    return np.pad(stretch.samples, (front, missing - front)), seconds


def _loudest(samples: Int16, length: int, step: int) -> int:
    """First sample of the window with the most energy, a whole number of steps from the start."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    starts = np.arange(0, len(samples) - length + 1, step)
    return int(starts[np.argmax(energy[starts + length] - energy[starts])])


def _view(model: Any, scene: NDArray[Any], start_s: float, padding: tuple[float, float]) -> View:
    settings = model.frontend
    samples = scene[warm_up(model) :]
    columns = (len(samples) - settings.window_samples) // settings.step_samples + 1
    return View(
        samples=to_int16(samples),
        values=Frontend(settings, "int8")(scene, last=columns),
        start_s=start_s - padding[0],
        sample_rate_hz=settings.sample_rate_hz,
        padding_s=padding,
    )
