"""`manifest.jsonl`: one line per clip of a training run, so that a figure can be traced to the audio behind it."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import msgspec

from mltk_like.audio.wav import duration_s
from mltk_like.data.clip import Clip
from mltk_like.data.split import SPLIT_NAMES, Splits
from mltk_like.errors import DataError, ModelError
from mltk_like.opening import read_file
from mltk_like.paths import portable, unportable, write_bytes

logger = logging.getLogger(__name__)

MANIFEST = "manifest.jsonl"
"""The manifest in a run folder and in an archive."""
DIGEST = "manifest.sha256"
"""In an archive: what `digest` gives for the manifest of the run."""

# Keys that every row has; the others are written where they say something.
_ALWAYS = ("path", "label", "group", "split", "source", "licence", "text", "duration_s", "sha256")


@dataclass(frozen=True, kw_only=True)
class ManifestRow:
    """One clip: what it is and where it went. The order of the fields is that of the keys.

    Attributes:
        path: of the file, as `paths.portable` stores it.
        label, group, source, licence, text, start_s, end_s, row, weight, details: as in `Clip`.
        split: 'training', 'validation' or 'test'.
        duration_s: seconds of the clip; 0 where its file was gone.
        sha256: of the whole file, in hexadecimal; empty where it was gone, in archives, which have one hash over all,
            and in older manifests, which have a SHA-1.
    """

    path: str
    label: str
    group: str
    split: str
    source: str
    licence: str = ""
    text: str = ""
    duration_s: float
    sha256: str = ""
    start_s: float = 0.0
    end_s: float | None = None
    row: int | None = None
    weight: float = 1.0
    details: Mapping[str, str] = field(default_factory=dict)

    def clip(self) -> Clip:
        """The clip, fixed to the split that it was in. Raises DataError for a stretch that cannot be."""
        return Clip(
            path=unportable(self.path), label=self.label, group=self.group, source=self.source,
            licence=self.licence, text=self.text, split=self.split, start_s=self.start_s, end_s=self.end_s,
            row=self.row, weight=self.weight, details=self.details,
        )  # fmt: skip


def write_manifest(path: Path, splits: Splits) -> tuple[ManifestRow, ...]:
    """Write the manifest atomically and return its rows: training, validation, test, each in the order of the split.

    A clip whose file has gone since it was found has a row without hash, and a warning says so.

    Args:
        path: the `.jsonl` file.
        splits: whose files are read once each, for hash and duration.

    Raises:
        DataError: the manifest cannot be written.
    """
    files = _Files()
    # One thread: with small files several spend more on the interpreter's lock than they gain (measured: 1.6 times).
    rows = tuple(files.row(clip, name) for name, clips in splits.items() for clip in clips)
    gone = [row.path for row in rows if not row.sha256]
    if gone:
        logger.warning("%d of %d clips cannot be read any more: %s", len(gone), len(rows), ", ".join(gone[:3]))
    encode = msgspec.json.Encoder().encode
    write_bytes(path, b"".join(encode(_brief(row)) + b"\n" for row in rows))
    return rows


def read_manifest(path: Path) -> tuple[ManifestRow, ...]:
    """Read what `write_manifest` wrote. Raises DataError, naming the line, for anything else."""
    try:
        data = read_file(path)
    except ModelError as error:
        raise DataError(f"cannot read the manifest: {error.message}", error.hint) from error
    return parse_manifest(data, path)


def parse_manifest(data: bytes, origin: Path) -> tuple[ManifestRow, ...]:
    """The rows of a manifest's content; `origin` is named in errors. Raises DataError, naming the line."""
    decode = msgspec.json.Decoder(ManifestRow).decode
    rows = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            row = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DataError(f"{origin}, line {number}: {error}", "the manifest is damaged or is not one") from error
        if row.split not in SPLIT_NAMES:
            known = ", ".join(SPLIT_NAMES)
            raise DataError(f"{origin}, line {number}: there is no split {row.split!r}", f"use {known}")
        rows.append(row)
    return tuple(rows)


def digest(rows: Sequence[ManifestRow]) -> str:
    """One hash for all clips: the SHA-256 of their own, a line each, in the order of the rows; "" if none has one."""
    hashes = [row.sha256 for row in rows]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest() if any(hashes) else ""


def lean_manifest(data: bytes, origin: Path) -> tuple[bytes, str]:
    """A manifest as an archive holds it, and its `digest`: no clip has a hash of its own.

    Random numbers cannot be compressed: the hashes of 44,000 clips are 1.8 of a manifest's 3.0 MB.

    Args:
        data: the manifest's content.
        origin: is named in errors.

    Raises:
        DataError: it is damaged.
    """
    rows = parse_manifest(data, origin)
    encode = msgspec.json.Encoder().encode
    lines = ({name: value for name, value in _brief(row).items() if name != "sha256"} for row in rows)
    return b"".join(encode(line) + b"\n" for line in lines), digest(rows)


def splits_of(rows: Sequence[ManifestRow]) -> Splits:
    """The split that a manifest records."""
    return Splits(**{name: tuple(row.clip() for row in rows if row.split == name) for name in SPLIT_NAMES})


def _brief(row: ManifestRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _FIELDS}
    return {name: value for name, value in values.items() if name in _ALWAYS or value != _FIELDS[name]}


_FIELDS = {
    item.name: item.default_factory() if item.default_factory is not MISSING else item.default
    for item in fields(ManifestRow)
}
"""Each field's default."""


class _Files:
    """Hash and length of files, each read once, however many stretches of it there are."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[str, float]] = {}
        self._folders: dict[Path, str] = {}

    def row(self, clip: Clip, split: str) -> ManifestRow:
        if clip.path not in self._known:
            self._known[clip.path] = _hash_and_length(clip.path, sound=clip.row is None)
        digest, seconds = self._known[clip.path]
        return ManifestRow(
            path=self._portable(clip.path), label=clip.label, group=clip.group, split=split, source=clip.source,
            licence=clip.licence, text=clip.text, duration_s=round(clip.length_s(seconds), 6), sha256=digest,
            start_s=clip.start_s, end_s=clip.end_s, row=clip.row, weight=clip.weight, details=clip.details,
        )  # fmt: skip

    def _portable(self, path: Path) -> str:
        """What `portable` says, asked once a folder: it looks for links at every level of a path."""
        if path.parent not in self._folders:
            self._folders[path.parent] = portable(path.parent / "-").removesuffix("-")
        return self._folders[path.parent] + path.name


def _hash_and_length(path: Path, *, sound: bool) -> tuple[str, float]:
    """SHA-256 and seconds of a file, 0 of one that is no sound; ("", 0) for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), duration_s(path) if sound else 0.0
    except (OSError, DataError):
        return "", 0.0
