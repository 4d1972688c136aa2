"""A file or an archive on the network, kept in the cache as a folder."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from mltk_like.data.archives import archive_format, extract
from mltk_like.data.fetch import cache_path, fetch, hash_note, locked, read_note, url_file_name
from mltk_like.paths import atomic_path, write_text


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """Something on the network, fetched once: what was in the archive (zip, tar, 7z), or the single file that it is.

    Attributes:
        url: http or https; a second call needs no network.
        sha1, sha256: expected hash in hexadecimal; a wrong one is an error.
        mirrors: further addresses of the same file.
        licence: SPDX name or a short text; empty when unknown.
        size_bytes: of the download, about; 0 if unknown.
        connect_timeout_s, read_timeout_s, retries: see `fetch`.
        name: in tables; from the URL if empty.
    """

    url: str
    sha1: str = ""
    sha256: str = ""
    mirrors: tuple[str, ...] = ()
    licence: str = ""
    size_bytes: int = 0
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    retries: int = 3
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", url_file_name(self.url).partition(".")[0])

    @property
    def cached_folder(self) -> Path:
        """Where its content is, or will be, on this machine."""
        return cache_path(self.url)

    def is_cached(self) -> bool:
        """Whether `get` needs no network."""
        return read_note(self._stamp) == self._identity() and self.cached_folder.is_dir()

    def get(self, *, progress: bool = True) -> Path:
        """The folder with its content; fetched and extracted if that was not done before.

        Two processes that want the same take turns, and the second finds it done.

        Raises:
            DataError: the download failed, or is an archive that is damaged or unsafe.
        """
        with locked(self.cached_folder):
            if not self.is_cached():
                self._fetch_and_extract(progress)
        return self.cached_folder

    def check(self, fetched: Path) -> None:
        """Called with a download that is no archive, before it is kept. Raises DataError to refuse it."""

    def _fetch_and_extract(self, progress: bool) -> None:
        root = self.cached_folder
        fetched = fetch(
            self.url, root.with_name(f"{root.name}.download"), sha1=self.sha1, sha256=self.sha256, mirrors=self.mirrors,
            connect_timeout_s=self.connect_timeout_s, read_timeout_s=self.read_timeout_s, retries=self.retries,
            progress=progress,
        )  # fmt: skip
        self._stamp.unlink(missing_ok=True)
        # Of a process that was killed while it extracted; nobody else does so now.
        for left in root.parent.glob(f".{root.name}.*.tmp"):
            shutil.rmtree(left, ignore_errors=True)
        try:
            if archive_format(fetched):
                extract(fetched, root)
            else:
                self.check(fetched)
                with atomic_path(root / url_file_name(self.url)) as temporary:
                    shutil.copyfile(fetched, temporary)
            write_text(self._stamp, json.dumps(self._identity()))
        finally:
            # Extracted, it is not needed; damaged, it must not be found again.
            fetched.unlink(missing_ok=True)
            hash_note(fetched).unlink(missing_ok=True)

    @property
    def _stamp(self) -> Path:
        return self.cached_folder.with_name(f"{self.cached_folder.name}.done.json")

    def _identity(self) -> dict[str, str]:
        return {"url": self.url, "sha1": self.sha1.lower(), "sha256": self.sha256.lower()}
