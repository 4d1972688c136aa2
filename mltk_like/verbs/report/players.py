"""Sounds of a page, read from the files that were judged, as long as they are there; their number is bounded."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.wav import read_stretch
from mltk_like.errors import DataError
from mltk_like.paths import cache_dir, resolved, unportable
from mltk_like.verbs.shared.page import Html, audio

LIMIT = 40
LONGEST_S = 4.0


class Players:
    """Makes players until there are `LIMIT` of them; each file and time has one.

    Args:
        sample_rate_hz: of what is played.
        anywhere: files may lie anywhere; else only in the cache and below the working folder, so that an archive from
            elsewhere cannot put the user's other recordings into a page that is passed on.
    """

    def __init__(self, sample_rate_hz: int, *, anywhere: bool) -> None:
        self._rate = sample_rate_hz
        self._anywhere = anywhere
        self.made = 0

    def player(self, file: str, start_s: float, end_s: float, *, name: str) -> Html | str:
        """A player of a stretch of a file, at most `LONGEST_S` long; where there is none, why.

        Args:
            file: as `paths.portable` stores it.
            start_s, end_s: in the file.
            name: read out by screen readers.
        """
        if self.made >= LIMIT:
            return f"no player: the page has {LIMIT}"
        path = unportable(file)
        if not self._may_read(path):
            return "no player: neither in the cache nor in this folder"
        if not path.is_file():
            return "no player: the file is not here"
        start_s = max(start_s, 0.0)
        samples = _read(path, start_s, min(max(end_s - start_s, 0.1), LONGEST_S), self._rate)
        if not len(samples):
            return "no player: the file cannot be read there"
        self.made += 1
        return audio(samples, self._rate, name=name)

    def _may_read(self, path: Path) -> bool:
        try:
            real = resolved(path)
        except (OSError, RuntimeError, ValueError):
            return False
        return self._anywhere or any(real.is_relative_to(resolved(base)) for base in (cache_dir(), Path.cwd()))


def _read(path: Path, start_s: float, seconds: float, rate: int) -> NDArray[np.int16]:
    """A stretch of a file of any length, without what stands before it; empty where it cannot be read."""
    try:
        return read_stretch(path, start_s, seconds, rate)
    except (DataError, ValueError, OverflowError):
        return np.zeros(0, np.int16)
