"""Talks to the espeak-ng program (`espeak_process.py`) by pipe: samples of a text, or its phonemes."""

import json
import struct
import subprocess
import sys
import weakref
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.lexicon import require
from mltk_like.errors import ToolError

HINT = "pip install 'mltk_like[speech-gpl]'"
"""How espeak-ng is had."""


def espeak_folder() -> Path:
    """Folder of the package espeakng-loader. Raises ToolError when it is not installed."""
    return require("espeakng_loader", HINT)


class EspeakProcess:
    """One running espeak-ng, started at the first request; it ends with this object."""

    @cached_property
    def _process(self) -> "subprocess.Popen[bytes]":
        script = str(Path(__file__).with_name("espeak_process.py"))
        # -I keeps the child from importing anything but the standard library and installed packages; the folder of
        # the package is given, since it may lie on a path that only this process knows.
        command = [sys.executable, "-I", script, str(espeak_folder())]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        weakref.finalize(self, _end, process)
        return process

    def speak(self, request: Mapping[str, Any]) -> tuple[npt.NDArray[np.float32], int]:
        """Samples and their rate in hertz of a request: {voice, text, rate, pitch, range}.

        Raises:
            ToolError: espeak-ng is not installed, or its process ended.
        """
        rate, data = self._ask(request)
        return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768), rate

    def phonemes(self, voice: str, text: str) -> str:
        """IPA of a text in espeak-ng's symbols, without its punctuation; empty for a voice that is not known.

        Raises:
            ToolError: as `speak`.
        """
        return self._ask({"voice": voice, "text": text, "phonemes": True})[1].decode()

    def _ask(self, request: Mapping[str, Any]) -> tuple[int, bytes]:
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        pipe_in.write(json.dumps(request).encode() + b"\n")
        pipe_in.flush()
        head = pipe_out.read(8)
        if len(head) < 8:
            raise ToolError(f"the espeak-ng process ended (voice {request['voice']})", HINT)
        rate, size = struct.unpack("<II", head)
        return int(rate), pipe_out.read(size)


def espeak_languages() -> tuple[str, ...]:
    """One code for each language that espeak-ng speaks, such as 'de' and 'en-gb-scotland', sorted.

    Raises:
        ToolError: it is not installed.
    """
    return tuple(sorted({codes[0] for codes in _codes()}))


def espeak_codes() -> tuple[str, ...]:
    """All codes that espeak-ng knows, also those that lead to the same language, as 'en' and 'en-gb' do.

    Raises:
        ToolError: it is not installed.
    """
    return tuple(sorted({code for codes in _codes() for code in codes}))


@lru_cache(maxsize=1)
def espeak_variants() -> tuple[str, ...]:
    """Names of all variants of a voice: people, whispers, robots; sorted.

    Raises:
        ToolError: espeak-ng is not installed.
    """
    return tuple(sorted(path.name for path in (espeak_folder() / "espeak-ng-data" / "voices" / "!v").iterdir()))


@lru_cache(maxsize=1)
def _codes() -> tuple[tuple[str, ...], ...]:
    """The codes of each voice file: its lines 'language CODE [PRIORITY]'."""
    found = []
    for path in (espeak_folder() / "espeak-ng-data" / "lang").rglob("*"):
        if path.is_file():
            lines = (line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
            found.append(tuple(words[1] for words in lines if len(words) > 1 and words[0] == "language"))
    return tuple(codes for codes in found if codes)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The program ends with its input."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()
