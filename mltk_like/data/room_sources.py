"""Rooms as sources: simulated with pyroomacoustics, or recorded impulse responses in a folder.

A model whose `sources()` has one of them is trained in these rooms; one without, in those of `rooms.py`, which need no
further package.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mltk_like.audio.wav import write_wav
from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip
from mltk_like.data.recordings import Folder, GroupRule
from mltk_like.data.rooms import draw_room
from mltk_like.data.source import ROOM_LABEL, Inventory
from mltk_like.errors import SettingError, ToolError
from mltk_like.paths import cache_dir

# Part of the cache's key: raise it with every change to what is made.
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class SimulatedRooms:
    """Impulse responses of shoebox rooms by the image-source method of pyroomacoustics, each a group of its own.

    Every reflection is followed until the sound has decayed (orders of 15 to 80), with the air's absorption
    (Scheibler, Bezzam and Dokmanic, "Pyroomacoustics", ICASSP 2018). Room i depends on seed, i and rate alone.

    Attributes:
        count: number of rooms.
        seed: another seed gives other rooms.
        sample_rate_hz: in Hz.
        label: `_room_`.
        split: fixes all rooms to one split; empty lets the splitter decide.
        licence: CC0-1.0, for nobody's recording is in it.
        name: in tables and manifest.
    """

    count: int = 200
    seed: int = 0
    sample_rate_hz: int = 16000
    label: str = ROOM_LABEL
    split: str = ""
    licence: str = "CC0-1.0"
    name: str = "simulated rooms"

    def __post_init__(self) -> None:
        if self.count < 1:
            raise SettingError(f"count={self.count} of rooms is not a positive number")

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> list[Clip]:
        """The rooms; those that are not in the cache are simulated.

        Args:
            limit: only the first so many.
            workers: not used: a room takes 0.02 to 0.8 s.
            progress: show a progress bar when rooms must be made.

        Raises:
            ToolError: rooms must be made, and pyroomacoustics is not installed.
            DataError: the cache cannot be written.
        """
        clips = self._clips()[:limit]
        self.remake({clip.path for clip in clips}, progress=progress)
        return clips

    def remake(self, paths: Collection[Path], *, progress: bool = True) -> None:
        """Make those of its rooms that belong at `paths` and are missing there. Raises ToolError, DataError."""
        from tqdm.auto import tqdm

        clips = enumerate(self._clips())
        missing = [(number, clip.path) for number, clip in clips if clip.path in paths and not clip.path.exists()]
        for number, path in tqdm(missing, desc=self.name, unit="room", disable=not (missing and progress), leave=False):
            self._make(number, path)

    def inventory(self) -> Inventory:
        """The rooms that are in the cache."""
        there = [clip for clip in self._clips() if clip.path.exists()]
        return Inventory(clips=there, missing=self.count - len(there), licence=self.licence)

    def _clips(self) -> list[Clip]:
        key = hashlib.sha256(repr((_VERSION, self.seed, self.sample_rate_hz)).encode()).hexdigest()[:12]
        folder = cache_dir() / "rooms" / key
        return [
            Clip(
                path=folder / f"{number:05}.wav", label=self.label, group=f"rooms/{self.seed}-{number}",
                source=self.name, licence=self.licence, split=self.split,
            )
            for number in range(self.count)
        ]  # fmt: skip

    def _make(self, number: int, path: Path) -> None:
        try:
            import pyroomacoustics
        except ModuleNotFoundError as error:
            raise ToolError("pyroomacoustics is not installed", "pip install 'mltk_like[rooms]'") from error
        rng = np.random.default_rng((self.seed, number))
        while True:
            size, t60, source, microphone = draw_room(rng)
            try:
                absorption, order = pyroomacoustics.inverse_sabine(t60, size)
                break
            except ValueError:  # No wall swallows so much: another room.
                continue
        room = pyroomacoustics.ShoeBox(
            size, fs=self.sample_rate_hz, materials=pyroomacoustics.Material(absorption), max_order=order,
            air_absorption=True,
        )  # fmt: skip
        room.add_source(source)
        room.add_microphone(microphone)
        room.compute_rir()
        response = room.rir[0][0]
        write_wav(path, response * (0.95 / np.abs(response).max()), self.sample_rate_hz)


def simulated_rooms(count: int = 200, *, seed: int = 0) -> SimulatedRooms:
    """A source of rooms by the image-source method; needs `pip install 'mltk_like[rooms]'`.

    Args:
        count: number of rooms.
        seed: another seed gives other rooms.
    """
    return SimulatedRooms(count=count, seed=seed)


def impulse_responses(
    path: Path | str, *, group: GroupRule = "stem", licence: str = "", name: str = "impulse responses"
) -> Folder:
    """A source of recorded rooms: a folder with one impulse response in each file.

    Args:
        path: the folder; sub-folders count.
        group: which files are of one room; see `Folder`.
        licence: SPDX name or a short text.
        name: in tables and manifest.
    """
    return Folder(path=path, label=ROOM_LABEL, group=group, min_duration_s=0.001, licence=licence, name=name)
