"""`manifest.jsonl`: one line per clip of a training run, so that a figure can be traced to the audio behind it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mltk_like.audio.wav import duration_s
from mltk_like.data.clip import Clip
from mltk_like.data.split import SPLIT_NAMES, Splits
from mltk_like.errors import DataError
from mltk_like.paths import portable, unportable, write_bytes


@dataclass(frozen=True, kw_only=True)
class ManifestRow:
    """One clip: what it is, where it went, and the SHA-1 of its file. The order of the fields is that of the keys."""

    path: str
    label: str
    group: str
    split: str
    source: str
    licence: str = ""
    text: str = ""
    duration_s: float
    sha1: str

    def clip(self) -> Clip:
        """The clip, fixed to the split that it was in."""
        return Clip(
            path=unportable(self.path), label=self.label, group=self.group, source=self.source,
            licence=self.licence, text=self.text, split=self.split,
        )  # fmt: skip


def write_manifest(path: Path, splits: Splits) -> tuple[ManifestRow, ...]:
    """Write the manifest atomically and return its rows: training, validation, test, each in the order of the split.

    Args:
        path: the `.jsonl` file.
        splits: whose files are read once each, for hash and duration.

    Raises:
        DataError: a clip is missing or is not audio, or the manifest cannot be written.
    """
    # One thread: with small files several spend more on the interpreter's lock than they gain (measured: 1.6 times).
    rows = tuple(_row(clip, name) for name, clips in splits.items() for clip in clips)
    encode = msgspec.json.Encoder().encode
    write_bytes(path, b"".join(encode(row) + b"\n" for row in rows))
    return rows


def read_manifest(path: Path) -> tuple[ManifestRow, ...]:
    """Read what `write_manifest` wrote. Raises DataError, naming the line, for anything else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the manifest {path}: {error.strerror}") from error
    return parse_manifest(data, path)


def parse_manifest(data: bytes, origin: Path) -> tuple[ManifestRow, ...]:
    """The rows of a manifest's content; `origin` is named in errors. Raises DataError, naming the line."""
    decode = msgspec.json.Decoder(ManifestRow).decode
    rows = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            row = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{origin}, line {number}: {error}", "the manifest is damaged or is not one") from error
        if row.split not in SPLIT_NAMES:
            known = ", ".join(SPLIT_NAMES)
            raise DataError(f"{origin}, line {number}: there is no split {row.split!r}", f"use {known}")
        rows.append(row)
    return tuple(rows)


def splits_of(rows: Sequence[ManifestRow]) -> Splits:
    """The split that a manifest records."""
    return Splits(**{name: tuple(row.clip() for row in rows if row.split == name) for name in SPLIT_NAMES})


def _row(clip: Clip, split: str) -> ManifestRow:
    seconds = duration_s(clip.path)
    try:
        digest = hashlib.sha1(clip.path.read_bytes(), usedforsecurity=False).hexdigest()
    except OSError as error:
        raise DataError(f"cannot read {clip.path}: {error.strerror}") from error
    return ManifestRow(
        path=portable(clip.path), label=clip.label, group=clip.group, split=split, source=clip.source,
        licence=clip.licence, text=clip.text, duration_s=round(seconds, 6), sha1=digest,
    )  # fmt: skip
