"""Names that are nearly those of classes, and lists whose names are nearly those of files: slips, to be refused."""

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath

from mltk_like.data.source import MICROPHONE_LABEL, NOISE_LABEL, ROOM_LABEL, STREAM_LABEL
from mltk_like.errors import MisnamedError

SPECIAL_LABELS = ("_unknown_", "_silence_", NOISE_LABEL, MICROPHONE_LABEL, ROOM_LABEL, STREAM_LABEL)
"""Labels that mean the same in every model."""

# So many names of a list may be missing that nine tenths are there.
_ONE_IN = 10
# Spaces, punctuation, and what is not seen; marks are letters' parts in many scripts.
_PASSED_OVER = ("Z", "P", "C")


def near_name(name: str, known: Iterable[str], *, plurals: bool = True) -> str | None:
    """The one of `known` that a name is nearly, and none where it is one of them or like none.

    Near is what differs in case, in spaces, underscores, hyphens and other punctuation, in the form of Unicode, or
    (with `plurals`) by the ending of an English plural.

    Args:
        name: of a folder or label.
        known: names of classes.
        plurals: whether a plural is the same name; in a corpus of single words it is another word.
    """
    known = tuple(known)
    if name in known:
        return None
    return next((other for other in known if _alike(_folded(name), _folded(other), plurals)), None)


def refuse_near_names(
    what: str, names: Iterable[str], known: Iterable[str], hint: str, *, plurals: bool = True
) -> None:
    """Raise MisnamedError for the first name that is nearly one of `known` and is not.

    Args:
        what: the names are, such as "the folder".
        names: to look at.
        known: names of classes.
        hint: what to do; `{near}` in it is the class.
        plurals: see `near_name`.
    """
    known = tuple(known)
    for name in dict.fromkeys(names):
        near = near_name(name, known, plurals=plurals)
        if near is not None:
            form = unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", near)
            other = " in another form of Unicode" if form else ""
            raise MisnamedError(f"{what} {name!r} is nearly {near!r}{other}, and is not", hint.format(near=near))


def refuse_near_labels(labels: Iterable[str], classes: Sequence[str]) -> None:
    """Raise MisnamedError for the first label that is nearly a class of the model: its clips would be left out."""
    if classes:
        known = (*classes, *(label for label in SPECIAL_LABELS if label not in classes))
        hint = "call it {near!r}, by its folder's name, its list or label_map; or otherwise, if it is something else"
        refuse_near_names("the label", (label for label in labels if label), known, hint)


def name_in_list(text: str) -> str:
    """A file's name as a list has it, with slashes, and without what says nothing: './', double slashes, spaces."""
    return PurePosixPath(text.strip().replace("\\", "/")).as_posix() if text.strip() else ""


def refuse_strange_list(path: Path, missing: Sequence[str], total: int, hint: str) -> None:
    """Raise MisnamedError where a list names what is not there: one name may be a slip, more than a tenth are none.

    Args:
        path: the list.
        missing: names in it that are no recording.
        total: names in it.
        hint: what to do.
    """
    if missing and (len(missing) == total or len(missing) > max(1, total // _ONE_IN)):
        raise MisnamedError(
            f"{len(missing)} of {total} names in {path} are of no recording, such as {missing[0]!r}", hint
        )


def _folded(name: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    kept = "".join(c for c in text if unicodedata.category(c)[0] not in _PASSED_OVER)
    return kept or text


def _alike(one: str, other: str, plurals: bool) -> bool:
    return one == other or (plurals and (one in _plurals(other) or other in _plurals(one)))


def _plurals(word: str) -> Collection[str]:
    return {f"{word}s", f"{word}es", *([f"{word[:-1]}ies"] if word.endswith("y") else [])}
