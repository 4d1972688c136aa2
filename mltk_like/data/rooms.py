"""Simulated rooms: what walls do to a voice on its way to the microphone."""

import numpy as np
import numpy.typing as npt

from mltk_like.errors import DataError

Int16 = npt.NDArray[np.int16]
Float32 = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

_SPEED_OF_SOUND_M_S = 343.0
# Octave bands in which the tail decays, and how much faster than at 1 kHz: walls and air swallow the treble.
_BAND_EDGES_HZ = (0, 350, 700, 1400, 2800, 5600)
_BAND_DECAY = (1.25, 1.1, 1.0, 0.9, 0.75, 0.55)


# Direct sound begins where a recorded response first comes this near to its peak (-14 dB).
_ONSET_SHARE = 0.2


def room_impulse_response(rng: np.random.Generator, sample_rate_hz: int = 16000) -> Float32:
    """Impulse response from a random place in a random shoebox room to a microphone in it.

    Early reflections come from the image-source method to the second order (Allen and Berkley, "Image method for
    efficiently simulating small-room acoustics", J. Acoust. Soc. Am. 65(4), 1979); behind them a noise tail decays
    by 60 dB in T60 seconds, in octave bands, faster towards the treble. T60 is 0.1 to 0.9 s, longer in larger rooms.

    Args:
        rng: draws the room (2 x 2 x 2.2 to 10 x 8 x 4 m), T60, and both places (0.3 to 5 m apart).
        sample_rate_hz: in Hz.

    Returns:
        float32, shape (samples,): direct sound at sample 0, energy (sum of squares) 1, length of T60.
    """
    size, t60, source, microphone = draw_room(rng)
    volume = size.prod()
    early, first_m = _early(size, source, microphone, _wall_gain(size, t60), sample_rate_hz)
    length = max(int(t60 * sample_rate_hz), early.size)
    response = np.zeros(length)
    response[: early.size] = early
    # Direct sound and tail are equally strong at the critical distance, 0.057 sqrt(2 V / T60) m for a mouth, which
    # sends twice as much forward as a sphere would (Kuttruff, "Room Acoustics", chapter 5).
    ratio = first_m / (0.057 * np.sqrt(2 * volume / t60))
    tail = _tail(rng, length, t60, sample_rate_hz)
    tail *= ratio * abs(early[0]) / np.sqrt(np.square(tail).sum())
    response += tail
    unit: Float32 = (response / np.sqrt(np.square(response).sum())).astype(np.float32)
    return unit


def draw_room(rng: np.random.Generator) -> tuple[Floats, float, Floats, Floats]:
    """A random room: its size in m, shape (3,), T60 in s, and the places of source and microphone in m, shape (3,)."""
    size = rng.uniform([2.0, 2.0, 2.2], [10.0, 8.0, 4.0])
    t60 = float(np.clip(rng.uniform(0.1, 0.5) * (size.prod() / 40) ** 0.35, 0.1, 0.9))
    return size, t60, *_places(rng, size)


def recorded_response(samples: Int16, name: str = "an impulse response") -> Float32:
    """An impulse response from a file, as `room_impulse_response` gives it: direct sound first, energy 1.

    What comes before the direct sound is cut off, and of the tail what is 60 dB below the whole.

    Args:
        samples: int16 (samples,).
        name: what to call it in errors.

    Raises:
        DataError: it is silent.
    """
    response = samples.astype(np.float64)
    peak = np.abs(response).max(initial=0.0)
    if not peak:
        raise DataError(f"{name} is silent and no impulse response", "remove it")
    response = response[int(np.argmax(np.abs(response) >= _ONSET_SHARE * peak)) :]
    # Energy still to come at each sample (Schroeder's backward integration).
    left = np.cumsum(np.square(response)[::-1])[::-1]
    response = response[: int((left > 1e-6 * left[0]).sum())]
    unit: Float32 = (response / np.sqrt(np.square(response).sum())).astype(np.float32)
    return unit


def _places(rng: np.random.Generator, size: Floats) -> tuple[Floats, Floats]:
    """Source and microphone, 0.3 to 5 m apart (near ones as often as far ones), 0.2 m or more from the walls."""
    while True:
        microphone = rng.uniform(0.2, size - 0.2)
        direction = rng.standard_normal(3)
        source = microphone + direction / np.linalg.norm(direction) * np.exp(rng.uniform(np.log(0.3), np.log(5.0)))
        if (source >= 0.2).all() and (source <= size - 0.2).all():
            return source, microphone


def _wall_gain(size: Floats, t60: float) -> float:
    """Pressure reflection factor of the walls that gives T60 by Eyring's formula (Kuttruff, chapter 5)."""
    volume, surface = size.prod(), 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    return float(np.sqrt(np.exp(-0.161 * volume / (surface * t60))))


def _early(size: Floats, source: Floats, microphone: Floats, gain: float, rate: int) -> tuple[Floats, float]:
    """Direct sound at sample 0 and reflections to the second order, and the direct distance in metres."""
    cells = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    order = np.abs(cells).sum(axis=1)
    cells, order = cells[order <= 2], order[order <= 2]
    # Cell n of an axis holds the source itself (n even) or its mirror image (n odd).
    images = cells * size + np.where(cells % 2 == 0, source, size - source)
    distance = np.linalg.norm(images - microphone, axis=1)
    direct = float(distance[order == 0][0])
    delay = np.rint((distance - direct) / _SPEED_OF_SOUND_M_S * rate).astype(np.int64)
    early = np.zeros(int(delay.max()) + 1)
    np.add.at(early, delay, gain**order / distance)
    return early, direct


def _tail(rng: np.random.Generator, length: int, t60: float, rate: int) -> Floats:
    """Noise that decays by 60 dB in `t60` (at 1 kHz), building up over the first 5 ms, zero at sample 0."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    freqs = np.fft.rfftfreq(length, 1 / rate)
    band = np.searchsorted(_BAND_EDGES_HZ, freqs, side="right") - 1
    time = np.arange(length) / rate
    tail = np.zeros(length)
    for index, factor in enumerate(_BAND_DECAY):
        part = np.fft.irfft(np.where(band == index, spectrum, 0), length)
        tail += part * 10 ** (-3 * time / (t60 * factor))
    return np.asarray(tail * np.minimum(1, time / 0.005))
