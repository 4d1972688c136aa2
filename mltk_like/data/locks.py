"""Recordings of a door: knocks, keys that go in and out of the lock, bolts that move, and all else that is heard there.

The microphone is mounted beside the lock, as on SensiML's smart lock page: near, dry, and shaken by the door itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from mltk_like.data.bells import ambience
from mltk_like.data.labels import Interval
from mltk_like.data.rooms import room_impulse_response
from mltk_like.data.sounds import KINDS, coloured
from mltk_like.data.struck import Float32, Floats, friction, in_room, plate_modes, put, ring, trait

SECONDS = 40.0
SEGMENT_S = 0.5
"""Labelled around each event: 8,000 samples, as on the page."""
OTHER = "unknown"
"""Label of recordings without events, and of the pauses between events."""
EVENTS = 40
"""In one recording, about."""

_SCENE = Callable[[np.random.Generator, str, float, int], tuple[Float32, list[Interval]]]


@dataclass(frozen=True, kw_only=True)
class _Door:
    """What stays the same throughout a recording: one door, its lock, its key, its room."""

    panel_hz: Floats
    panel_t60: Floats
    knuckle_s: float
    case_hz: Floats
    case_t60: float
    throw_s: float
    pin_hz: Floats
    pin_t60: float
    pins: int
    room: Float32
    echo: float


def _door(rng: np.random.Generator, split: str, rate: int) -> _Door:
    low = plate_modes(trait(rng, split, 0.7, 1.0), 2.0, trait(rng, split, 5.0, 16.0, logarithmic=True), 36)
    # Above some hundred Hz modes are too dense to be told apart, and a few of them stand for all.
    panel = np.concatenate([low, np.geomspace(low[-1], trait(rng, split, 1500, 4000), 24)])
    damping = trait(rng, split, 0.12, 0.4, logarithmic=True)
    case = trait(rng, split, 220, 700, logarithmic=True)
    pin = trait(rng, split, 2200, 4200, logarithmic=True)
    return _Door(
        panel_hz=panel * (1 + rng.normal(0, 0.02, len(panel))),
        panel_t60=damping / (panel / panel[0]) ** 0.25,
        knuckle_s=trait(rng, split, 0.0007, 0.003, logarithmic=True),
        case_hz=case * np.array([1.0, 1.73, 2.31, 3.42, 5.1, 7.6]) * (1 + rng.normal(0, 0.05, 6)),
        case_t60=trait(rng, split, 0.03, 0.14, logarithmic=True),
        throw_s=trait(rng, split, 0.05, 0.2),
        pin_hz=pin * np.array([1.0, 1.31, 1.62, 1.86]) * (1 + rng.normal(0, 0.04, 4)),
        pin_t60=trait(rng, split, 0.006, 0.03, logarithmic=True),
        pins=int(rng.integers(5, 8)),
        room=room_impulse_response(rng, rate),
        echo=rng.uniform(0.02, 0.3),
    )


def _knocks(rng: np.random.Generator, door: _Door, rate: int) -> Float32:
    """One to three knocks within half a second: a knuckle on the panel, each a little elsewhere."""
    out = np.zeros(int(SEGMENT_S * rate), np.float32)
    gap = rng.uniform(0.11, 0.22)
    for number in range(int(rng.integers(1, 4))):
        # Where the panel is struck says how much of each mode is heard.
        place = np.abs(np.sin(np.pi * rng.uniform(0.2, 0.8) * np.arange(1, len(door.panel_hz) + 1)))
        knock = ring(
            rate, door.panel_hz, door.panel_t60, place + 0.05, contact_s=door.knuckle_s * rng.uniform(0.8, 1.25)
        )
        put(out, knock * np.float32(rng.uniform(0.5, 1.0)), int(number * gap * rng.uniform(0.93, 1.07) * rate))
    return out


def _key(rng: np.random.Generator, door: _Door, rate: int) -> Float32:
    """A key over the pins: a click for each, over the rub of brass, and its shoulder against the lock, or a jingle."""
    length = rng.uniform(0.16, 0.38)
    out = np.zeros(int(SEGMENT_S * rate), np.float32)
    inserted = rng.random() < 0.5
    steps = np.sort(rng.uniform(0.05, 0.95, door.pins)) * 0.35 + np.linspace(0.05, 0.6, door.pins)
    for at in steps if inserted else 1 - steps[::-1]:
        click = ring(rate, door.pin_hz, np.full(4, door.pin_t60), rng.uniform(0.2, 1, 4), contact_s=0.0001)
        put(out, click * np.float32(rng.uniform(0.25, 1.0)), int(at * length * rate))
    rub = friction(rng, int(length * rate), rate, 1800, 7000, rng.uniform(0.3, 0.9))
    put(out, rub * np.hanning(len(rub)).astype(np.float32) * np.float32(rng.uniform(0.1, 0.4)), 0)
    if inserted:
        stop = ring(rate, [*door.pin_hz, *door.case_hz[2:]], 0.03, rng.uniform(0.3, 1, 8), contact_s=0.0003)
        put(out, stop * np.float32(rng.uniform(0.5, 1.0)), int(length * rate))
    for _ in range(int(rng.integers(0, 5))):
        jingle = ring(rate, rng.uniform(3000, 7000, 3), rng.uniform(0.02, 0.1), [1, 0.7, 0.5], contact_s=0.0001)
        put(out, jingle * np.float32(rng.uniform(0.05, 0.3)), int(rng.uniform(0, 0.42) * rate))
    return out


def _bolt(rng: np.random.Generator, door: _Door, rate: int) -> Float32:
    """A bolt that is thrown: the cam clicks, steel slides, and the bolt hits its end, which the whole panel hears."""
    out = np.zeros(int(SEGMENT_S * rate), np.float32)
    strong = rng.uniform(0.3, 1, len(door.case_hz))
    cam = ring(rate, door.case_hz * 1.4, door.case_t60 * 0.5, strong, contact_s=0.0003)
    put(out, cam * np.float32(rng.uniform(0.2, 0.6)), 0)
    throw = door.throw_s * rng.uniform(0.8, 1.3)
    slide = friction(rng, int(throw * rate), rate, 500, 3500, rng.uniform(0.2, 0.8))
    put(out, slide * np.linspace(0.3, 1, len(slide), dtype=np.float32) * np.float32(rng.uniform(0.1, 0.35)), 0)
    stop = ring(rate, door.case_hz, door.case_t60, strong, contact_s=0.0006)
    panel = ring(rate, door.panel_hz, door.panel_t60, np.ones(len(door.panel_hz)), contact_s=0.0012)
    put(out, stop, int(throw * rate))
    put(out, panel * np.float32(rng.uniform(0.15, 0.6)), int(throw * rate))
    if rng.random() < 0.4:
        put(out, stop * np.float32(rng.uniform(0.1, 0.4)), int((throw + rng.uniform(0.02, 0.06)) * rate))
    return out


def _events(label: str, event: Callable[[np.random.Generator, _Door, int], Float32]) -> _SCENE:
    """A scene of one door where one thing happens again and again, with pauses of a third of a second or more."""

    def scene(rng: np.random.Generator, split: str, seconds: float, rate: int) -> tuple[Float32, list[Interval]]:
        door = _door(rng, split, rate)
        out = _floor(rng, round(seconds * rate), rate)
        intervals: list[Interval] = []
        loud_db = rng.uniform(-22, -8)
        at = 0.3
        while at < seconds - 2 * SEGMENT_S:
            dry = event(rng, door, rate)
            sound = in_room(dry, door.room, door.echo)
            put(out, sound * np.float32(10 ** ((loud_db + rng.uniform(-8, 4)) / 20)), round(at * rate))
            # In the middle, so that the event is in each of the shorter windows that are cut out of the segment.
            lasts = (np.flatnonzero(np.abs(dry) > 0.05)[-1] + 1) / rate
            start = at - max((SEGMENT_S - lasts) / 2 + rng.uniform(-0.02, 0.02), 0.01)
            if intervals and start > intervals[-1].end_s:
                intervals.append(Interval(start_s=intervals[-1].end_s, end_s=start, label=OTHER))
            intervals.append(Interval(start_s=start, end_s=start + SEGMENT_S, label=label))
            at += (seconds - 1.5) / EVENTS * rng.uniform(0.9, 1.1)
        return out, intervals

    return scene


def _others(rng: np.random.Generator, split: str, seconds: float, rate: int) -> tuple[Float32, list[Interval]]:
    """Everything else: rooms and streets, and sounds as loud as those at the door; labelled as a whole.

    Struck wood elsewhere is not among it: who knocks there knocks.
    """
    samples = round(seconds * rate)
    names = [name for name in KINDS if name != "impacts"]
    out = ambience(rng, samples, rate, names) if rng.random() < 0.7 else _floor(rng, samples, rate)
    for _ in range(int(rng.integers(3, 8))):
        sound = KINDS[names[int(rng.integers(len(names)))]](rng, int(rng.uniform(1, 8) * rate), rate)
        peak = float(np.abs(sound).max()) or 1.0
        put(out, sound * np.float32(10 ** (rng.uniform(-30, -8) / 20) / peak), int(rng.integers(samples)))
    return out, [Interval(start_s=0.0, end_s=seconds, label=OTHER)]


def _floor(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """The microphone and a quiet hall."""
    noise = coloured(rng, samples, rate, rng.uniform(-6, 0))
    rms = float(np.sqrt(np.mean(np.square(noise), dtype=np.float64)))
    return noise * np.float32(10 ** (rng.uniform(-72, -56) / 20) / rms)


SCENES: Mapping[str, _SCENE] = MappingProxyType(
    {
        "key_io": _events("key_io", _key),
        "knocking": _events("knocking", _knocks),
        "locking": _events("locking", _bolt),
        "unknown": _others,
    }
)
"""A scene for each label of the smart lock."""
