"""Labelled recordings that are made on this machine: `audio_<id>.wav` with `labels_<id>.txt`, as Audacity has them."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from mltk_like.audio.wav import write_wav
from mltk_like.cluster import Workers
from mltk_like.data import bells, household, locks
from mltk_like.data.clip import Clip
from mltk_like.data.labelled import LabelledRecordings
from mltk_like.data.labels import Interval, write_audacity
from mltk_like.data.recordings import finished
from mltk_like.data.skipped import Clips
from mltk_like.data.source import Inventory
from mltk_like.data.struck import REGIONS, Float32
from mltk_like.errors import DataError, SettingError
from mltk_like.paths import cache_dir

Scene = Callable[[np.random.Generator, str, float, int], tuple[Float32, list[Interval]]]
"""(random source, split, seconds, sample rate) -> samples with full scale at 1, labelled stretches."""

SCENES: Mapping[str, Scene] = MappingProxyType(
    {
        "bells": bells.bell_scene,
        "household": household.household_scene,
        **{f"lock/{name}": scene for name, scene in locks.SCENES.items()},
    }
)
"""What can be made, by name."""

# Part of the cache's key, by the first word of the kind: raise it with every change to what these scenes are.
_VERSIONS = MappingProxyType({"bells": 3, "household": 3, "lock": 5})
_SHARES = MappingProxyType({"training": 0.6, "validation": 0.2, "test": 0.2})


@dataclass(frozen=True, kw_only=True)
class GeneratedRecordings:
    """Long recordings of one kind with their labels; recording i depends on kind, seed, split and i alone.

    Attributes:
        kind: one of `SCENES`.
        split: 'training', 'validation' or 'test': all its clips are of that split, and its bells, doors and locks are
            from the parts of their parameters' ranges that belong to it (`struck.REGIONS`).
        count: how many recordings.
        seconds: length of each.
        seed: another seed gives others.
        sample_rate_hz: in Hz.
        window_s, step_s, label_map, other, merge: as in `LabelledRecordings`.
        licence: CC0-1.0, for nobody's recording is in it.
        name: in tables and manifest; kind and split if empty.

    Raises:
        SettingError: there is no such kind or split, or no recording.
    """

    kind: str
    split: str
    count: int
    seconds: float
    seed: int = 0
    sample_rate_hz: int = 16000
    window_s: float | None = None
    step_s: float | None = None
    label_map: Mapping[str, str] = field(default_factory=dict)
    other: str = ""
    merge: bool = False
    licence: str = "CC0-1.0"
    name: str = ""

    def __post_init__(self) -> None:
        if self.kind not in SCENES:
            raise SettingError(f"there are no recordings of {self.kind!r}", f"use {', '.join(SCENES)}")
        if self.split not in REGIONS:
            raise SettingError(f"there is no split {self.split!r}", f"use {', '.join(REGIONS)}")
        if self.count < 1 or not self.seconds >= 1:
            raise SettingError(f"{self.count} recordings of {self.seconds} s", "both must be 1 or more")
        if not self.name:
            object.__setattr__(self, "name", f"generated {self.kind} ({self.split})")

    @property
    def label(self) -> str:
        """Empty: its clips have several."""
        return ""

    @property
    def folder(self) -> Path:
        """Where the recordings and their labels are."""
        key = (
            _VERSIONS[self.kind.partition("/")[0]],
            self.kind,
            self.split,
            self.count,
            self.seconds,
            self.seed,
            self.sample_rate_hz,
        )
        return (
            cache_dir()
            / "generated"
            / f"{self.kind.replace('/', '-')}-{hashlib.sha256(repr(key).encode()).hexdigest()[:12]}"
        )

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> Clips:
        """The labelled stretches or windows; recordings that are not in the cache are made.

        Args:
            limit: only so many, of the first recordings that hold so many, labels and recordings taking turns.
            workers: not used.
            progress: show a bar.

        Raises:
            DataError: the cache cannot be written; nothing in any recording is labelled.
        """
        from tqdm.auto import tqdm

        if limit is None:
            missing = [path for path in self._paths() if not path.exists()]
            for path in tqdm(missing, desc=self.name, unit="recording", disable=not progress, leave=False):
                self._make(path)
            return self._labelled(self.folder).collect()
        clips: list[Clip] = []
        for path in self._paths():
            if not path.exists():
                self._make(path)
            with suppress(DataError):  # one recording may hold nothing that is labelled; all together must not
                clips += self._labelled(path).collect()
            if len(clips) >= limit:
                break
        return finished(self.name, clips, limit=limit)

    def remake(self, paths: Collection[Path], *, progress: bool = True) -> None:
        """Make those of its recordings that belong at `paths` and are missing there. Raises DataError."""
        for path in self._paths():
            if path in paths and not path.exists():
                self._make(path)

    def inventory(self) -> Inventory:
        """The clips, where all recordings are in the cache; else how many are to be made."""
        missing = sum(not path.exists() for path in self._paths())
        clips = Clips() if missing else self._labelled(self.folder).collect()
        return Inventory(clips=clips, missing=missing, licence=self.licence)

    def _labelled(self, path: Path) -> LabelledRecordings:
        return LabelledRecordings(
            path=path,
            labels="audacity",
            window_s=self.window_s,
            step_s=self.step_s,
            label_map=self.label_map,
            other=self.other,
            merge=self.merge,
            licence=self.licence,
            split=self.split,
            name=self.name,
        )

    def _paths(self) -> Iterator[Path]:
        return (self.folder / f"audio_{number:03}.wav" for number in range(self.count))

    def _make(self, path: Path) -> None:
        number = int(path.stem.rpartition("_")[2])
        place = [self.seed, number, list(REGIONS).index(self.split), *self.kind.encode()]
        rng = np.random.default_rng(np.random.SeedSequence(place))
        samples, intervals = SCENES[self.kind](rng, self.split, self.seconds, self.sample_rate_hz)
        # The labels first: a recording counts as made when its audio is there.
        write_audacity(path.with_name(f"labels_{path.stem.rpartition('_')[2]}.txt"), intervals)
        write_wav(path, samples, self.sample_rate_hz)


def generated_bells(
    *,
    minutes: float = 60.0,
    window_s: float,
    step_s: float,
    label: str = "bell",
    other: str = "_unknown_",
    seed: int = 0,
) -> list[GeneratedRecordings]:
    """Recordings of 90 s with a bell about every 45 s, a place and a bell each; three fifths for training.

    Args:
        minutes: of audio in all.
        window_s, step_s: windows that lie within the labelled second of a bell are `label`, all others `other`.
        label, other: of the clips.
        seed: another seed gives other places and bells.
    """
    return [
        GeneratedRecordings(
            kind="bells",
            split=split,
            count=max(round(share * minutes / 1.5), 1),
            seconds=90.0,
            seed=seed,
            window_s=window_s,
            step_s=step_s,
            label_map={bells.LABEL: label},
            other=other,
            merge=True,
        )
        for split, share in _SHARES.items()
    ]


def generated_lock_sounds(
    *, events: int = 1500, unknown: str = "_unknown_", seed: int = 0
) -> list[GeneratedRecordings]:
    """Recordings of 40 s, each of one door: somebody knocks, moves a key in the lock, or locks; and of other sounds.

    Half a second around each event is labelled `knocking`, `key_io` or `locking`; the pauses between, and recordings of
    other sounds as a whole, are `unknown`.

    Args:
        events: of each label in all, about; three fifths for training.
        unknown: label of other sounds.
        seed: another seed gives other doors.
    """
    kinds: tuple[Literal["key_io", "knocking", "locking", "unknown"], ...] = (
        "key_io",
        "knocking",
        "locking",
        "unknown",
    )
    return [
        GeneratedRecordings(
            kind=f"lock/{kind}",
            split=split,
            count=max(round(share * events / locks.EVENTS), 1),
            seconds=locks.SECONDS,
            seed=seed,
            label_map={locks.OTHER: unknown},
        )
        for kind in kinds
        for split, share in _SHARES.items()
    ]


def generated_household(*, minutes: float = 30.0, label: str = "_unknown_", seed: int = 0) -> list[GeneratedRecordings]:
    """Recordings of 60 s of clocks, fire, animals, infants and coughs, for detectors of short events to pass over.

    Args:
        minutes: of audio in all; three fifths for training.
        label: of all clips.
        seed: another seed gives others.
    """
    return [
        GeneratedRecordings(
            kind="household",
            split=split,
            count=max(round(share * minutes), 1),
            seconds=60.0,
            seed=seed,
            label_map={household.OTHER: label},
        )
        for split, share in _SHARES.items()
    ]
