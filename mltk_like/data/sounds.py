"""Generators of background sound: one function per kind, NumPy only, milliseconds per second of audio.

Each takes (rng, samples, rate) and returns float32 of that length at any level; `generated_noise` sets the level. They
are not meant to please an ear but to spread over what a microphone in a home, an office or a workshop hears: steady
and modulated spectra, tones with harmonics, short events, rhythms.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Generator = Callable[[np.random.Generator, int, int], Float32]


def coloured(rng: np.random.Generator, samples: int, rate: int, db_per_octave: float | None = None) -> Float32:
    """Gaussian noise with a spectral tilt (white 0, pink -3, brown -6, blue +3); None draws -9..3 and two broad bumps.

    Args:
        rng: random source.
        samples: length of the result.
        rate: sample rate in Hz.
        db_per_octave: slope of the power spectrum, flat below 40 Hz.
    """
    freqs = np.fft.rfftfreq(_fft_size(samples), 1 / rate)
    octaves = np.log2(np.maximum(freqs, 40.0) / 1000)
    gain_db = octaves * (rng.uniform(-9, 3) if db_per_octave is None else db_per_octave)
    if db_per_octave is None:
        for _ in range(2):
            centre, width, height = rng.uniform(-3.5, 2.8), rng.uniform(0.2, 1.2), rng.uniform(-6, 12)
            gain_db += height * np.exp(-(((octaves - centre) / width) ** 2))
    return _shaped(rng, samples, 10 ** (gain_db / 20))


def hiss(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Noise above 1.5 to 5 kHz: preamplifiers, air, steam, a tap."""
    freqs = np.fft.rfftfreq(_fft_size(samples), 1 / rate)
    edge = rng.uniform(1500, 5000)
    return _shaped(rng, samples, 1 / (1 + (edge / np.maximum(freqs, 1)) ** 4)) * _swell(rng, samples, rate, 0.3)


