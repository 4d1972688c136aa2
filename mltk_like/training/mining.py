"""Negatives that the model itself chooses: what it takes for a keyword in the unknown clips that it is trained on.

An hour of speech holds thousands of windows that no detector confuses with the word and a few that it does, and the
few decide how often it fires. Drawn at random they are hardly ever seen (hard negative mining: K. Sung, T. Poggio,
"Example-based learning for view-based human face detection", IEEE PAMI 20, 1998).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.frontend import AnySettings
from mltk_like.evaluation.streams import LEAD_S, Int16, Scorer, StreamScorer, quiet_room
from mltk_like.feed.mined import Mined
from mltk_like.feed.store import ClipStore

HOP_MS = 200
"""Time between two windows that are listened to."""

_TRAIL = 0.5  # of a window after each clip: a word at its end is heard in the middle of a window
_APART = 0.25  # of a window between two that are kept of one clip
_PER_CLIP = 4
_LEAST = 5  # of 255: what scores less is told apart already
_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True)
class Mining:
    """What a round of mining found.

    Attributes:
        mined: the windows, the most mistaken first.
        hours: of clips that were listened to.
        heard: number of windows.
        alarms: windows that scored more than half.
    """

    mined: Mined
    hours: float
    heard: int
    alarms: int


def mine_clips(
    score: Scorer,
    settings: AnySettings,
    store: ClipStore,
    clips: NDArray[np.int64],
    detected: NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    hours: float,
    keep: int,
    progress: bool = True,
) -> Mining:
    """Listen to clips without a keyword, in a quiet room, and keep the windows that score highest.

    Args:
        score: the net, windows int8 (n, time, bands) -> uint8 (n, classes).
        settings: front end.
        store: the split's clips.
        clips: indices of those without a keyword; so many of them as last `hours`, in an order drawn by `rng`.
        detected: (classes,): which are keywords.
        rng: chance.
        hours: of sound to listen to at most.
        keep: at most so many windows.
        progress: show a bar.
    """
    rate = settings.sample_rate_hz
    listener = StreamScorer(settings, HOP_MS, score)
    order = rng.permutation(clips)
    lengths = store.lengths[order]
    order = order[: int(np.searchsorted(np.cumsum(lengths), hours * 3600 * rate)) + 1]
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]] = []
    heard = alarms = samples = 0
    for group in _groups(order, progress):
        streams = listener.clips(_in_room(store[int(clip)], settings) for clip in group)
        for clip, stream in zip(group, streams, strict=True):
            length = len(store[int(clip)])
            highest = stream.scores[:, detected].max(axis=1)
            ends = stream.times_ms * rate // 1000 - round(LEAD_S * rate)
            heard, samples = heard + len(ends), samples + length
            alarms += int(np.count_nonzero(highest > 127))
            kept = _highest(highest, ends, int(_APART * settings.sample_length))
            parts.append((np.full(len(kept), clip, np.int64), ends[kept], highest[kept]))
    return Mining(mined=_worst(parts, keep), hours=samples / rate / 3600, heard=heard, alarms=alarms)


def _groups(order: NDArray[np.int64], progress: bool) -> Iterator[NDArray[np.int64]]:
    from tqdm.auto import tqdm

    with tqdm(total=len(order), desc="mining", unit="clip", disable=not progress, leave=False) as bar:
        for first in range(0, len(order), _AT_ONCE):
            group = order[first : first + _AT_ONCE]
            yield group
            bar.update(len(group))


def _in_room(clip: Int16, settings: AnySettings) -> Int16:
    rate = settings.sample_rate_hz
    rng = np.random.default_rng(0)
    trail = _TRAIL * settings.sample_length / rate
    return np.concatenate([quiet_room(rng, LEAD_S, rate), clip, quiet_room(rng, trail, rate)])


def _highest(scores: NDArray[np.uint8], ends: NDArray[np.int64], apart: int) -> list[int]:
    """The highest scores of a clip that are `apart` samples from each other."""
    kept: list[int] = []
    for at in np.argsort(-scores.astype(np.int64), kind="stable"):
        if scores[at] < _LEAST or len(kept) == _PER_CLIP:
            break
        if all(abs(int(ends[at] - ends[other])) >= apart for other in kept):
            kept.append(int(at))
    return kept


def _worst(parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]], keep: int) -> Mined:
    nothing = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8))
    clips, ends, scores = (np.concatenate(column) for column in zip(nothing, *parts, strict=True))
    worst = np.argsort(-scores.astype(np.int64), kind="stable")[:keep]
    return Mined(clips=clips[worst], ends=ends[worst], scores=scores[worst].astype(np.float32) / np.float32(255))
