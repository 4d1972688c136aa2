"""Recordings of the user's own, added to any model: my voice, my room, what the last model heard wrongly."""

import hashlib
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from mltk_like.audio.wav import duration_s
from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip
from mltk_like.data.recordings import Folder
from mltk_like.data.skipped import Clips
from mltk_like.data.source import Inventory
from mltk_like.data.split import first_spread
from mltk_like.errors import DataError
from mltk_like.paths import atomic_path, cache_dir

OWN_WEIGHT = 4.0
"""How much more often an own recording is drawn than a clip of the model's own sources.

50 recordings beside 2,000 synthetic clips are 2 % of what is heard: too little to be learned. Drawn four times as often
they are 9 %. Each time they are augmented anew, and the rest of the voices keep nine tenths of the training.
"""
A_THIRD = 1e6
"""The weight that stands for as often as `restrained` lets them: a third of what is heard of their label."""
# From this length on a clip is drawn more often (`feed.plan`).
_PLAN_S = 1.5
# With fewer recordings than splits, the one that was given to be learned from could end in the test.
_SPLIT_FROM_GROUPS = 3


@dataclass(frozen=True, kw_only=True)
class OwnRecordings:
    """A recording, or a folder of them, copied into the cache, so that a run goes on without the folder it came from.

    All files of a sub-folder are one group (one person, one evening), and every other file is a group of its own. With
    fewer than three groups all of it is for training. The folder is read once: what was checked is what is collected.

    Attributes:
        path: an audio file, or a folder with such files of any length; `~` is expanded.
        label: of all of them.
        weight: how much more often each is drawn than other clips.
        window_s: cut into stretches of two windows, one window apart, so that whatever fits into a window is whole in
            one of them; 0: not cut, one clip a file.
        name: in tables and manifest.
    """

    path: Path | str
    label: str
    weight: float = OWN_WEIGHT
    window_s: float = 0.0
    name: str = "own recordings"

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> Clips:
        """The clips, their files copied into the cache where that was not done before, and what cannot be used.

        Args:
            limit: only the first so many, groups taking turns.
            workers, progress: not used.

        Raises:
            DataError: there is no such file or folder, or nothing usable in it; or the cache cannot be written.
        """
        copies: dict[Path, Clip] = {}
        for clip in first_spread(self._recordings, limit):
            # A recording that is there twice must not be in two splits: it is one clip, of the first group that has it.
            copies.setdefault(_kept(clip.path), clip)
        clips = [self._copied(clip, copy) for copy, clip in copies.items()]
        split = "training" if len({clip.group for clip in clips}) < _SPLIT_FROM_GROUPS else ""
        cut = [piece for clip in clips for piece in self._cut(replace(clip, split=split))]
        return Clips(first_spread(cut, limit), self._recordings.skipped)

    def inventory(self) -> Inventory:
        """The recordings where they are, not cut. Raises DataError as `collect`."""
        return Inventory(clips=self._recordings)

    @cached_property
    def _recordings(self) -> Clips:
        """One visit to the folder, and one warning about what is wrong in it, for all who ask."""
        given = Path(self.path).expanduser()
        if not given.exists():
            raise DataError(f"there is no {given}", f"check the path of the {self.name}")
        root = given if given.is_dir() else given.parent
        pattern = "**/*" if given.is_dir() else _escaped(given.name)
        found = Folder(path=root, label=self.label, pattern=pattern, name=self.name).collect()
        clips = [replace(clip, group=f"{self.name}/{_group(clip.path, root)}", weight=self.weight) for clip in found]
        return Clips(clips, found.skipped)

    def _copied(self, clip: Clip, copy: Path) -> Clip:
        """The clip in the cache. What is said of it later names the file in the user's folder, and not the folder."""
        given = Path(self.path).expanduser()
        name = clip.path.relative_to(given if given.is_dir() else given.parent)
        return replace(clip, path=copy, details={**clip.details, "file": name.as_posix()})

    def _cut(self, clip: Clip) -> Iterator[Clip]:
        length = clip.length_s(duration_s(clip.path)) if self.window_s else 0.0
        count = math.ceil(length / self.window_s) - 1 if self.window_s else 1
        if count <= 1:
            yield clip
            return
        for number in range(count):
            start = clip.start_s + number * self.window_s
            end = clip.end_s if number == count - 1 else start + 2 * self.window_s
            yield replace(clip, start_s=start, end_s=end)


def restrained(own: Sequence[Clip], others: Sequence[Clip], label: str) -> list[Clip]:
    """Own clips with lower weights where those of a label would be more than a third of what is heard of it.

    Ten hours of one living room would else drown the thousands of voices that a model is trained against.

    Args:
        own: the user's clips.
        others: those of the model's own sources.
        label: which label to look after; clips of other labels stay as they are.
    """
    most = sum(_chance(clip) for clip in others if clip.label == label) / 2
    ours = sum(_chance(clip) for clip in own if clip.label == label)
    if not most or ours <= most:
        return list(own)
    return [replace(clip, weight=clip.weight * most / ours) if clip.label == label else clip for clip in own]


def _chance(clip: Clip) -> float:
    """How often a clip is drawn, about: stretches by their length, as an epoch's plan has it, files as short ones."""
    return clip.weight * max(1.0, (clip.end_s - clip.start_s) / _PLAN_S if clip.end_s is not None else 1.0)


def _kept(path: Path) -> Path:
    """The copy of a recording in the cache, by its content: a run's manifest then names no folder of the user's."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:24]
        copy = cache_dir() / "own" / f"{digest}{path.suffix.lower()}"
        if not copy.exists():
            with atomic_path(copy) as temporary:
                shutil.copyfile(path, temporary)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    return copy


def _group(path: Path, root: Path) -> str:
    parts = path.relative_to(root).parts
    return parts[0] if len(parts) > 1 else path.stem


def _escaped(name: str) -> str:
    """A file's name as a pattern that only it matches."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
