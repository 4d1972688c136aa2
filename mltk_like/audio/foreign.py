"""Sound in kinds that libsndfile does not read (AAC, AMR, WMA: what phones and browsers record), by a decoder that the
machine has: ffmpeg on the PATH, or PyAV.

A file is decoded once, into a WAV file in the cache that is named by the content of the original.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import wave
from pathlib import Path

from mltk_like.errors import DataError
from mltk_like.paths import atomic_path, cache_dir

FOREIGN_SUFFIXES = frozenset(
    {".m4a", ".m4b", ".mp4", ".aac", ".3gp", ".3gpp", ".3g2", ".amr", ".awb", ".webm", ".weba", ".mka", ".wma", ".asf"}
)
"""Lower-case endings of files that the sources take for audio and that need a decoder."""

CONVERT = 'for f in *.m4a; do ffmpeg -i "$f" "${f%.*}.wav"; done'
"""Converts the files of a folder, in a shell."""

NO_DECODER = "needs a decoder, and there is none here"
"""Part of the message about each file of which that is so."""

_TIMEOUT_S = 3600
# What a file begins with: offset, bytes, name of the kind. Its ending does not matter: an .opus may be an MP4.
_MAGIC = (
    (4, b"ftyp", "MP4"),
    (0, b"\x1a\x45\xdf\xa3", "WebM or Matroska"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA"),
    (0, b"#!AMR", "AMR"),
    (0, b"caff", "CAF of a compressed kind"),
    (0, b"NIST_1A", "compressed SPHERE"),
)


def foreign_kind(path: Path | str) -> str | None:
    """Name of the kind that a file is of, where a decoder is needed for it and can read it; by its first bytes."""
    with open(path, "rb") as file:
        begin = file.read(16)
    for offset, magic, name in _MAGIC:
        if begin[offset : offset + len(magic)] == magic:
            return name
    # ADTS: 12 bits of 1, the MPEG version, and two bits of 0 where MP3 has its layer (ISO/IEC 13818-7, 6.2.1).
    return "AAC" if begin[:1] == b"\xff" and begin[1:2] != b"" and begin[1] & 0xF6 == 0xF0 else None


def no_decoder() -> str:
    """What to do where there is no decoder, in one line; empty where there is one."""
    if shutil.which("ffmpeg") or importlib.util.find_spec("av"):
        return ""
    return f"install ffmpeg (or: pip install av) and they are read as they are, or convert them: {CONVERT}"


def decoded(path: Path | str, kind: str) -> Path:
    """The WAV file of a sound file, at its own rate and with its own channels, 16 bits.

    Args:
        path: a file of which `foreign_kind` gives `kind`.
        kind: for the message.

    Raises:
        DataError: there is no decoder, the file has no sound or is damaged, or the cache cannot be written.
    """
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:24]
    target = cache_dir() / "decoded" / f"{digest}.wav"
    if target.is_file():
        return target
    if hint := no_decoder():
        raise DataError(f"cannot read audio from {path}: {kind} {NO_DECODER}", hint)
    with atomic_path(target) as temporary:
        problem = _by_ffmpeg(path, temporary) if shutil.which("ffmpeg") else _by_pyav(path, temporary)
        if problem:
            raise DataError(f"cannot read audio from {path}: {kind}: {problem}", "play it, or remove it")
    return target


def _by_ffmpeg(path: Path | str, target: Path) -> str:
    """Decode; returns what went wrong."""
    # Of a local file, whatever it says: some kinds are lists of addresses.
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file", "-i", f"file:{os.fspath(path)}",
        "-map", "0:a:0", "-c:a", "pcm_s16le", "-rf64", "auto", "-f", "wav", f"file:{target}",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"ffmpeg did not end within {_TIMEOUT_S} s"
    except OSError as error:
        return f"ffmpeg cannot be run: {error.strerror}"
    if done.returncode == 0:
        return ""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return f"ffmpeg: {lines[-1].strip()}" if lines else f"ffmpeg failed with code {done.returncode}"


def _by_pyav(path: Path | str, target: Path) -> str:
    """Decode; returns what went wrong."""
    import av

    try:
        with av.open(os.fspath(path), metadata_errors="ignore") as container, wave.open(str(target), "wb") as out:
            if not container.streams.audio:
                return "it has no sound"
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="s16")
            out.setsampwidth(2)
            out.setnchannels(stream.codec_context.channels)
            out.setframerate(stream.codec_context.sample_rate)
            for frame in container.decode(stream):
                for piece in resampler.resample(frame):
                    out.writeframesraw(piece.to_ndarray().tobytes())
            for piece in resampler.resample(None):
                out.writeframesraw(piece.to_ndarray().tobytes())
    except av.FFmpegError as error:
        return f"PyAV: {error.strerror}"
    except wave.Error as error:
        return f"PyAV: {error}"
    return ""
