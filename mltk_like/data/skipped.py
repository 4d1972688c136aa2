"""What was found and cannot be used: counted, named, never silently gone."""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mltk_like.audio.foreign import NO_DECODER, no_decoder
from mltk_like.audio.wav import duration_s
from mltk_like.data.clip import Clip, lengths_s
from mltk_like.errors import DataError
from mltk_like.paths import portable, write_text

logger = logging.getLogger(__name__)

_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A file, or a line of a list, that gave no clip.

    Attributes:
        path: the file; the list or label file where one of its lines is meant.
        reason: why, in a few words that a user can act on.
    """

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Clips(list[Clip]):
    """A list of clips that also says what was left out.

    Args:
        clips: its content.
        skipped: what gave no clip.
        problem: why a part of the source could not be had; empty if all could.
    """

    def __init__(self, clips: Iterable[Clip] = (), skipped: Iterable[Skipped] = (), problem: str = "") -> None:
        super().__init__(clips)
        self.skipped = tuple(skipped)
        self.problem = problem


def skipped_of(clips: Sequence[Clip]) -> tuple[Skipped, ...]:
    """What a source left out, if it says so."""
    return clips.skipped if isinstance(clips, Clips) else ()


def problem_of(clips: Sequence[Clip]) -> str:
    """Why a part of a source could not be had; empty if all could."""
    return clips.problem if isinstance(clips, Clips) else ""


def add_skipped(path: Path, skipped: Iterable[Skipped]) -> tuple[Skipped, ...]:
    """Add what was left out to a file, a line each, and return what it did not have. Raises DataError."""
    before = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    have = set(before)
    new = [item for item in dict.fromkeys(skipped) if _line(item) not in have]
    if new:
        write_text(path, "".join(f"{line}\n" for line in (*before, *map(_line, new))))
    return tuple(new)


def _line(item: Skipped) -> str:
    # As it is written: names of files may hold line breaks, and bytes that are no text.
    return " ".join(str(item).encode(errors="backslashreplace").decode().splitlines())


def summary_of(items: Sequence[Skipped]) -> str:
    """How many files, or lines of lists, cannot be used, the first few with the reason, and what would help."""
    named = _first_few(items, lambda item: f"{portable(item.path)}: {item.reason}")
    return f"{len(items)} recordings cannot be used: {named}"


def report(
    name: str, items: Collection[Skipped], total: int, what: str = "recordings cannot be used", *, strict: bool = False
) -> None:
    """Say once, with the first few, what is wrong with some of a source's clips; nothing if nothing is.

    Args:
        name: of the source.
        items: what is wrong.
        total: how many there were with them.
        what: what they are and do.
        strict: raise DataError instead of a warning.

    Raises:
        DataError: `strict`, and something is wrong.
    """
    if not items:
        return
    text = f"{name}: {len(items)} of {total} {what}: {_first_few(items, str)}"
    if strict:
        raise DataError(text, "mend or remove them, or use strict=False to go on without")
    logger.warning(text)


def usable(clips: Iterable[Clip], *, min_duration_s: float = 0.0) -> Clips:
    """The clips that are audio and long enough, by their files' headers; the others with the reason.

    Args:
        clips: of any files; each file is opened once, however many stretches of it there are.
        min_duration_s: shorter clips are left out; what lies beyond the end of the file does not count.
    """
    kept: list[Clip] = []
    skipped: list[Skipped] = []
    clips = list(clips)
    for clip, seconds in zip(clips, lengths_s(clips), strict=True):
        # NaN, which stands for unreadable, is not >= anything.
        if seconds > 0 and seconds >= min_duration_s:
            kept.append(clip)
        else:
            skipped.append(Skipped(path=clip.file, reason=_reason(clip, seconds, min_duration_s)))
    return Clips(kept, skipped)


def of_labels(clips: Iterable[Clip], labels: Collection[str]) -> Clips:
    """The clips whose label is one of `labels`; the others with the reason."""
    kept: list[Clip] = []
    skipped: list[Skipped] = []
    for clip in clips:
        if clip.label in labels:
            kept.append(clip)
        else:
            skipped.append(Skipped(path=clip.file, reason=f"its label {clip.label!r} is no class of the model"))
    return Clips(kept, skipped)


def cause(error: DataError, path: Path) -> str:
    """What is wrong with a file, without its name, which a `Skipped` has already."""
    return error.message.removeprefix(f"cannot read audio from {path}: ")


def way_out(problem: str, otherwise: str) -> str:
    """Hint for a problem with a file: how to get a decoder where that is what it needs, else `otherwise`."""
    return no_decoder() if NO_DECODER in problem else otherwise


def _first_few(items: Collection[Skipped], say: Callable[[Skipped], str]) -> str:
    """The first few, how many of all need a decoder that is not here, and the line that converts these."""
    first = "; ".join(say(item) for item in list(items)[:_NAMED]) + ("; ..." if len(items) > _NAMED else "")
    count = sum(NO_DECODER in item.reason for item in items)
    return first + (f" ({count} need a decoder: {no_decoder()})" if count else "")


def _reason(clip: Clip, seconds: float, least: float) -> str:
    if seconds >= 0:
        beyond = clip.name != str(clip.path) and seconds == 0
        return f"{clip.name} begins after the end of the file" if beyond else f"{seconds:g} s are less than {least:g} s"
    try:
        duration_s(clip.path)
    except DataError as error:
        return cause(error, clip.path)
    return "it could not be read a moment ago"
