"""A folder of real recordings without those in which somebody says a word that is to be avoided."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip
from mltk_like.data.recordings import Folder, finished
from mltk_like.data.skipped import Clips
from mltk_like.errors import DataError

Texts = Callable[[Path], Mapping[Path, str]]
"""From the folder to what is said in its files, as far as that is known."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Recordings of a folder, less those that are not wanted.

    Attributes:
        recordings: the folder, with label, groups and licence.
        files: patterns of paths below the folder, of which one must match; `*` also crosses '/'.
        without: patterns of paths below the folder that are left out.
        avoid: words and phrases; what is said to be one by its text, its file's name or a folder's is left out.
        depth: how many folders above the words' are named for something else: that of the archive, for instance.
        texts: what is said in the files, where that is known.
    """

    recordings: Folder
    files: tuple[str, ...] = ("*",)
    without: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    depth: int = 1
    texts: Texts | None = None

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.recordings.name

    @property
    def label(self) -> str:
        """Of the folder."""
        return self.recordings.label

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> Clips:
        """The clips, sorted by path. Arguments and errors as of `Folder.collect`."""
        clips = list(self._wanted())
        if not clips:
            raise DataError(f"{self.name}: none of its recordings is wanted", "avoid fewer words")
        return finished(self.name, clips, limit=limit, min_duration_s=self.recordings.min_duration_s)

    def _wanted(self) -> Iterator[Clip]:
        root = Path(self.recordings.path).expanduser()
        texts = self.texts(root) if self.texts else {}
        for clip in self.recordings.clips():
            path = clip.path.relative_to(root)
            text = texts.get(clip.path, "")
            if (
                _matches(path, self.files)
                and not _matches(path, self.without)
                and not _is_avoided((text, *path.parts[self.depth : -1], path.stem), self.avoid)
            ):
                yield replace(clip, text=text)


def says(text: str, phrase: str) -> bool:
    """Whether the words of `phrase` are in `text`, in a row; case and what is between words do not matter."""
    words, wanted = _words(text), _words(phrase)
    count = len(wanted)
    return count > 0 and any(words[at : at + count] == wanted for at in range(len(words) - count + 1))


def _matches(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path.as_posix(), pattern) for pattern in patterns)


def _is_avoided(texts: tuple[str, ...], phrases: tuple[str, ...]) -> bool:
    """As `says` of any; a text that is the phrase in one word, as the folder "viewglass" is, counts too."""
    return any(
        says(text, phrase) or "".join(_words(text)) == "".join(_words(phrase)) for text in texts for phrase in phrases
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def librispeech_texts(root: Path) -> Mapping[Path, str]:
    """What is said in LibriSpeech: `reader-chapter.trans.txt` has a line for each file, its name and the words."""
    texts: dict[Path, str] = {}
    for table in root.rglob("*.trans.txt"):
        for line in table.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, text = line.partition(" ")
            texts[table.parent / f"{name}.flac"] = text.lower()
    return texts


def folder_texts(root: Path) -> Mapping[Path, str]:
    """What is said in files whose folder is called by the word."""
    return {path: path.parent.name for path in root.rglob("*.*")}


def prefix_texts(root: Path) -> Mapping[Path, str]:
    """What is said in files such as `computer-en-099d6097.wav`: what stands before the language."""
    found = ((path, re.match(r"(.+?)-[a-z]{2}\b", path.name)) for path in root.rglob("*.*"))
    return {path: match[1].replace("-", " ") for path, match in found if match}


_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def digit_texts(root: Path) -> Mapping[Path, str]:
    """What is said in files that begin with a digit and '_'."""
    return {path: _DIGITS[int(path.name[0])] for path in root.rglob("[0-9]_*") if path.name[0].isascii()}
