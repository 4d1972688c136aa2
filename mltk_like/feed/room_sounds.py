"""The noise and rooms of a split, as the windows of its clips are surrounded by them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mltk_like.data.noise_bank import NoiseBank
from mltk_like.feed.scene import Samples
from mltk_like.feed.store import ClipStore

_INAUDIBLE = 1e-4


def _audible(room: Samples) -> Samples:
    """A room without the end of its tail that holds less than a ten thousandth of its energy, for the time it takes."""
    left = np.cumsum(np.square(room[::-1], dtype=np.float64))[::-1]
    return room[: max(int(np.count_nonzero(left > _INAUDIBLE * left[0])), 1)] if len(room) else room


def open_noise_bank(
    *, ambience: Path | None, microphone: Path | None, babble: Path | None, rooms: Path | None
) -> NoiseBank:
    """Noise and rooms out of their stores, memory-mapped; None: there are none of the kind."""
    return NoiseBank(
        ambience=_recordings(ambience),
        microphone=_recordings(microphone),
        babble=_recordings(babble),
        rooms=_rooms(rooms),
    )


def _recordings(path: Path | None) -> list[NDArray[np.int16]]:
    if path is None:
        return []
    store = ClipStore(path)
    return [np.asarray(store[index]) for index in range(len(store))]


def _rooms(path: Path | None) -> list[Samples]:
    if path is None:
        return []
    with np.load(path) as archive:
        return [_audible(archive[name]) for name in archive.files]
