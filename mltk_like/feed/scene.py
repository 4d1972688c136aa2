"""Where clips stand in the stretch of sound that becomes one window: warm-up first, then the window itself."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltk_like.feed.plan import Kind

Samples = NDArray[np.float32]

_FRAME = 160
# Of a keyword cut short, so much is in the window: too little to be called the word.
_CROPPED_SHARE = (0.2, 0.5)
# A keyword may lack so much at its start and at its end: slow ones must score in several windows in a row, as the
# recogniser averages over them.
_KEYWORD_SLACK = (0.15, 0.08)
_PAUSE_S = (0.05, 0.4)
_MINED_JITTER_S = 0.1
_EXCERPT_S = (0.35, 1.0)
_EXCERPT_REACH_S = 0.12


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Lengths in samples, how often other speech stands beside the clip, and where keywords end.

    Attributes:
        keyword_end: least and most samples from a keyword's end to the window's; None: anywhere.
    """

    warm_up: int
    window: int
    sample_rate_hz: int
    lead_in_fraction: float
    keyword_end: tuple[int, int] | None = None

    @property
    def length(self) -> int:
        """Samples of warm-up and window together."""
        return self.warm_up + self.window


def trim_silence(samples: Samples, *, below_peak_db: float = 35.0) -> Samples:
    """Cut what is quieter than the loudest 10 ms by `below_peak_db` off both ends; silence stays whole."""
    frames = len(samples) // _FRAME
    if frames < 2:
        return samples
    power = np.square(samples[: frames * _FRAME].reshape(frames, _FRAME)).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-below_peak_db / 10))
    if len(loud) == 0:
        return samples
    return samples[loud[0] * _FRAME : min((loud[-1] + 2) * _FRAME, len(samples))]


def compose(
    stage: Stage,
    kind: Kind,
    is_keyword: bool,
    clip: Samples,
    other: Callable[[bool], Samples | None],
    rng: np.random.Generator,
) -> Samples:
    """Put a clip on the stage: float32 (stage.length,).

    A keyword stands inside the window at a random place, but for a little slack at its ends, or where the stage has its
    end. A
    keyword cut short shows its beginning at the window's end or its end at the window's start, as a stream does. Other
    speech may be cut at the edges, and long speech covers the window. What was mined stands where the model heard it.

    Args:
        stage: lengths.
        kind: what the window shows.
        is_keyword: whether the clip is of a class to be detected.
        clip: float32 (samples,).
        other: gives another clip of unknown speech, or None when there is none; told whether it is to stand before.
        rng: chance.
    """
    scene = np.zeros(stage.length, dtype=np.float32)
    if kind is Kind.SILENCE:
        return scene
    start = _start(stage, kind, is_keyword, len(clip), rng)
    _put(scene, clip, start)
    if kind is Kind.MINED:
        return scene
    _put_neighbours(stage, scene, start, start + len(clip), other, rng)
    return scene


def cut_out(stage: Stage, clip: NDArray[np.int16], start: int) -> Samples:
    """The window that begins at sample `start` of a clip, and what is before it there: float32 (stage.length,).

    Args:
        stage: lengths.
        clip: int16 (samples,), at least `start + stage.window` of them; zeros stand for what is before its first.
        start: first sample of the window.
    """
    scene = np.zeros(stage.length, dtype=np.float32)
    first = max(start - stage.warm_up, 0)
    heard = clip[first : start + stage.window]
    scene[stage.length - len(heard) :] = heard * np.float32(1 / 32768)
    return scene


