"""What can be said of a model's data before any of it is made or fetched: classes without clips, splits without voices.

Sources that lie on the disk are looked at, and those that can tell what they will have are asked; of the others nothing
is assumed, and the same questions are asked again once their clips are there.
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mltk_like.data.clip import Clip
from mltk_like.data.features import Features
from mltk_like.data.fetch import offline
from mltk_like.data.labelled import LabelledRecordings
from mltk_like.data.layouts import SpeechCommands, SpokenWords
from mltk_like.data.lists import RecordingList
from mltk_like.data.names import refuse_near_labels
from mltk_like.data.recordings import Folder
from mltk_like.data.source import Described, Planned, Source, checked_sources
from mltk_like.data.split import Splits, split_by_group
from mltk_like.errors import DataError, MisnamedError, MltkLikeError

SILENCE = "_silence_"
"""The class that is made of windows without speech and needs no clip."""

# Read from the disk in a moment: to collect them is to look at them.
LOCAL = (Features, Folder, LabelledRecordings, RecordingList, SpeechCommands, SpokenWords)


def check_expected(model: Any, own: Sequence[Source], needed: Collection[str], *, test: bool) -> None:
    """Refuse a model with a class that no source can give, or that a split will have no voice of.

    Makes and fetches nothing.

    Args:
        model: a specification with AudioDatasetMixin.
        own: further sources, of the user's recordings.
        needed: names of the splits that must have every class.
        test: a dry run, whose few clips need not be in every split.

    Raises:
        DataError: no source has a clip of a class, or a split will have no voice of one.
        MisnamedError: a folder, label or list is nearly called as what is meant.
        SettingError: `sources()` gives what is no source.
    """
    sources = [*checked_sources(model.sources()), *own]
    clips: list[Clip] = []
    open_labels: set[str] = set()
    with _unsaid():
        for source in sources:
            # A dry run takes so few of what is planned that the plan, some seconds of work, says nothing of it.
            found = None if test and isinstance(source, Planned) else expected_clips(source)
            if found is None:
                open_labels.add(source.label)
            else:
                clips += found
    refuse_near_labels((*(source.label for source in sources), *(clip.label for clip in clips)), model.classes)
    known = () if "" in open_labels else [name for name in model.classes if name not in open_labels]
    present = {clip.label for clip in clips}
    for name in known:
        if name not in present and name != SILENCE:
            raise missing_class(name)
    if known and not test:
        check_splits(known, split_by_group(clips, fractions=model.split_fractions), needed)


def expected_clips(source: Source) -> Sequence[Clip] | None:
    """The clips that a source has or will have; None where it cannot be known before they are there.

    Raises:
        MisnamedError: as the source.
    """
    try:
        with offline():
            if isinstance(source, Planned):
                return source.planned()
            if isinstance(source, Described):
                there = source.inventory()
                return there.clips if there.missing == 0 and not there.problem else None
            return source.collect(progress=False) if isinstance(source, LOCAL) else None
    except MisnamedError:
        raise
    except MltkLikeError:
        return None  # said where it is collected


def check_splits(classes: Sequence[str], splits: Splits, needed: Collection[str]) -> None:
    """Raise DataError where one of the `needed` splits has no voice of one of the classes."""
    voices = {name: {part: _groups(clips, name) for part, clips in splits.items()} for name in classes}
    for name, found in voices.items():
        empty = next((part for part in needed if not found[part]), None)
        if empty is None or name == SILENCE:
            continue
        total = len(set().union(*found.values()))
        people = "1 voice (or other group)" if total == 1 else f"{total} voices (or other groups)"
        where = ", ".join(f"{len(groups)} in {part}" for part, groups in found.items())
        raise DataError(
            f"the split {empty!r} has no voice of the class {name!r}: there is {people} of it in all, {where}",
            "no voice is in two splits: give it three or more (the sources' setting 'group' says who is heard), "
            "or larger split_fractions",
        )


def missing_class(name: str, why: str = "") -> DataError:
    """The error for a class that no source gives a clip of."""
    return DataError(f"no source has a clip of the class {name!r}{why}", "give sources() one, or mend the class's name")


def _groups(clips: Sequence[Clip], label: str) -> set[str]:
    return {clip.group for clip in clips if clip.label == label}


@contextmanager
def _unsaid() -> Iterator[None]:
    """Leave warnings about single recordings to the time when they are collected."""
    logger = logging.getLogger("mltk_like.data")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
