"""Recordings from the network as clips."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mltk_like.audio.wav import AUDIO_SUFFIXES, duration_s
from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip
from mltk_like.data.fetch import cache_path, fetch, url_file_name
from mltk_like.data.recordings import Folder, GroupRule, check_group_rule
from mltk_like.data.remote import RemoteFile
from mltk_like.data.source import Inventory, Source
from mltk_like.errors import DataError

__all__ = ["Download", "cache_path", "fetch"]


@dataclass(frozen=True, kw_only=True)
class Download(RemoteFile):
    """Recordings in an archive on the network (zip, tar, 7z), or a single audio file.

    Attributes:
        label: of all clips; empty takes the name of the first sub-folder, as `Folder` does.
        labels, other: as in `Folder`.
        folder: where in the archive the recordings are.
        pattern: glob below `folder`.
        group: who is heard; see `Folder`.
        speakers: sources with the same `speakers` share their groups; else the name.
        split: fixes all clips to one split; empty lets the splitter decide.
        layout: makes the source that reads the folder with the content, for sets that are laid out in a way of their
            own (`SpeechCommands`, `LabelledRecordings`); then none of those above count.

    The others are those of `RemoteFile`.
    """

    label: str = ""
    labels: tuple[str, ...] = ()
    other: str = ""
    folder: str = ""
    pattern: str = "**/*"
    group: GroupRule = "stem"
    speakers: str = ""
    split: str = ""
    layout: Callable[[Path], Source] | None = None

    def __post_init__(self) -> None:
        check_group_rule(self.group)
        super().__post_init__()

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> list[Clip]:
        """Fetch and extract if that was not done before, then the clips, sorted by path.

        Args:
            limit: only the first so many clips, labels and groups taking turns; the download is whole all the same.
            workers: not used.
            progress: show a progress bar for the download.

        Raises:
            DataError: the download failed, is no archive and no audio, is unsafe, or holds no recordings.
        """
        self.get(progress=progress)
        return list(self._recordings().collect(limit=limit, progress=progress))

    def inventory(self) -> Inventory:
        """The clips if they are in the cache. Raises DataError when what is there holds no recordings."""
        if not self.is_cached():
            return Inventory(missing=None, fetched=True, size_bytes=self.size_bytes, licence=self.licence)
        return Inventory(clips=self._recordings().collect(progress=False), size_bytes=self.size_bytes)

    def check(self, fetched: Path) -> None:
        """Raises DataError for a single file that is no audio."""
        name = url_file_name(self.url)
        if Path(name).suffix.lower() not in AUDIO_SUFFIXES:
            raise DataError(f"{name} is neither an archive nor audio", "the address may lead to a web page instead")
        duration_s(fetched)

    def _recordings(self) -> Source:
        if self.layout:
            return self.layout(self.cached_folder / self.folder)
        return Folder(
            path=self.cached_folder / self.folder,
            name=self.name,
            label=self.label,
            labels=self.labels,
            other=self.other,
            pattern=self.pattern,
            group=self.group,
            speakers=self.speakers,
            licence=self.licence,
            split=self.split,
        )
