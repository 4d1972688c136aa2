"""Which clips are shown, and what is computed of each."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mltk_like.errors import DataError, SettingError
from mltk_like.feed.windows import SplitFiles
from mltk_like.verbs.view_audio.stretch import (
    Level,
    Stretch,
    View,
    level_of,
    net_view,
    read_stretch,
    whole_view,
    window_view,
)
from mltk_like.verbs.view_audio.subject import Column
from mltk_like.verbs.view_audio.variants import Augmenter, OwnData, open_sounds


@dataclass(frozen=True, kw_only=True)
class Item:
    """A clip to show: its file, its name on the page, its class, and its first and last second in the file."""

    path: Path
    name: str
    label: str
    span_s: tuple[float, float] = (0.0, math.inf)


Read = tuple[Item, list[Stretch]]
"""A clip and its stretch at the rate of each column."""


@dataclass(frozen=True, kw_only=True)
class Reads:
    """Clips that could be read, and one sentence for each that could not."""

    good: tuple[Read, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What is shown of one clip; each tuple of views has one for each column of settings.

    Attributes:
        item: the clip.
        stretches: what was read, for each column.
        level: of the first column's stretch.
        whole: the whole stretch, None in a column whose window is as long.
        net: the window that the net gets.
        variants: augmented variants 0, 1, ..., as the net gets them.
    """

    item: Item
    stretches: tuple[Stretch, ...]
    level: Level
    whole: tuple[View | None, ...]
    net: tuple[View, ...]
    variants: tuple[tuple[View, ...], ...]


def items_of_files(files: Sequence[str | Path], classes: Sequence[str], label: str | None) -> list[Item]:
    """The user's files, as clips of the class `label`, else of the first that is detected. Raises SettingError."""
    if label is not None and classes and label not in classes:
        raise SettingError(f"the model has no class {label!r}", "its classes are " + ", ".join(classes))
    keywords = [name for name in classes if not name.startswith("_")]
    found = label or next(iter([*keywords, *classes]), "")
    # A name that is no UTF-8 could not be printed.
    names = [os.fsencode(Path(file).name).decode(errors="replace") for file in files]
    return [Item(path=Path(file), name=name, label=found) for file, name in zip(files, names, strict=True)]


def items_of_data(data: OwnData, count: int, label: str | None) -> list[Item]:
    """Some of the model's own clips. Raises DataError where none has the label."""
    return [
        Item(
            path=clip.path,
            name=f"{clip.label}: {clip.text or clip.path.name} ({clip.group})",
            label=clip.label,
            span_s=(clip.start_s, math.inf if clip.end_s is None else clip.end_s),
        )
        for clip in data.choose(count, label)
    ]


def read_items(items: Sequence[Item], columns: Sequence[Column], *, start_s: float, seconds: float) -> Reads:
    """The stretch of each clip, at the rate of each column.

    Raises:
        DataError: none of them can be read.
    """
    good: list[Read] = []
    errors: list[DataError] = []
    for item in items:
        try:
            good.append((item, [_stretch(item, column, start_s, seconds) for column in columns]))
        except DataError as error:
            errors.append(error)
    if not good:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise DataError(f"{errors[0].message}{more}", errors[0].hint) from errors[0]
    return Reads(good=tuple(good), problems=tuple(error.message for error in errors))


def augmenters_of(columns: Sequence[Column], data: OwnData, seed: int, *, progress: bool) -> list[Augmenter]:
    """One for each column; columns of one sample rate share their sounds. Raises DataError."""
    sounds: dict[int, SplitFiles] = {}
    for column in columns:
        rate = column.model.frontend.sample_rate_hz
        if rate not in sounds:
            sounds[rate] = open_sounds(column.model, data.sounds(), progress=progress)
    return [Augmenter(column.model, sounds[column.model.frontend.sample_rate_hz], seed) for column in columns]


def look(
    item: Item,
    columns: Sequence[Column],
    stretches: Sequence[Stretch],
    augmenters: Sequence[Augmenter],
    variants: int,
) -> Shown:
    """All views of a clip; without augmenters there are no variants. Raises DataError where augmentation fails."""
    pairs = [(column.model, stretch) for column, stretch in zip(columns, stretches, strict=True)]
    wholes = [
        whole_view(model, stretch) if len(stretch.samples) > model.frontend.sample_length else None
        for model, stretch in pairs
    ]
    first = net_view(*pairs[0])
    at_s = first.start_s - stretches[0].start_s
    made = [
        [window_view(model, window) for window in augment(stretch.samples, item.label, variants)]
        for (model, stretch), augment in zip(pairs, augmenters, strict=False)
    ]
    return Shown(
        item=item,
        stretches=tuple(stretches),
        level=level_of(stretches[0].samples),
        whole=tuple(wholes),
        net=(first, *(net_view(model, stretch, at_s) for model, stretch in pairs[1:])),
        variants=tuple(zip(*made, strict=True)),
    )


def _stretch(item: Item, column: Column, start_s: float, seconds: float) -> Stretch:
    model = column.model
    return read_stretch(
        item.path,
        model.frontend.sample_rate_hz,
        start_s=start_s,
        seconds=seconds,
        warm_up_s=model.warm_up_ms / 1000,
        span_s=item.span_s,
    )
