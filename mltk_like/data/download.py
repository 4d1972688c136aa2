"""Recordings from the network as clips."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from mltk_like.audio.wav import AUDIO_SUFFIXES, duration_s
from mltk_like.data.archives import archive_format, extract
from mltk_like.data.clip import Clip
from mltk_like.data.fetch import cache_path, fetch, hash_note, locked, read_note, url_file_name
from mltk_like.data.recordings import Folder, GroupRule, check_group_rule
from mltk_like.errors import DataError
from mltk_like.paths import atomic_path, write_text

__all__ = ["Download", "cache_path", "fetch"]


@dataclass(frozen=True, kw_only=True)
class Download:
    """Recordings in an archive on the network (zip, tar, 7z), or a single audio file.

    Attributes:
        url: http or https; a second call needs no network.
        sha1, sha256: expected hash in hexadecimal; a wrong one is an error.
        mirrors: further addresses of the same file.
        label: of all clips; empty takes the name of the first sub-folder, as `Folder` does.
        labels, other: as in `Folder`.
        folder: where in the archive the recordings are.
        pattern: glob below `folder`.
        group: who is heard; see `Folder`.
        speakers: sources with the same `speakers` share their groups; else the name.
        licence: SPDX name or a short text.
        split: fixes all clips to one split; empty lets the splitter decide.
        size_bytes: about how large the download is, for tables; 0 if unknown.
        connect_timeout_s, read_timeout_s, retries: see `fetch`.
        name: in tables and manifest; from the URL if empty.
    """

    url: str
    sha1: str = ""
    sha256: str = ""
    mirrors: tuple[str, ...] = ()
    label: str = ""
    labels: tuple[str, ...] = ()
    other: str = ""
    folder: str = ""
    pattern: str = "**/*"
    group: GroupRule = "stem"
    speakers: str = ""
    licence: str = ""
    split: str = ""
    size_bytes: int = 0
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    retries: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        check_group_rule(self.group)
        if not self.name:
            object.__setattr__(self, "name", url_file_name(self.url).partition(".")[0])

    @property
    def cached_folder(self) -> Path:
        """Where the recordings are, or will be, on this machine."""
        return cache_path(self.url)

    def is_cached(self) -> bool:
        """Whether `collect` needs no network."""
        return read_note(self._stamp) == self._identity()

    def collect(self, *, limit: int | None = None, workers: int | None = None, progress: bool = True) -> list[Clip]:
        """Fetch and extract if that was not done before, then the clips, sorted by path.

        Args:
            limit: only the first so many clips, labels and groups taking turns; the download is whole all the same.
            workers: not used.
            progress: show a progress bar for the download.

        Raises:
            DataError: the download failed, is no archive and no audio, is unsafe, or holds no recordings.
        """
        root = self.cached_folder
        with locked(root):
            if not self.is_cached():
                self._fetch_and_extract(root, progress)
        recordings = Folder(
            path=root / self.folder, name=self.name, label=self.label, labels=self.labels, other=self.other,
            pattern=self.pattern, group=self.group, speakers=self.speakers, licence=self.licence, split=self.split,
        )  # fmt: skip
        return recordings.collect(limit=limit, progress=progress)

    def _fetch_and_extract(self, root: Path, progress: bool) -> None:
        fetched = fetch(
            self.url, root.with_name(f"{root.name}.download"), sha1=self.sha1, sha256=self.sha256, mirrors=self.mirrors,
            connect_timeout_s=self.connect_timeout_s, read_timeout_s=self.read_timeout_s, retries=self.retries,
            progress=progress,
        )  # fmt: skip
        self._stamp.unlink(missing_ok=True)
        try:
            if archive_format(fetched):
                extract(fetched, root)
            else:
                _keep_audio(fetched, root / url_file_name(self.url))
            write_text(self._stamp, json.dumps(self._identity()))
        finally:
            # Extracted, it is not needed; damaged, it must not be found again.
            fetched.unlink(missing_ok=True)
            hash_note(fetched).unlink(missing_ok=True)

    @property
    def _stamp(self) -> Path:
        return self.cached_folder.with_name(self.cached_folder.name + ".done.json")

    def _identity(self) -> dict[str, str]:
        return {"url": self.url, "sha1": self.sha1.lower(), "sha256": self.sha256.lower()}


def _keep_audio(fetched: Path, target: Path) -> None:
    """Move a download that is a single audio file to `target`. Raises DataError for anything else."""
    if target.suffix.lower() not in AUDIO_SUFFIXES:
        raise DataError(f"{target.name} is neither an archive nor audio", "the address may lead to a web page instead")
    duration_s(fetched)
    with atomic_path(target) as temporary:
        shutil.copyfile(fetched, temporary)
