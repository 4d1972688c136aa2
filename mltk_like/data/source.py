"""What every source of clips looks like to the framework."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip
from mltk_like.errors import SettingError

# Labels of sounds that are mixed into windows, and of rooms that these are played in: no class of any model.
NOISE_LABEL = "_noise_"
MICROPHONE_LABEL = "_microphone_"
ROOM_LABEL = "_room_"
# Label of sound without a keyword that is heard as a stream when a model is judged: in no window, babble or class.
STREAM_LABEL = "_stream_"


@runtime_checkable
class Source(Protocol):
    """A named origin of clips with one label: synthesis, a folder, a download."""

    @property
    def name(self) -> str:
        """Short name, for progress bars, the manifest and warnings."""

    @property
    def label(self) -> str:
        """Label of its clips: a class of the model, or `_noise_`."""

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> Sequence[Clip]:
        """The clips on disk, made or fetched where they are missing.

        Args:
            limit: at most so many clips, spread over the groups; none: all.
            workers: processes to use; none: one a core.
            progress: show a bar for long work.

        Raises:
            DataError: the source cannot be had.
            ToolError: a package that it needs is not installed.
        """


def checked_sources(given: Iterable[object]) -> list[Source]:
    """The sources that a model's `sources()` gives. Raises SettingError where one is none."""
    sources: list[Source] = []
    for source in given:
        if not isinstance(source, Source):
            raise SettingError(
                f"sources() gives a {type(source).__name__}, which is no source",
                "write * before what gives several: *speech_negatives(...)",
            )
        sources.append(source)
    return sources


@runtime_checkable
class Remakable(Protocol):
    """A source that can make single clips again, without all the others: those of a manifest, for instance."""

    def remake(self, paths: Collection[Path], *, progress: bool = True) -> None:
        """Make those of its clips that belong at `paths` and are missing there; paths of other sources are passed over.

        Raises:
            DataError: a clip cannot be made.
            ToolError: a package that it needs is not installed.
        """


CANNOT = "cannot be had"
"""How the state of a source begins that has a problem."""


@runtime_checkable
class Planned(Protocol):
    """A source that knows which clips it will have before it makes them."""

    def planned(self) -> Sequence[Clip]:
        """All of its clips, whether their files are there or not; makes and fetches nothing.

        Raises:
            DataError: the source cannot be had.
            ToolError: a package that it needs is not installed.
        """


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What there is of a source on this machine.

    Attributes:
        clips: those whose files are there.
        missing: how many more can be made or fetched; none: not known before they are there.
        fetched: whether the missing ones come over the network; else they are made here.
        problem: why the source cannot be had, if so.
        size_bytes: of the download, about; 0 if unknown or none.
        licence: where the clips are not there to say it.
    """

    clips: Sequence[Clip] = ()
    missing: int | None = 0
    fetched: bool = False
    problem: str = ""
    size_bytes: int = 0
    licence: str = ""

    @property
    def state(self) -> str:
        """In a few words: 'ready', '3 of 10 made', 'to be made', 'not fetched' or 'cannot be had: ...'."""
        if self.problem:
            return f"{CANNOT}: {self.problem}"
        if self.missing == 0:
            return "ready"
        if self.fetched:
            return "not fetched"
        if self.clips and self.missing:
            return f"{len(self.clips)} of {len(self.clips) + self.missing} made"
        return "to be made"


@runtime_checkable
class Described(Protocol):
    """A source that can tell what there is of it, without making or fetching anything."""

    def inventory(self) -> Inventory:
        """What is there, in a second or two.

        Raises:
            DataError: the source cannot be had.
            ToolError: a package that it needs is not installed.
        """
