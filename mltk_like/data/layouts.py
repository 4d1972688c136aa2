"""Published data sets as they lie on disk: Speech Commands, Multilingual Spoken Words."""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mltk_like.cluster import Workers
from mltk_like.data.clip import Clip
from mltk_like.data.lists import SPLIT_WORDS
from mltk_like.data.names import name_in_list, near_name, refuse_strange_list
from mltk_like.data.recordings import Folder, finished
from mltk_like.data.skipped import Clips, Skipped
from mltk_like.data.source import NOISE_LABEL
from mltk_like.data.tables import read_rows, read_text
from mltk_like.errors import MisnamedError

logger = logging.getLogger(__name__)

_BACKGROUND = "_background_noise_"
_SPEAKER = r"^([0-9a-f]+)_nohash_"
# The corpus writes "NA" where it does not know who speaks.
_NOBODY = ("", "NA", "nan")
# Of a table that is this corpus's; it has every recording of it.
_LEAST_NAMED = 0.5


@dataclass(frozen=True, kw_only=True)
class SpeechCommands:
    """Speech Commands, version 1 or 2, or recordings laid out like it: a folder for each word, files `HASH_nohash_N`.

    HASH stands for the speaker. `validation_list.txt` and `testing_list.txt`, where they are there, fix the split, for
    all that a speaker said; without them the splitter decides. `_background_noise_` becomes `_noise_`.
    P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", arXiv:1804.03209, section 5.

    Attributes:
        path: the folder.
        labels: words to tell apart; empty takes each word as its own label.
        other: label of the words that `labels` does not name; empty leaves them out.
        speakers: sources with the same `speakers` share their groups.
        licence: of the published set.
        min_duration_s: shorter files are skipped.
        strict: unusable files raise DataError instead of being skipped with one warning.
        name: in tables and manifest.
    """

    path: Path | str
    labels: tuple[str, ...] = ()
    other: str = "_unknown_"
    speakers: str = "speech_commands"
    licence: str = "CC-BY-4.0"
    min_duration_s: float = 0.05
    strict: bool = False
    name: str = "Speech Commands"

    @property
    def label(self) -> str:
        """Empty: its clips have several."""
        return ""

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> Clips:
        """The clips, sorted by path, the background noise last.

        Args:
            limit: only the first so many, labels and groups taking turns.
            workers: not used.
            progress: not used.

        Raises:
            DataError: there is no such folder, or nothing usable in it; with `strict`, any unusable file.
            MisnamedError: a folder is nearly called as one of `labels`, or a list names other files.
        """
        root = Path(self.path).expanduser()
        words = Folder(
            path=root, labels=self.labels, other=self.other, group=_SPEAKER, speakers=self.speakers, name=self.name
        )
        clips = [replace(clip, text=clip.path.parent.name, licence=self.licence) for clip in words.clips(plurals=False)]
        clips = _listed_splits(root, clips)
        if (root / _BACKGROUND).is_dir():
            noise = Folder(
                path=root / _BACKGROUND, label=NOISE_LABEL, speakers=f"{self.speakers} noise", name=self.name
            )
            clips += [replace(clip, licence=self.licence) for clip in noise.clips()]
        return finished(self.name, clips, limit=limit, min_duration_s=self.min_duration_s, strict=self.strict)


@dataclass(frozen=True, kw_only=True)
class SpokenWords:
    """Multilingual Spoken Words, one language of it: `clips/WORD/FILE.opus` (or `.wav`) and `LANGUAGE_splits.csv`.

    The table says who speaks and fixes the split; a speaker whom it has in several sets goes to that with most of their
    clips, so that nobody is heard in two. Clips that it marks as not valid are skipped. Without the table each file is
    a group of its own and the splitter decides.
    M. Mazumder et al., "Multilingual Spoken Words Corpus", NeurIPS 2021 Datasets and Benchmarks.

    Attributes:
        path: the folder that holds `clips`, or the one above it.
        language: name of the folder below `path`, such as "en"; empty where `path` holds `clips` itself.
        labels: words to tell apart; empty takes each word as its own label.
        other: label of the words that `labels` does not name; empty leaves them out.
        speakers: sources with the same `speakers` share their groups: Common Voice, from which the words are cut.
        licence: of the published set.
        min_duration_s: shorter files are skipped.
        strict: unusable files raise DataError instead of being skipped with one warning.
        name: in tables and manifest.
    """

    path: Path | str
    language: str = ""
    labels: tuple[str, ...] = ()
    other: str = ""
    speakers: str = "common_voice"
    licence: str = "CC-BY-4.0"
    min_duration_s: float = 0.05
    strict: bool = False
    name: str = "Spoken Words"

    @property
    def label(self) -> str:
        """Empty: its clips have several."""
        return ""

    def collect(self, *, limit: int | None = None, workers: Workers = None, progress: bool = True) -> Clips:
        """The clips, sorted by path. Arguments and errors as of `SpeechCommands.collect`."""
        root = Path(self.path).expanduser() / self.language
        words = Folder(
            path=root / "clips", labels=self.labels, other=self.other, speakers=self.speakers, name=self.name
        )
        clips = [replace(clip, text=clip.path.parent.name, licence=self.licence) for clip in words.clips(plurals=False)]
        tables = sorted(root.glob("*splits.csv"))
        skipped: list[Skipped] = []
        if tables:
            clips, skipped = self._with_speakers(clips, tables[0])
        return finished(
            self.name, clips, skipped=skipped, limit=limit, min_duration_s=self.min_duration_s, strict=self.strict
        )

    def _with_speakers(self, clips: Sequence[Clip], table: Path) -> tuple[list[Clip], list[Skipped]]:
        rows = _rows_of(table, {_key(clip.path.as_posix()) for clip in clips})
        if len(rows) < _LEAST_NAMED * len({clip.path for clip in clips}):
            raise MisnamedError(
                f"{table} names {len(rows)} of the {len(clips)} recordings in {table.parent}",
                "its column LINK must name them as WORD/FILE; without it voices mix",
            )
        found, skipped = [], []
        for clip in clips:
            part, valid, speaker = rows.get(_key(clip.path.as_posix()), ("", "", ""))
            if valid.lower() == "false":
                skipped.append(Skipped(path=clip.path, reason="the corpus marks it as not valid"))
                continue
            group = clip.group if speaker in _NOBODY else f"{self.speakers}/{speaker}"
            found.append(replace(clip, group=group, split=SPLIT_WORDS.get(part.lower(), "")))
        return _one_split_each(self.name, found), skipped


