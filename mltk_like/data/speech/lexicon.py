"""Pronunciations of English words: the lexicon that hibari carries, and its reading of any other text."""

import gzip
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mltk_like.errors import ToolError

SPEECH_HINT = "pip install 'mltk_like[speech]'"


def require(package: str, hint: str = SPEECH_HINT) -> Path:
    """Folder of an installed package, without importing it.

    Raises:
        ToolError: it is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ToolError(f"synthetic speech needs the package '{package}'", hint)
    return Path(spec.origin).parent


@lru_cache(maxsize=1)
def load_lexicon() -> Mapping[str, str]:
    """Word in its usual spelling -> phonemes, about 90,000 entries in alphabetical order of the file."""
    path = require("hibari") / "assets" / "lexicon_us_gold.json.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        entries: dict[str, str | dict[str, str | None]] = json.load(file)
    words: dict[str, str] = {}
    for word, entry in entries.items():
        said = entry if isinstance(entry, str) else entry.get("DEFAULT")
        if said:
            words[word] = said
    return words


@lru_cache(maxsize=1)
def ordinary_words() -> tuple[str, ...]:
    """Lower-case words of 2 to 12 letters without marks: what a text is likely to hold."""
    return tuple(
        word for word in load_lexicon() if 2 <= len(word) <= 12 and word.isascii() and word.isalpha() and word.islower()
    )


@lru_cache(maxsize=1)
def _reader() -> Any:
    require("hibari")
    from hibari.g2p import G2P

    return G2P()


@lru_cache(maxsize=4096)
def pronounce(text: str) -> str:
    """Phonemes of a text: from the lexicon when it is one word of it, else read by hibari's rules and network.

    Raises:
        ToolError: hibari is not installed.
    """
    word = text.strip()
    for spelling in (word, word.lower(), word.capitalize()):
        if found := load_lexicon().get(spelling):
            return found
    return str(_reader()(word) or "")
