"""Ready features as a source: arrays of windows with their labels, which a net is trained on without any sound."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.cluster import Workers
from mltk_like.data.arrays import array_shapes, described, read_array
from mltk_like.data.clip import Clip
from mltk_like.data.source import Inventory
from mltk_like.data.split import SPLIT_NAMES, first_spread
from mltk_like.errors import DataError, SettingError

FEATURES, LABELS, SUBSETS, GROUPS, CLIPS, CLASSES = "features", "labels", "subsets", "groups", "clips", "classes"
"""Names of the arrays in an `.npz`, as `data MODEL --export-features` writes it."""

# In the details of a clip: where its values are, and how they become int8.
ARRAY, SCALE = "array", "scale"
_SUBSETS = {"train": "training", "val": "validation", "valid": "validation", "dev": "validation", "testing": "test"}


@dataclass(frozen=True, kw_only=True)
class Features:
    """Windows that are features already, one a row: an `.npz`, an `.npy`, or an `.npy` and another with its labels.

    An `.npz` has `features` and `labels`, and may have `subsets` ('training', 'validation' or 'test' of each row),
    `groups` (who is heard: no group is in two of them), `clips` (a name of each row), and `classes` where labels are
    numbers. Every array is one entry long for each row. Nothing that is pickled is opened.

    A row has as many values as the model's front end gives: (time, bands), (time, 1, bands) or (time, bands, 1). int8
    is taken as it is, uint8 less 128. Other numbers need a scale: `low` becomes -128, `high` 127, between them
    round((x - low) / (high - low) * 255) - 128, and what is beyond is cut off.

    Attributes:
        path: the file; `~` is expanded.
        label: of all rows, for a file of one class; empty: there are labels.
        labels: name of the array of labels in an `.npz`, or the path of an `.npy` with them, names or numbers.
        features: name of the array of features in an `.npz`.
        classes: what the numbers 0, 1, ... among labels stand for; none: the array `classes` of the file.
        scale: (low, high); none: that of a `SpectrumSettings` front end, where the model has one.
        split: fixes all rows to 'training', 'validation' or 'test'; empty: by `subsets`, else by group.
        licence: SPDX name or a short text.
        name: in tables and manifest; the file's name if empty.
    """

    path: Path | str
    label: str = ""
    labels: Path | str = LABELS
    features: str = FEATURES
    classes: tuple[str, ...] = ()
    scale: tuple[float, float] | None = None
    split: str = ""
    licence: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", Path(self.path).name)
        if self.split and self.split not in SPLIT_NAMES:
            raise SettingError(f"there is no split {self.split!r}", f"use {', '.join(SPLIT_NAMES)} or ''")
        if self.scale is not None:
            low, high = self.scale
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise SettingError(f"scale={self.scale} is no range", "give (low, high), such as (-4.0, 4.0)")

    @property
    def file(self) -> Path:
        """The file with the features."""
        return Path(self.path).expanduser()

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> list[Clip]:
        """A clip for each row, in the order of the rows.

        Args:
            limit: only the first so many, labels and groups taking turns.
            workers, progress: not used.

        Raises:
            DataError: a file cannot be read, is pickled, or its arrays do not fit together.
        """
        count = self.shape[0]
        labels = [self.label] * count if self.label else self._labels(count)
        subsets = self._texts(SUBSETS, count)
        groups, names = self._texts(GROUPS, count), self._texts(CLIPS, count)
        details = {ARRAY: self._array}
        if self.scale is not None:
            details[SCALE] = f"{self.scale[0]!r} {self.scale[1]!r}"
        path = self.file.absolute()
        clips = [
            Clip(
                path=path,
                row=row,
                label=label,
                # A row of nobody's, such as silence, is a group of its own.
                group=f"{self.name}/{(groups and groups[row]) or row}",
                source=self.name,
                licence=self.licence,
                split=self.split or (_subset(subsets[row], self.file) if subsets else ""),
                details={**details, "file": names[row]} if names else details,
            )
            for row, label in enumerate(labels)
        ]
        return first_spread(clips, limit)

    def inventory(self) -> Inventory:
        """All of it: it lies here. Raises as `collect`."""
        return Inventory(clips=self.collect(), licence=self.licence)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array of features. Raises as `collect`."""
        shapes = array_shapes(self.file)
        if self._array not in shapes:
            raise DataError(
                f"{self.file} has no array {self._array!r}: {described(shapes)}",
                "data.Features(features=NAME) names it",
            )
        shape = shapes[self._array][0]
        if len(shape) < 2 or not shape[0]:
            raise DataError(f"the features of {self.file} have the shape {shape}", "give (rows, time, bands)")
        return shape

    def check(self, input_shape: tuple[int, int, int], *, scaled: bool) -> None:
        """Raise DataError where rows do not fit a net's input, or numbers need a scale and have none.

        Args:
            input_shape: (time, 1, bands) of the model.
            scaled: whether its front end says how numbers become int8.
        """
        time, _, bands = input_shape
        row = self.shape[1:]
        if row not in ((time, bands), (time, 1, bands), (time, bands, 1)):
            raise DataError(
                f"a row of {self.file} has the shape {row}, the front end of the model ({time}, {bands})",
                "give the model the front end that made the features, or the features its shape",
            )
        dtype = np.dtype(array_shapes(self.file)[self._array][1])
        if dtype.kind not in "iuf":
            raise DataError(f"the features of {self.file} are {dtype}", "give numbers")
        if dtype not in (np.int8, np.uint8) and self.scale is None and not scaled:
            values = read_array(self.file, self._array)
            raise DataError(
                f"the features of {self.file} are {dtype} from {values.min():.4g} to {values.max():.4g}, and the net "
                "takes int8",
                f"say what becomes -128 and what 127: scale=({values.min():.4g}, {values.max():.4g})",
            )

    @property
    def _array(self) -> str:
        return self.features if self.file.suffix.lower() != ".npy" else ""

    def _labels(self, count: int) -> list[str]:
        given = Path(self.labels).expanduser()
        if str(self.labels).endswith(".npy"):
            found, where = read_array(given), str(given)
        elif self._array:
            found, where = read_array(self.file, str(self.labels)), f"{self.labels!r} of {self.file}"
        else:
            raise DataError(
                f"{self.file} holds no labels", 'give data.Features(labels="LABELS.npy"), or label="..." for all rows'
            )
        if found.shape not in ((count,), (count, 1)):
            raise DataError(f"the labels {where} have the shape {found.shape}", f"give one for each of {count} rows")
        found = found.reshape(count)
        if found.dtype.kind in "iu":
            return self._named(found, where)
        if found.dtype.kind not in "US":
            raise DataError(f"the labels {where} are {found.dtype}", "give names or whole numbers")
        return _decoded(found)

    def _named(self, numbers: NDArray[Any], where: str) -> list[str]:
        names = self.classes or tuple(self._texts(CLASSES, None) or ())
        if not names:
            raise DataError(f"the labels {where} are numbers", 'say what they stand for: classes=("yes", "no")')
        low, high = int(numbers.min()), int(numbers.max())
        if low < 0 or high >= len(names):
            raise DataError(f"the labels {where} go from {low} to {high}, and there are {len(names)} classes")
        return [names[number] for number in numbers.tolist()]

    def _texts(self, name: str, count: int | None) -> list[str]:
        """An array of the file as texts; none where it has no such array."""
        if not self._array or name not in array_shapes(self.file):
            return []
        found = read_array(self.file, name)
        if found.ndim != 1 or (count is not None and len(found) != count):
            raise DataError(
                f"{name!r} of {self.file} has the shape {found.shape}", f"give one for each of {count} rows"
            )
        return _decoded(found)


def _decoded(found: NDArray[Any]) -> list[str]:
    return [one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in found.tolist()]


def _subset(text: str, path: Path) -> str:
    split = _SUBSETS.get(text, text)
    if split not in ("", *SPLIT_NAMES):
        raise DataError(f"{SUBSETS!r} of {path} has {text!r}", f"use {', '.join(SPLIT_NAMES)}")
    return split


def are_features(clips: Sequence[Clip]) -> bool:
    """Whether clips are ready features.

    Raises:
        SettingError: some are, and others are sound.
    """
    rows = sum(clip.row is not None for clip in clips)
    if rows and rows < len(clips):
        raise mixed(next(clip.source for clip in clips if clip.row is None))
    return rows > 0


def mixed(sound: str) -> SettingError:
    """The error for sources of which one is sound and others are ready features."""
    return SettingError(
        f"sources() mixes ready features with sound ({sound})",
        "train on one of them: data MODEL --export-features FILE.npz makes features of sound",
    )