def speech_commands(
    path: Path | str, *, labels: Sequence[str] = (), other: str = "_unknown_", strict: bool = False
) -> SpeechCommands:
    """A source of the words in a copy of Speech Commands; see `SpeechCommands`.

    Args:
        path: its folder.
        labels: words to tell apart; empty takes each word as its own label.
        other: label of the other words; empty leaves them out.
        strict: unusable files are errors.
    """
    return SpeechCommands(path=path, labels=tuple(labels), other=other, strict=strict)


def multilingual_spoken_words(
    path: Path | str, *, language: str = "", labels: Sequence[str] = (), other: str = "", strict: bool = False
) -> SpokenWords:
    """A source of the words in a copy of the Multilingual Spoken Words Corpus; see `SpokenWords`.

    Args:
        path: the folder that holds `clips`, or the one that holds the languages.
        language: name of the folder below `path`, such as "en"; empty where `path` holds `clips` itself.
        labels: words to tell apart; empty takes each word as its own label.
        other: label of the other words; empty leaves them out.
        strict: unusable files are errors.
    """
    return SpokenWords(path=path, language=language, labels=tuple(labels), other=other, strict=strict)


def _listed_splits(root: Path, clips: Sequence[Clip]) -> list[Clip]:
    """The clips with the splits that the lists of Speech Commands give to their speakers; the test wins over all.

    Raises:
        MisnamedError: a list names other files than those that are there.
    """
    split_of: dict[str, str] = {}
    lists = {"validation": root / "validation_list.txt", "test": root / "testing_list.txt"}
    present = {split: path for split, path in lists.items() if path.is_file()}
    for split, path in present.items():
        named = _named(root, path)
        split_of |= {clip.group: split for clip in clips if clip.path.relative_to(root).as_posix() in named}
    rest = "training" if len(present) == len(lists) else ""
    return [replace(clip, split=split_of.get(clip.group, rest)) for clip in clips]


def _named(root: Path, path: Path) -> set[str]:
    """The recordings that a list names, as WORD/FILE from the data set's folder, however the list writes them.

    Words without a folder are not in this copy of the set, and their names are passed over.
    """
    given = [name for name in map(name_in_list, read_text(path).splitlines()) if name]
    words = {folder.name for folder in root.iterdir() if folder.is_dir()}
    named: set[str] = set()
    missing, elsewhere = list[str](), 0
    for name in given:
        # Absolute names, and those that begin with the set's own folder, end in WORD/FILE.
        short = "/".join(name.split("/")[-2:])
        found = next((each for each in (name, short) if not each.startswith("/") and (root / each).is_file()), None)
        if found is not None:
            named.add(found)
        elif "/" in short and (word := short.split("/")[0]) not in words and near_name(word, words) is None:
            elsewhere += 1
        else:
            missing.append(name)
    total = len(given) - elsewhere
    if given and not total:
        missing, total = given, len(given)
    refuse_strange_list(path, missing, total, f"it must name files of {root} as WORD/FILE.wav; without it voices mix")
    return named


def _key(path: str) -> str:
    """A file of Spoken Words as the table names it, whatever its format: WORD/FILE without the ending."""
    return "/".join(name_in_list(path).split("/")[-2:]).rpartition(".")[0]


def _rows_of(table: Path, wanted: Collection[str]) -> dict[str, tuple[str, str, str]]:
    """Set, validity and speaker of the files that are there; the table of English has millions that may not be."""
    rows = {}
    for _, row in read_rows(table):
        key = _key(row.get("link", ""))
        if key in wanted:
            rows[key] = row.get("set", ""), row.get("valid", ""), row.get("speaker", "")
    return rows


def _one_split_each(name: str, clips: Sequence[Clip]) -> list[Clip]:
    """The clips with every group in the split that has most of it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for clip in clips:
        counts[clip.group][clip.split] += 1
    best = {group: count.most_common(1)[0][0] for group, count in counts.items()}
    moved = sum(clip.split != best[clip.group] for clip in clips)
    if moved:
        logger.warning("%s: %d of %d clips change their split, so that no speaker is in two", name, moved, len(clips))
    return [replace(clip, split=best[clip.group]) for clip in clips]
