"""A lexicon of any language: a list of its words, read by espeak-ng."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mltk_like.data.speech.espeak_client import EspeakProcess
from mltk_like.errors import DataError
from mltk_like.paths import cache_dir, write_text

_LONGEST = 200_000  # words
_HINT = f"give a text file in UTF-8 of at most {_LONGEST:,} words, one a line"


@dataclass(frozen=True, kw_only=True, slots=True)
class WordList:
    """Words of a language, in which sound-alikes are looked for.

    Attributes:
        path: a text file in UTF-8, one word a line, such as /usr/share/dict/ngerman; what is no single word is passed
            over.
        language: as espeak-ng calls it.
    """

    path: str
    language: str


@lru_cache(maxsize=4)
def read_words(words: WordList) -> Mapping[str, str]:
    """Word -> IPA as espeak-ng reads it, about 200 words a second; the result is kept in the cache.

    Raises:
        DataError: the file cannot be read, or holds no words, or more than 200,000.
        ToolError: espeak-ng is not installed.
    """
    try:
        text = Path(words.path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the word list {words.path}: {error}", _HINT) from error
    spellings = sorted({line.strip() for line in text.splitlines() if len(line.strip()) > 1 and line.strip().isalpha()})
    if not 0 < len(spellings) <= _LONGEST:
        raise DataError(f"{words.path} holds {len(spellings):,} words", _HINT)
    digest = hashlib.sha256("\n".join((words.language, *spellings)).encode()).hexdigest()[:16]
    cached = cache_dir() / "lexicons" / f"{digest}.json"
    if cached.is_file():
        return dict(json.loads(cached.read_text(encoding="utf-8")))
    read = _read(spellings, words.language)
    write_text(cached, json.dumps(read, ensure_ascii=False))
    return read


@lru_cache(maxsize=256)
def read_text(text: str, language: str) -> str:
    """IPA of a text as espeak-ng reads it. Raises ToolError when espeak-ng is not installed."""
    return EspeakProcess().phonemes(language, text)


def _read(spellings: list[str], language: str) -> dict[str, str]:
    from tqdm.auto import tqdm

    process = EspeakProcess()
    return {word: process.phonemes(language, word) for word in tqdm(spellings, desc="reading words", unit="word")}
