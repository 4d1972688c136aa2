"""Clips of synthetic speech as files of the user's own: names that say who speaks, any rate, a manifest."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.cluster import Workers
from mltk_like.data.speech.engines import shared_engine
from mltk_like.data.speech.finish import SAMPLE_RATE
from mltk_like.data.speech.render import REJECTED, make_clips
from mltk_like.data.speech.utterance import Utterance, speech_dir
from mltk_like.errors import DataError, SettingError
from mltk_like.paths import write_bytes

SPOKEN_BY = r"^([^_]+_[^_]+)_"
"""`group` of a `Folder` of such clips: who speaks, engine and voice, as their names begin."""

MANIFEST = "manifest.jsonl"
RATES_HZ = (8_000, 48_000)
"""Least and most sampling rate. Clips are made at 16 kHz: above, there is nothing beyond 8 kHz in them."""

_UNFIT = re.compile(r"[\W_]+")


def clip_name(utterance: Utterance, rate_hz: int = SAMPLE_RATE) -> str:
    """File name of a clip: `<engine>_<voice>_<text>_<parameters>_<key>.wav`, such as
    `espeak_en-us-f2_alexa_s1.05-p0.97_0f3a...wav`: rate of speech 1.05, pitch times 0.97."""
    rate = "" if rate_hz == SAMPLE_RATE else f"-{rate_hz}hz"
    parameters = f"s{utterance.speed:.2f}-p{utterance.shift:.2f}{rate}"
    said = readable(utterance.text or utterance.phonemes)[:40].strip("-")
    return (
        "_".join((utterance.short_engine, readable(utterance.voice), said, parameters, utterance.key()[:16])) + ".wav"
    )


def folder_name(word: str) -> str:
    """The folder of a word's clips, which is their label in a `Folder`: "Hey computer!" -> hey_computer.

    Raises:
        SettingError: there is no letter and no figure in the word.
    """
    name = _UNFIT.sub("_", word.lower()).strip("_")
    if not name:
        raise SettingError(f"there is nothing to say in {word!r}", "give a word with letters")
    return name


def readable(text: str) -> str:
    """A text in letters (of any script), figures and hyphens, as part of a file name."""
    return _UNFIT.sub("-", text.lower()).strip("-") or "x"


def export_clips(
    jobs: Sequence[tuple[Utterance, Path]], *, name: str, rate_hz: int, workers: Workers, progress: bool
) -> None:
    """Make the files that are missing: from the cache, where the clip is there, else spoken first. A clip that no draw
    made sound right gets no file.

    Args:
        jobs: utterances and their files.
        name: shown at the progress bar.
        rate_hz: of the files.
        workers: processes; none: one a core; 0: this process; or a cluster.
        progress: show a bar.

    Raises:
        ToolError: an engine's package is missing.
        DataError: an engine failed, or a file cannot be written.
    """
    root = str(speech_dir())
    wanted = [(said, said.location(root), target) for said, target in jobs if not target.exists()]
    # By file, since two folders may want the same clip.
    missing = {path: said for said, path, _ in wanted if not (os.path.exists(path) or os.path.exists(path + REJECTED))}
    if missing:
        speak = [(said, path) for path, said in missing.items()]
        make_clips(speak, name=name, workers=workers, progress=progress)
    for _, path, target in wanted:
        if not os.path.exists(path):
            continue
        if rate_hz == SAMPLE_RATE:
            write_bytes(target, Path(path).read_bytes())
        else:
            write_wav(target, read_audio(path, rate_hz), rate_hz)


def manifest_row(utterance: Utterance, target: Path, folder: Path, label: str, rate_hz: int) -> dict[str, Any]:
    """What the manifest says of a clip: path below the folder, label, group and so on, seconds, and all details."""
    engine = shared_engine(utterance.engine)
    return {
        "path": target.relative_to(folder).as_posix(),
        "label": label,
        "group": utterance.group,
        "split": engine.split,
        "licence": engine.licence_of(utterance.voice),
        "text": utterance.text or utterance.phonemes,
        # The files are ours: a header of 44 bytes and 16-bit samples.
        "duration_s": round((target.stat().st_size - 44) / 2 / rate_hz, 4),
        **utterance.details(),
    }


def update_manifest(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a folder's manifest: one JSON object a line, in the order of the paths, without files that are gone.

    Raises:
        DataError: what is there is no manifest, or it cannot be written.
    """
    known = {row["path"]: row for row in (*read_manifest(folder), *rows)}
    kept = [row for name, row in sorted(known.items()) if (folder / name).is_file()]
    encode = msgspec.json.Encoder().encode
    write_bytes(folder / MANIFEST, b"".join(encode(row) + b"\n" for row in kept))


def read_manifest(folder: Path) -> list[dict[str, Any]]:
    """The rows of a folder's manifest, if it has one. Raises DataError where that file is something else."""
    path = folder / MANIFEST
    lines = path.read_bytes().splitlines() if path.is_file() else []
    try:
        rows = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines]
        if not all(isinstance(row["path"], str) for row in rows):
            raise KeyError
    except (msgspec.DecodeError, KeyError) as error:
        raise DataError(f"{path} is not a manifest", "give another folder, or remove that file") from error
    return rows
