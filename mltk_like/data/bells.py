"""Hours of rooms in which a bell rings now and then, with the labels of an Audacity file."""

from collections.abc import Sequence

import numpy as np

from mltk_like.data.labels import Interval
from mltk_like.data.rooms import room_impulse_response
from mltk_like.data.sounds import KINDS, coloured
from mltk_like.data.struck import Float32, in_room, put, ring, trait

LABEL = "bell"

# From one bell to the next, and how much of a bell is labelled: as in the recordings of the TinyML page.
_EVERY_S, _JITTER_S, _LABELLED_S = 45.288, 6.0, 1.0
# One bell, a brass cup on a wall: modes (Rossing and Fletcher, 21.11, for small cups) and their decay.
_BASE_HZ, _T60_S = 740.0, 1.3
_RATIOS = np.array([1.0, 2.28, 3.94, 5.92, 8.1])


def bell_scene(rng: np.random.Generator, split: str, seconds: float, rate: int) -> tuple[Float32, list[Interval]]:
    """A recording of one place where the bell is heard about every 45 s, through that place's ambience.

    It is always the same bell, as on the page; hammer, damping, distance and echo differ from place to place.

    Args:
        rng: random source.
        split: which strikes and places may be in it; see `struck.trait`.
        seconds: length.
        rate: sample rate in Hz.

    Returns:
        float32 (samples,) with full scale at 1, and the first second of each bell as an interval.
    """
    samples = round(seconds * rate)
    out = ambience(rng, samples, rate)
    bell = in_room(_bell(rng, split, rate), room_impulse_response(rng, rate), trait(rng, split, 0.1, 0.7))
    level_db = trait(rng, split, -26, -10)
    intervals = []
    at = rng.uniform(3.0, _EVERY_S)
    while at < seconds - _LABELLED_S:
        put(out, np.float32(10 ** ((level_db + rng.uniform(-3, 3)) / 20)) * bell, round(at * rate))
        intervals.append(Interval(start_s=at, end_s=at + _LABELLED_S, label=LABEL))
        at += _EVERY_S + rng.uniform(-_JITTER_S, _JITTER_S)
    return out, intervals


def ambience(rng: np.random.Generator, samples: int, rate: int, kinds: Sequence[str] = tuple(KINDS)) -> Float32:
    """What a room sounds like: a steady floor, and other sounds that come and go, music and beeps among them.

    Args:
        rng: random source.
        samples: length.
        rate: sample rate in Hz.
        kinds: those of `sounds.KINDS` that may come.

    Returns:
        float32 (samples,), the floor at -70 to -50 dB of full scale, the others up to 35 dB above it.
    """
    floor_db = rng.uniform(-70, -50)
    out = _levelled(coloured(rng, samples, rate, rng.uniform(-6, 0)), floor_db)
    at = 0
    while at < samples:
        length = int(rng.uniform(4, 20) * rate)
        if rng.random() < 0.7:
            name = kinds[int(rng.integers(len(kinds)))]
            sound = _levelled(KINDS[name](rng, length, rate), min(floor_db + rng.uniform(5, 35), -30))
            fade = np.minimum(np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.5 * rate), 1)
            put(out, sound * fade.astype(np.float32), at)
        at += length
    return out


def _bell(rng: np.random.Generator, split: str, rate: int) -> Float32:
    """The bell as it is heard in one place: struck by a harder or softer hammer, somewhere on its rim, warm or cold.

    Each mode is a pair that beats, for no cup is quite round.
    """
    freqs = _BASE_HZ * _RATIOS * (1 + rng.uniform(-0.003, 0.003))
    t60 = _T60_S * trait(rng, split, 0.75, 1.33, logarithmic=True) / _RATIOS**0.4
    levels = rng.uniform(0.5, 1.0, len(_RATIOS)) / _RATIOS ** trait(rng, split, 0.2, 1.2)
    return ring(
        rate,
        np.concatenate([freqs, freqs * 1.0017]),
        np.concatenate([t60, t60]),
        np.concatenate([levels, levels * rng.uniform(0.2, 0.8)]),
        contact_s=trait(rng, split, 0.0002, 0.001, logarithmic=True),
    )


def _levelled(sound: Float32, dbfs: float) -> Float32:
    """At an RMS of `dbfs`."""
    rms = float(np.sqrt(np.mean(np.square(sound), dtype=np.float64)))
    return sound * np.float32(10 ** (dbfs / 20) / max(rms, 1e-9))
