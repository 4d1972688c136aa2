"""Struck and rubbed things: the physics that bells, doors and locks share. NumPy only.

A body that is struck rings in its modes, each a decaying sine: `ring`. How short the blow is says how bright: a knuckle
touches wood for milliseconds, a pin hits brass for a few hundredths of one. Things that slide give noise: `friction`.

What tells one bell or door from another (size, stiffness, damping) comes from `trait`, whose values for training,
validation and test lie in different parts of its range: a test so asks for bells and doors that nobody was trained on.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from mltk_like.errors import SettingError

Float32 = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

REGIONS: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        "training": ((0.0, 0.12), (0.24, 0.46), (0.58, 0.88)),
        "validation": ((0.12, 0.18), (0.46, 0.52)),
        "test": ((0.18, 0.24), (0.52, 0.58), (0.88, 1.0)),
    }
)
"""Parts of the range 0..1 of every trait that belong to a split; the test lies between and beyond the training."""

_DECAY_60_DB = np.log(1000.0)


def trait(rng: np.random.Generator, split: str, low: float, high: float, *, logarithmic: bool = False) -> float:
    """A property of a body, drawn evenly from the parts of `low`..`high` that belong to a split (see `REGIONS`).

    Args:
        rng: random source.
        split: 'training', 'validation' or 'test'.
        low, high: ends of the range.
        logarithmic: even steps are factors.

    Raises:
        SettingError: there is no such split.
    """
    if split not in REGIONS:
        raise SettingError(f"there is no split {split!r}", f"use {', '.join(REGIONS)}")
    parts = np.array(REGIONS[split])
    widths = parts[:, 1] - parts[:, 0]
    at = rng.uniform(*parts[rng.choice(len(parts), p=widths / widths.sum())])
    return float(low * (high / low) ** at) if logarithmic else float(low + (high - low) * at)


def ring(
    rate: int, freqs_hz: npt.ArrayLike, t60_s: npt.ArrayLike, levels: npt.ArrayLike, *, contact_s: float
) -> Float32:
    """A struck body: decaying sines, driven by a half-sine of force, with a peak of 1.

    Args:
        rate: sample rate in Hz.
        freqs_hz: of the modes, (modes,); those above 0.45 of the rate are left out.
        t60_s: seconds in which each mode falls by 60 dB, (modes,) or one for all.
        levels: of each mode, (modes,) or one for all.
        contact_s: how long the blow lasts.

    Returns:
        float32 (samples,), as long as the slowest mode takes to fall by 60 dB.
    """
    freqs, slow, strong = np.broadcast_arrays(*(np.atleast_1d(values) for values in (freqs_hz, t60_s, levels)))
    heard = freqs < 0.45 * rate
    freqs, slow, strong = freqs[heard], slow[heard], strong[heard]
    samples = max(int(rate * slow.max(initial=0.001)), 16)
    # A turning phasor in place of a sine for each sample: the same, and ten times as fast.
    steps = np.exp((-_DECAY_60_DB / slow + 2j * np.pi * freqs) / rate)
    out = np.zeros(samples)
    for step, level in zip(steps, strong, strict=True):
        out += level * np.exp(np.log(step) * np.arange(samples)).imag
    pulse = np.sin(np.pi * (np.arange(max(int(contact_s * rate), 1)) + 0.5) / max(int(contact_s * rate), 1))
    driven = np.convolve(out, pulse / pulse.sum())
    peak = np.abs(driven).max()
    return (driven / (peak or 1.0)).astype(np.float32)


def plate_modes(width_m: float, height_m: float, stiffness: float, count: int) -> Floats:
    """The lowest `count` modes of a thin plate that is held at its edges, in Hz: stiffness ((m/w)^2 + (n/h)^2).

    Rossing and Fletcher, Principles of Vibration and Sound, 3.9. `stiffness` is (pi / 2) sqrt(D / (rho t)) in m^2/s: 8
    or so for a door of wood.
    """
    m, n = np.meshgrid(np.arange(1, 25), np.arange(1, 25))
    modes: Floats = np.sort((stiffness * ((m / width_m) ** 2 + (n / height_m) ** 2)).ravel())[:count]
    return modes


def friction(
    rng: np.random.Generator, samples: int, rate: int, low_hz: float, high_hz: float, roughness: float
) -> Float32:
    """Something that slides: noise between two frequencies, in bursts of random strength, with a peak of 1.

    Args:
        rng: random source.
        samples: length of the result.
        rate: sample rate in Hz.
        low_hz, high_hz: edges of the band (12 dB an octave beyond).
        roughness: 0: even noise, 1: all in short bursts.
    """
    freqs = np.fft.rfftfreq(samples, 1 / rate)
    gain = 1 / (1 + (low_hz / np.maximum(freqs, 1)) ** 4) / (1 + (freqs / high_hz) ** 4)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * np.sqrt(gain), samples)
    grains = np.exp(2.0 * rng.standard_normal(samples // (rate // 250) + 2))
    grip = np.interp(np.linspace(0, len(grains) - 1, samples), np.arange(len(grains)), grains)
    out = noise * (1 - roughness + roughness * grip / grip.mean())
    unit: Float32 = (out / (np.abs(out).max() or 1.0)).astype(np.float32)
    return unit


def put(out: Float32, sound: Float32, start: int) -> None:
    """Add a sound to a longer one, in place; what lies beyond its ends is lost."""
    first, last = max(start, 0), min(start + len(sound), len(out))
    if first < last:
        out[first:last] += sound[first - start : last - start]


def in_room(sound: Float32, room: Float32, share: float) -> Float32:
    """The sound with `share` of a room's echoes; as long as before plus the room's tail.

    Args:
        sound: float32 (samples,).
        room: impulse response, as `rooms.room_impulse_response` gives it.
        share: of the peak, 0 (dry) to 1 (the room alone).
    """
    samples = len(sound) + len(room) - 1
    size = 1 << (samples - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(room, size), size)[:samples]
    out = np.float32(share / max(np.abs(wet).max(), 1e-9) * np.abs(sound).max()) * wet.astype(np.float32)
    put(out, sound * np.float32(1 - share), 0)
    return out
