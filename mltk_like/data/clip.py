"""One audio clip, as every source hands it over."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mltk_like.audio.wav import durations_s
from mltk_like.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """An audio file, or a stretch of one, with what the split, the manifest and the report need to know of it.

    Attributes:
        path: the audio file (any format that `audio.wav.read_audio` reads).
        label: class it belongs to: a name in the model's `classes`, or `_noise_` for background sound.
        group: who is heard: voice, speaker or recording. No group is ever in two of the three splits.
        source: name of the source that gave it.
        licence: SPDX name or a short text; empty when unknown.
        text: the words said; empty when unknown.
        split: 'training', 'validation' or 'test' where the source fixes it; empty lets the splitter decide by group.
        start_s: where the clip begins in the file, in seconds.
        end_s: where it ends, in seconds; none: where the file ends. What lies beyond the file is not there.
        row: of an array of ready features in the file, which is no sound then; none: it is sound.
        weight: how much more often it is drawn than a clip of weight 1.
        details: what else the source knows of it: engine, voice and speed of synthetic speech, for instance.

    Raises:
        DataError: the stretch is empty or lies before the file, or the weight is not a positive number.
    """

    path: Path
    label: str
    group: str
    source: str
    licence: str = ""
    text: str = ""
    split: str = ""
    start_s: float = 0.0
    end_s: float | None = None
    row: int | None = None
    weight: float = 1.0
    # No hash: mappings have none. Two clips that differ in nothing else share theirs, which is no harm.
    details: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        end = math.inf if self.end_s is None else self.end_s
        if not (0 <= self.start_s < end and self.start_s < math.inf):
            raise DataError(
                f"{self.path}: there is no stretch from {self.start_s} s to {self.end_s} s",
                "the end must be after the start, and the start 0 or more",
            )
        if not 0 < self.weight < math.inf:
            raise DataError(f"{self.path}: weight={self.weight} is not a positive number", "1: as often as the others")

    @property
    def name(self) -> str:
        """The file's path, with the stretch where it is not the whole file: `a.wav [1.5-2.25 s]`, `a.npz [row 7]`."""
        if self.row is not None:
            return f"{self.path} [row {self.row}]"
        if not self.start_s and self.end_s is None:
            return str(self.path)
        return f"{self.path} [{self.start_s:g}-{'' if self.end_s is None else f'{self.end_s:g}'} s]"

    @property
    def file(self) -> Path:
        """The file as its owner knows it: the detail 'file' where the source has copied it, else `path`."""
        return Path(self.details.get("file", self.path))

    @property
    def synthetic(self) -> bool:
        """Whether an engine said it, as its source's details tell."""
        return "engine" in self.details

    def length_s(self, file_s: float) -> float:
        """Seconds of the clip in a file of `file_s` seconds: 0 if all of it lies beyond; NaN if `file_s` is."""
        end = min(file_s, math.inf if self.end_s is None else self.end_s)
        return end if math.isnan(end) else max(0.0, end - self.start_s)


def lengths_s(clips: Sequence[Clip]) -> list[float]:
    """Seconds of each clip, from the headers of their files, each opened once; NaN where one cannot be read, and of
    ready features."""
    paths = list(dict.fromkeys(clip.path for clip in clips if clip.row is None))
    files = dict(zip(paths, durations_s(paths), strict=True))
    return [clip.length_s(files.get(clip.path, math.nan)) for clip in clips]