def hum(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Mains hum at 50 or 60 Hz with up to 20 harmonics, and a little noise."""
    base = float(rng.choice([50.0, 60.0])) * rng.uniform(0.998, 1.002)
    tones = harmonics(rng, samples, rate, base, count=20, decay=rng.uniform(0.6, 1.6))
    return tones + 0.05 * _unit(coloured(rng, samples, rate, -3))


def fan(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Fan, vacuum cleaner, hood: broad noise that beats with the blades, and the blade tone with harmonics."""
    blade = rng.uniform(20, 180)
    time = _time(samples, rate)
    beat: Float32 = 1 + rng.uniform(0.1, 0.6) * np.sin(2 * np.pi * blade * time, dtype=np.float32)
    body = _unit(coloured(rng, samples, rate)) * beat
    tone = _unit(harmonics(rng, samples, rate, blade, count=12, decay=1.0))
    return body + np.float32(rng.uniform(0.1, 1)) * tone


def engine(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Engine, saw, mixer: many harmonics of a speed that wanders, under load that comes and goes."""
    speed = rng.uniform(25, 140) * (1 + rng.uniform(0.02, 0.3) * _wander(rng, samples, rate))
    phase = np.cumsum(speed / rate, dtype=np.float64) % 1.0
    # One cycle as a table: all harmonics for the price of one look-up per sample.
    order = np.arange(1, 40)
    weights = rng.uniform(0.2, 1, order.size) / order ** rng.uniform(0.4, 1.2)
    angles = 2 * np.pi * order[:, None] * np.linspace(0, 1, 2048, endpoint=False)
    cycle = (weights[:, None] * np.sin(angles + rng.uniform(0, 6.28, (order.size, 1)))).sum(axis=0)
    tone = cycle[(phase * 2048).astype(np.int64)].astype(np.float32)
    tone = _unit(tone) + rng.uniform(0.1, 0.5) * _unit(coloured(rng, samples, rate, -3))
    return tone * _swell(rng, samples, rate, 0.6)


def impacts(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Knocks, dishes, doors: a few struck bodies with three to eight ringing modes, one or two a second."""
    out = np.zeros(samples, np.float32)
    for _ in range(4):
        body = _struck(rng, rate, low=80, high=rng.uniform(500, 6000), decay_s=rng.uniform(0.02, 0.4))
        _scatter(rng, out, body, per_second=rng.uniform(0.1, 0.6), rate=rate)
    return out + 0.002 * _unit(coloured(rng, samples, rate))


def keyboard(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Typing: bursts of pairs of clicks (down, up), four to ten keys a second."""
    out = np.zeros(samples, np.float32)
    keys = [_struck(rng, rate, low=900, high=7000, decay_s=rng.uniform(0.003, 0.015)) for _ in range(6)]
    at, gap = 0.0, 1 / rng.uniform(4, 10)
    while at < samples / rate:
        key = keys[int(rng.integers(len(keys)))]
        level = rng.uniform(0.3, 1)
        _add(out, key * level, int(at * rate))
        _add(out, key * level * 0.4, int((at + rng.uniform(0.05, 0.1)) * rate))
        at += gap * rng.uniform(0.6, 1.6) + (rng.uniform(0.5, 1.5) if rng.random() < 0.08 else 0)
    return out + 0.01 * _unit(coloured(rng, samples, rate, -3))


def rain(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Rain, frying, applause: hundreds of drops a second over hiss."""
    out = np.zeros(samples, np.float32)
    for _ in range(6):
        drop = _struck(rng, rate, low=700, high=7500, decay_s=rng.uniform(0.001, 0.006))
        _scatter(rng, out, drop, per_second=rng.uniform(10, 120), rate=rate)
    return _unit(out) + rng.uniform(0.1, 1) * _unit(hiss(rng, samples, rate))


def music(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Chords and a melody of plucked or bowed harmonic tones in a scale, with drums in two of three pieces."""
    out = np.zeros(samples, np.float32)
    beat_s = 60 / rng.uniform(65, 160)
    scale = np.array([0, 2, 3, 5, 7, 8, 10] if rng.random() < 0.5 else [0, 2, 4, 5, 7, 9, 11])
    root = int(rng.integers(40, 58))
    plucked = bool(rng.random() < 0.6)
    drums = [_struck(rng, rate, low=lo, high=hi, decay_s=s) for lo, hi, s in ((45, 140, 0.12), (2500, 7800, 0.03))]
    drums = drums if rng.random() < 0.67 else []
    chord = np.array([0, 2, 4])
    for beat in range(int(samples / rate / beat_s) + 1):
        at = int(beat * beat_s * rate)
        if beat % 4 == 0:
            chord = (int(rng.integers(7)) + np.array([0, 2, 4])) % 7
            for step in chord:
                _add(out, 0.4 * _note(rng, rate, root + int(scale[step]), 4 * beat_s, plucked), at)
        pitch = root + 12 + int(scale[int(rng.choice(chord))])
        _add(out, _note(rng, rate, pitch, beat_s * rng.uniform(0.5, 1.5), plucked), at)
        for drum in drums:
            _add(out, 0.8 * drum, at + int(rng.integers(2)) * int(beat_s * rate / 2))
    return out


def alarm(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Beeps, ringers and sirens: a tone pattern of 300 to 4000 Hz that repeats."""
    time = _time(samples, rate)
    period, low = rng.uniform(0.2, 1.6), rng.uniform(300, 3500)
    cycle = time / period % 1
    if rng.random() < 0.4:
        sweep = np.abs(2 * cycle - 1) if rng.random() < 0.5 else cycle
        pitch = low * (1 + rng.uniform(0.2, 1.0) * sweep)
        gate = np.ones(samples, np.float32)
    else:
        pitch = np.where(cycle < 0.5, low, low * rng.choice([1.0, 1.26, 1.5]))
        gate = (cycle * rng.integers(1, 5) % 1 < rng.uniform(0.3, 0.9)).astype(np.float32)
    phase = 2 * np.pi * np.cumsum(np.minimum(pitch, 0.45 * rate) / rate, dtype=np.float64)
    tone = np.sin(phase) + rng.uniform(0, 0.5) * np.sin(2 * phase) * (2 * low < 0.2 * rate)
    # 4 ms ramps instead of clicks.
    ramp = np.hanning(max(3, rate // 125))
    gate = np.convolve(gate, ramp / ramp.sum(), mode="same")
    return (tone * gate).astype(np.float32) + 0.005 * _unit(coloured(rng, samples, rate, -3))


def harmonics(
    rng: np.random.Generator, samples: int, rate: int, base_hz: float, *, count: int, decay: float
) -> Float32:
    """Up to `count` harmonics of `base_hz` below the Nyquist frequency, levels about order**-decay, random phases."""
    phase = 2 * np.pi * base_hz * _time(samples, rate).astype(np.float64)
    out = np.zeros(samples, np.float32)
    for order in range(1, count + 1):
        if order * base_hz >= rate / 2:
            break
        out += np.float32(rng.uniform(0.2, 1) / order**decay) * np.sin(
            (order * phase + rng.uniform(0, 6.28)).astype(np.float32), dtype=np.float32
        )
    return out


def _tilted(db_per_octave: float) -> Generator:
    def generator(rng: np.random.Generator, samples: int, rate: int) -> Float32:
        return coloured(rng, samples, rate, db_per_octave)

    return generator


KINDS: Mapping[str, Generator] = {
    "white": _tilted(0.0), "pink": _tilted(-3.0), "brown": _tilted(-6.0), "blue": _tilted(3.0), "tilt": coloured,
    "hiss": hiss, "hum": hum, "fan": fan, "engine": engine, "impacts": impacts, "keyboard": keyboard, "rain": rain,
    "music": music, "alarm": alarm,
}  # fmt: skip
"""Name of each kind and its generator."""


def _shaped(rng: np.random.Generator, samples: int, gain: npt.NDArray[np.float64]) -> Float32:
    """White noise through a filter with the given gain at each bin of an FFT of `_fft_size(samples)`."""
    bins = rng.standard_normal((gain.size, 2), dtype=np.float32).view(np.complex64)[:, 0]
    bins[0] = 0
    return np.fft.irfft(bins * gain.astype(np.float32), _fft_size(samples))[:samples].astype(np.float32)


def _fft_size(samples: int) -> int:
    """A multiple of 4096 has small factors enough to be fast."""
    return -(-samples // 4096) * 4096


def _unit(samples: Float32) -> Float32:
    """Scaled to an RMS of 1; silence stays."""
    rms = np.sqrt(np.mean(np.square(samples), dtype=np.float64))
    return samples / np.float32(rms) if rms > 0 else samples


def _time(samples: int, rate: int) -> Float32:
    return np.arange(samples, dtype=np.float32) / np.float32(rate)


def _wander(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Smooth random curve within about -1..1 that changes over half a second."""
    knots = rng.uniform(-1, 1, 2 * samples // rate + 3)
    return np.interp(np.linspace(0, knots.size - 1, samples), np.arange(knots.size), knots).astype(np.float32)


def _swell(rng: np.random.Generator, samples: int, rate: int, depth: float) -> Float32:
    """Slow gain of 1 - depth to 1 + depth."""
    return 1 + np.float32(depth) * _wander(rng, samples, rate)


def _struck(rng: np.random.Generator, rate: int, *, low: float, high: float, decay_s: float) -> Float32:
    """A struck body: three to eight decaying modes between `low` and `high` Hz, and the noise of the blow."""
    time = _time(max(16, int(6 * decay_s * rate)), rate)
    modes = int(rng.integers(3, 9))
    freqs = np.exp(rng.uniform(np.log(low), np.log(min(high, 0.45 * rate)), modes))
    decays = decay_s * rng.uniform(0.3, 1, modes)
    rings = np.exp(-time / decays[:, None]) * np.sin(2 * np.pi * freqs[:, None] * time)
    blow = rng.standard_normal(time.size) * np.exp(-time / 0.002) * rng.uniform(0, 1)
    out: Float32 = (rng.uniform(0.2, 1, modes) @ rings + blow).astype(np.float32)
    return out / np.float32(np.abs(out).max() + 1e-9)


def _note(rng: np.random.Generator, rate: int, midi: int, seconds: float, plucked: bool) -> Float32:
    """A harmonic tone of a MIDI pitch, struck or bowed."""
    samples = int(seconds * rate)
    tone = harmonics(rng, samples, rate, 440 * 2 ** ((midi - 69) / 12), count=8, decay=1.2)
    position = np.linspace(0, 1, samples, dtype=np.float32)
    if plucked:
        return tone * np.exp(-5 * position) * np.minimum(1, 200 * position)
    return tone * np.minimum(1, 8 * position) * np.minimum(1, 8 * (1 - position))


def _scatter(rng: np.random.Generator, out: Float32, event: Float32, *, per_second: float, rate: int) -> None:
    """Add an event at random times, at levels spread over 20 dB."""
    count = int(rng.poisson(per_second * out.size / rate))
    starts = rng.integers(0, out.size, count)
    levels = 10 ** rng.uniform(-1, 0, count)
    for start, level in zip(starts.tolist(), levels.tolist(), strict=True):
        _add(out, event * np.float32(level), start)


def _add(out: Float32, event: Float32, start: int) -> None:
    """Add `event` to `out` from `start` on; what does not fit is cut off."""
    room = out[start : start + event.size]
    room += event[: room.size]