def cut_part(clip: NDArray[np.int16], length: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """A random stretch of `length` samples, int16; a clip that is no longer comes back whole."""
    if len(clip) <= length:
        return clip
    start = int(rng.integers(len(clip) - length + 1))
    return clip[start : start + length]


def cut_excerpt(clip: NDArray[np.int16], rate: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """A stretch of a clip that is as long as a word and begins and ends where the clip is soft: int16 (samples,).

    Keywords are said alone, and most recordings of other speech are sentences: without such stretches a net learns that
    any short sound between two silences is the word.

    Args:
        clip: int16 (samples,); one that is shorter than the stretch comes back whole.
        rate: samples a second.
        rng: chance.
    """
    frame = rate // 100
    length = int(rng.uniform(*_EXCERPT_S) * 100)
    reach = int(_EXCERPT_REACH_S * 100)
    frames = len(clip) // frame
    if frames <= length + 2:
        return clip
    power = np.square(clip[: frames * frame].reshape(frames, frame).astype(np.float32)).mean(axis=1)
    start = _softest(power, int(rng.integers(0, frames - length)), reach)
    stop = max(_softest(power, min(start + length, frames - 1), reach), start + length // 2)
    cut = clip[start * frame : stop * frame].astype(np.float32)
    fade = np.linspace(0, 1, min(frame, len(cut)), dtype=np.float32)
    cut[: len(fade)] *= fade
    cut[len(cut) - len(fade) :] *= fade[::-1]
    return cut.astype(np.int16)


def _softest(power: NDArray[np.float32], at: int, reach: int) -> int:
    first = max(at - reach, 0)
    return first + int(power[first : at + reach + 1].argmin())


def cut_mined(stage: Stage, clip: NDArray[np.int16], end: int) -> NDArray[np.int16]:
    """The stretch of a clip that a stage heard which ended at sample `end`: int16 (samples,), at most the stage's.

    What lies beyond the clip's own end is zeros, so that the stretch ends where the window did.
    """
    heard = clip[max(end - stage.length, 0) : end]
    return np.concatenate([heard, np.zeros(max(end - len(clip), 0), np.int16)])


def _start(stage: Stage, kind: Kind, is_keyword: bool, length: int, rng: np.random.Generator) -> int:
    """First sample of the clip on the stage; it may lie outside."""
    if kind is Kind.CROPPED:
        shown = max(int(rng.uniform(*_CROPPED_SHARE) * length), 1)
        return stage.length - shown if rng.random() < 0.5 else stage.warm_up + shown - length
    if kind is Kind.MINED:
        # Where the model heard it, but for a little: it must not learn the place instead.
        return stage.length - length + int(rng.uniform(-_MINED_JITTER_S, _MINED_JITTER_S) * stage.sample_rate_hz)
    if is_keyword and stage.keyword_end is not None:
        return stage.length - length - int(rng.integers(stage.keyword_end[0], stage.keyword_end[1] + 1))
    if is_keyword:
        early, late = (int(share * length) for share in _KEYWORD_SLACK)
        free = stage.window - length
        # A word that is longer than the window ends with it.
        return stage.warm_up + (int(rng.integers(-early, free + late + 1)) if free >= 0 else free)
    if length > stage.window:
        return stage.warm_up + int(rng.integers(stage.window - length, 1))
    half = length // 2
    return int(rng.integers(stage.warm_up - half, stage.length - half))


def _put_neighbours(
    stage: Stage,
    scene: Samples,
    start: int,
    stop: int,
    other: Callable[[bool], Samples | None],
    rng: np.random.Generator,
) -> None:
    """Other speech before and after, with a pause, each with the chance `lead_in_fraction`."""
    for before in (True, False):
        if rng.random() >= stage.lead_in_fraction:
            continue
        neighbour = other(before)
        if neighbour is None:
            continue
        pause = int(rng.uniform(*_PAUSE_S) * stage.sample_rate_hz)
        _put(scene, neighbour, start - pause - len(neighbour) if before else stop + pause)


def _put(scene: Samples, clip: Samples, start: int) -> None:
    """Add what fits of the clip."""
    first, last = max(start, 0), min(start + len(clip), len(scene))
    if first < last:
        scene[first:last] += clip[first - start : last - start]
