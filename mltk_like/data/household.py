"""Sounds of a household from no machine and no talk: clocks, fire, animals, infants, coughs, bumps. NumPy only.

A detector of short events must not take these for its own. What tells one clock or dog from another comes from
`struck.trait`, so that a test hears others than the training.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from mltk_like.data.bells import ambience
from mltk_like.data.labels import Interval
from mltk_like.data.rooms import room_impulse_response
from mltk_like.data.sounds import coloured
from mltk_like.data.struck import Float32, Floats, friction, in_room, put, ring, trait

OTHER = "unknown"
"""Label of all of it."""

# What may be heard behind it: nothing that knocks or clicks.
_BEHIND = ("tilt", "hum", "fan", "engine", "rain", "music")


def ticking(rng: np.random.Generator, split: str, samples: int, rate: int) -> Float32:
    """A clock or watch: tick and tock by turns, one to eight a second, small hard parts in a case."""
    gap_s = trait(rng, split, 0.12, 1.1, logarithmic=True)
    case = trait(rng, split, 200, 1500, logarithmic=True)
    sides = []
    for _ in range(2):
        parts = np.exp(rng.uniform(np.log(900), np.log(7000), 5))
        decays = [*np.exp(rng.uniform(np.log(0.01), np.log(0.15), 5)), rng.uniform(0.05, 0.3)]
        levels = [*rng.uniform(0.2, 1, 5), rng.uniform(0, 0.5)]
        sides.append(ring(rate, [*parts, case], decays, levels, contact_s=rng.uniform(0.00006, 0.0005)))
    out = np.zeros(samples, np.float32)
    for number in range(int(samples / rate / gap_s) + 1):
        at = (number + rng.normal(0, 0.004)) * gap_s
        put(out, sides[number % 2] * np.float32(rng.uniform(0.7, 1)), int(at * rate))
    return out


def crackling(rng: np.random.Generator, split: str, samples: int, rate: int) -> Float32:
    """A fire: bursts of a few milliseconds, of any size, over a rumble and a hiss."""
    per_second = trait(rng, split, 2, 40, logarithmic=True)
    dull = trait(rng, split, 0.0015, 0.03, logarithmic=True)
    pops = []
    for _ in range(24):
        low = np.exp(rng.uniform(np.log(80), np.log(3000)))
        length = max(dull * np.exp(rng.uniform(-0.7, 0.7)), 0.5 / low)
        pop = friction(rng, max(int(6 * length * rate), 64), rate, low, low * rng.uniform(1.5, 6), 0.0)
        pops.append(pop * np.exp(-np.arange(len(pop)) / (length * rate)).astype(np.float32))
    out = np.zeros(samples, np.float32)
    for start in rng.integers(0, samples, int(rng.poisson(per_second * samples / rate))).tolist():
        put(out, pops[int(rng.integers(len(pops)))] * np.float32(10 ** rng.uniform(-1.7, 0)), start)
    for slope, least, most in ((-6.0, -45, -14), (2.0, -55, -25)):
        bed = coloured(rng, samples, rate, slope)
        out += bed * np.float32(10 ** (rng.uniform(least, most) / 20) / np.abs(bed).max())
    return out


def calling(rng: np.random.Generator, split: str, samples: int, rate: int) -> Float32:
    """A dog, cat, cock, bird or infant: voiced calls of one throat, short or long, alone or in rows."""
    pitch_hz = trait(rng, split, 180, 1500, logarithmic=True)
    length_s = trait(rng, split, 0.06, 1.4, logarithmic=True)
    cycle = _cycle(rng, pitch_hz, rate)
    rise, rough = rng.uniform(-0.3, 0.6), rng.uniform(0, 0.7) ** 2
    out = np.zeros(samples, np.float32)
    at = rng.uniform(0, 0.5)
    while at < samples / rate:
        for _ in range(int(rng.integers(1, 6))):
            count = max(int(length_s * rng.uniform(0.7, 1.3) * rate), 64)
            call = _call(rng, cycle, pitch_hz * rng.uniform(0.9, 1.1), rise, rough, count, rate)
            put(out, call * np.float32(rng.uniform(0.5, 1)), int(at * rate))
            at += count / rate + rng.uniform(0.08, 0.6)
        at += rng.uniform(0.2, 3)
    return out


def coughing(rng: np.random.Generator, split: str, samples: int, rate: int) -> Float32:
    """Coughs, sneezes, clearing of throats: a burst of breath with a dying tail, one to four in a row."""
    low, width = trait(rng, split, 100, 1000, logarithmic=True), rng.uniform(2, 12)
    tail_s = trait(rng, split, 0.06, 0.3, logarithmic=True)
    out = np.zeros(samples, np.float32)
    at = rng.uniform(0, 1)
    while at < samples / rate:
        for _ in range(int(rng.integers(1, 5))):
            count = int(5 * tail_s * rng.uniform(0.7, 1.3) * rate)
            time = np.arange(count) / rate
            shape = np.minimum(time / rng.uniform(0.003, 0.03), 1) * np.exp(-time / tail_s)
            breath = friction(rng, count, rate, low, low * width, rng.uniform(0, 0.6))
            put(out, (breath * shape).astype(np.float32) * np.float32(rng.uniform(0.4, 1)), int(at * rate))
            at += count / rate * rng.uniform(0.4, 1) + rng.uniform(0, 0.3)
        at += rng.uniform(0.5, 4)
    return out


def bumping(rng: np.random.Generator, split: str, samples: int, rate: int) -> Float32:
    """The microphone is touched, something soft falls, somebody walks, the wind blows at it: thuds that do not ring."""
    low, width = trait(rng, split, 25, 200, logarithmic=True), rng.uniform(1.5, 8)
    tail_s = trait(rng, split, 0.01, 0.15, logarithmic=True)
    gap_s = trait(rng, split, 0.2, 2.0, logarithmic=True)
    out = np.zeros(samples, np.float32)
    at = rng.uniform(0, gap_s)
    while at < samples / rate:
        tail = tail_s * rng.uniform(0.7, 1.4)
        time = np.arange(max(int(6 * tail * rate), 64)) / rate
        thud = friction(rng, len(time), rate, low, low * width, rng.uniform(0, 0.8))
        shape = np.minimum(time / rng.uniform(0.001, 0.02), 1) * np.exp(-time / tail)
        put(out, (thud * shape).astype(np.float32) * np.float32(10 ** rng.uniform(-0.8, 0)), int(at * rate))
        at += gap_s * (rng.uniform(0.8, 1.2) if rng.random() < 0.7 else rng.uniform(0.2, 3))
    return out


def household_scene(rng: np.random.Generator, split: str, seconds: float, rate: int) -> tuple[Float32, list[Interval]]:
    """A room where such sounds follow each other, near and far; all of it is labelled `OTHER`.

    Args:
        rng: random source.
        split: 'training', 'validation' or 'test': which clocks, throats and fires there are.
        seconds: length.
        rate: sample rate in Hz.

    Returns:
        float32 (samples,) with full scale at 1, and one interval.

    Raises:
        SettingError: there is no such split.
    """
    samples = round(seconds * rate)
    out = ambience(rng, samples, rate, _BEHIND)
    room, at = room_impulse_response(rng, rate), 0
    names = list(KINDS)
    while at < samples:
        length = int(rng.uniform(2, 10) * rate)
        sound = KINDS[names[int(rng.integers(len(names)))]](rng, split, length, rate)
        sound = in_room(sound, room, rng.uniform(0.02, 0.5))[:length]
        # What is quiet is heard with the hiss of the microphone that is turned up for it.
        hiss = coloured(rng, length, rate, rng.uniform(-4, 1))
        sound += hiss * np.float32(10 ** (rng.uniform(-50, -15) / 20) * np.abs(sound).max() / np.abs(hiss).max())
        fade = np.minimum(np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.02 * rate), 1)
        level = 10 ** (rng.uniform(-34, -5) / 20) / (float(np.abs(sound).max()) or 1.0)
        put(out, sound * (level * fade).astype(np.float32), at)
        at += length + int(rng.uniform(0, 1.5) * rate)
    return out, [Interval(start_s=0.0, end_s=seconds, label=OTHER)]


def _cycle(rng: np.random.Generator, pitch_hz: float, rate: int) -> Floats:
    """One cycle of a throat's sound: harmonics under three resonances."""
    order = np.arange(1, max(int(0.4 * rate / pitch_hz), 1) + 1)
    octave = np.log2(order * pitch_hz)
    level = 0.1 * np.ones(order.size)
    for low, high in ((500, 1300), (1300, 2800), (2800, 5500)):
        level += rng.uniform(0.2, 1) * np.exp(-(((octave - np.log2(rng.uniform(low, high))) / 0.3) ** 2))
    level /= order ** rng.uniform(0.2, 1.4)
    angles = 2 * np.pi * order[:, None] * np.linspace(0, 1, 2048, endpoint=False)
    cycle: Floats = level @ np.sin(angles + rng.uniform(0, 6.28, (order.size, 1)))
    return cycle


