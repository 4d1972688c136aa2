"""What every source of clips looks like to the framework."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from mltk_like.data.clip import Clip

# Labels of sounds that are mixed into windows and are no class of any model.
NOISE_LABEL = "_noise_"
MICROPHONE_LABEL = "_microphone_"


@runtime_checkable
class Source(Protocol):
    """A named origin of clips with one label: synthesis, a folder, a download."""

    @property
    def name(self) -> str:
        """Short name, for progress bars, the manifest and warnings."""

    @property
    def label(self) -> str:
        """Label of its clips: a class of the model, or `_noise_`."""

    def collect(self, *, limit: int | None = None, workers: int | None = None, progress: bool = True) -> Sequence[Clip]:
        """The clips on disk, made or fetched where they are missing.

        Args:
            limit: at most so many clips, spread over the groups; none: all.
            workers: processes to use; none: one a core.
            progress: show a bar for long work.

        Raises:
            DataError: the source cannot be had.
            ToolError: a package that it needs is not installed.
        """


@runtime_checkable
class Remakable(Protocol):
    """A source that can make single clips again, without all the others: those of a manifest, for instance."""

    def remake(self, paths: Collection[Path], *, progress: bool = True) -> None:
        """Make those of its clips that belong at `paths` and are missing there; paths of other sources are passed over.

        Raises:
            DataError: a clip cannot be made.
            ToolError: a package that it needs is not installed.
        """