def _call(
    rng: np.random.Generator, cycle: Floats, pitch_hz: float, rise: float, rough: float, count: int, rate: int
) -> Float32:
    """One call: its pitch goes up (or down) by `rise` and back, `rough` is the share of breath; its peak is 1."""
    position, time = np.linspace(0, 1, count), np.arange(count) / rate
    arch = np.sin(np.pi * position ** rng.uniform(0.5, 1.5))
    trill = 1 + rng.uniform(0, 0.05) * np.sin(2 * np.pi * rng.uniform(4, 12) * time)
    phase = np.cumsum(pitch_hz * (1 + rise * arch) * trill / rate) % 1.0
    breath = rng.standard_normal(count) * np.abs(cycle).max()
    voice = (1 - rough) * cycle[(phase * 2048).astype(np.int64)] + rough * breath
    opened = np.minimum(time / rng.uniform(0.004, 0.05), 1) * np.minimum((1 - position) / rng.uniform(0.1, 0.6), 1)
    call = voice * opened
    unit: Float32 = (call / (np.abs(call).max() or 1.0)).astype(np.float32)
    return unit


KINDS: Mapping[str, Callable[[np.random.Generator, str, int, int], Float32]] = MappingProxyType(
    {"ticking": ticking, "crackling": crackling, "calling": calling, "coughing": coughing, "bumping": bumping}
)
"""Generators by name: (random source, split, samples, sample rate) -> float32 (samples,), its peak near 1."""
