"""Write a model file that trains as it is."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mltk_like.data.speech.advice import advise
from mltk_like.data.speech.engines import open_engine
from mltk_like.errors import SettingError, ToolError
from mltk_like.loader import typed
from mltk_like.paths import portable, write_text
from mltk_like.verbs.new.place import place_of
from mltk_like.verbs.new.templates import LABELS_FROM, TEMPLATES, Wanted, label_of, render

_MOST_KEYWORDS = 20
_MOST_LETTERS = 60  # of one keyword: a window that holds it lasts seven seconds


@dataclass(frozen=True, kw_only=True)
class NewModel:
    """A model file that was written.

    Attributes:
        path: the file.
        advice: what speaks against its keywords, one sentence each.
        commands: what to do next, one command line each.
    """

    path: Path
    advice: tuple[str, ...]
    commands: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"written: {portable(self.path)}", *(f"note: {sentence}" for sentence in self.advice)]
        return "\n".join([*lines, "next:", *(f"  {command}" for command in self.commands)])


def new(
    name: str, keywords: Sequence[str], *, template: str = "keyword", language: str = "en", lexicon: str = "",
    quick: bool = False,
) -> NewModel:  # fmt: skip
    """Write a model file that trains as it is, with comments that teach.

    Args:
        name: of the model, which is written to `./models/NAME.py`; or a path.
        keywords: what it is to hear: words, phrases, or the names of sounds.
        template: 'keyword' (synthetic speech), 'recordings' (folders of one's own), 'transfer' (on the weights of a
            trained model), 'event' (a sound that is no speech).
        language: of the keywords, as espeak-ng calls it; another than English needs that engine, and goes with
            'keyword' alone.
        lexicon: words of that language, one a line, among which what sounds like a keyword is looked for.
        quick: a toy, trained in minutes: few voices, a small net.

    Raises:
        ModelError: the file exists, or its name would not be found or would hide something.
        SettingError: no keyword or too many, one that is too long, or two that are one; no such template or language,
            or not together.
        ToolError: the language needs an engine that is not installed.
        DataError: the file cannot be written.
    """
    words = _checked(keywords, lower=language.lower().startswith("en"))
    wanted = Wanted(
        name=place_of(name).stem, keywords=words, template=template, language=language, lexicon=lexicon, quick=quick
    )
    _check_template(wanted)
    path = place_of(name)
    advice = _advice(wanted)
    write_text(path, render(wanted))
    return NewModel(path=path, advice=advice, commands=_commands(wanted, shlex.quote(typed(path))))


def _checked(keywords: Sequence[str], *, lower: bool) -> tuple[str, ...]:
    """The keywords with single spaces, in lower case where case says nothing of how they are said."""
    words = tuple(" ".join(keyword.split()) for keyword in keywords)
    words = tuple(word.lower() for word in words) if lower else words
    if not words or not all(words):
        raise SettingError("no keyword is given", 'as in: mltk_like new hey_gecko --keywords "hey gecko"')
    if len(words) > _MOST_KEYWORDS:
        raise SettingError(f"{len(words)} keywords are too many to begin with", f"give at most {_MOST_KEYWORDS}")
    for word in words:
        if not any(letter.isalpha() for letter in word) or any(
            letter in '"\\' or not letter.isprintable() for letter in word
        ):
            raise SettingError(f"{word!r} is no keyword", "give words in letters, as they are spelt")
        if len(word) > _MOST_LETTERS:
            raise SettingError(
                f"'{word[:20]}...' is too long for a keyword: {len(word)} letters", f"give at most {_MOST_LETTERS}"
            )
    labels = [label_of(word) for word in words]
    for label in labels:
        if labels.count(label) > 1:
            raise SettingError(f"two keywords are the class {label!r}", "give each once")
    return words


def _check_template(wanted: Wanted) -> None:
    """Raise an error for what a template cannot do."""
    if wanted.template not in TEMPLATES:
        raise SettingError(f"there is no template {wanted.template!r}", f"use {', '.join(TEMPLATES)}")
    if wanted.template == "event" and len(wanted.keywords) > 1:
        raise SettingError(
            f"the template 'event' is of one sound, not of {len(wanted.keywords)}",
            "the template 'recordings' takes several",
        )
    if wanted.is_english:
        if wanted.lexicon:
            raise SettingError("--lexicon is for other languages than English", "leave it out: English has its own")
        return
    if wanted.template != "keyword":
        raise SettingError(
            f"the template {wanted.template!r} knows English alone",
            "other languages go with the template 'keyword', in the voices of espeak-ng",
        )
    if wanted.lexicon and not Path(wanted.lexicon).expanduser().is_file():
        raise SettingError(f"there is no file {wanted.lexicon}", "give a text file with one word a line")
    _check_language(wanted.language)


def _check_language(language: str) -> None:
    """Raise ToolError or SettingError where no engine can speak a language."""
    try:
        open_engine(f"espeak:{language}").check()
    except ToolError as error:
        raise ToolError(
            f"words in {language!r} need the voices of espeak-ng (GPL-3, optional)",
            "pip install 'mltk_like[speech-gpl]'; or record them, with --template recordings",
        ) from error


def _advice(wanted: Wanted) -> tuple[str, ...]:
    """What speaks against the keywords; where that cannot be told, why."""
    if wanted.template == "event":
        return ()
    if not wanted.is_english:
        return ("only English words are compared with what people say all day; judge these yourself",)
    try:
        return advise(wanted.keywords)
    except ToolError as error:
        return (f"whether these are good wake words cannot be told here: {error.message}; {error.hint}",)


def _commands(wanted: Wanted, typed_name: str) -> tuple[str, ...]:
    """What to type next."""
    start = "python -m mltk_like"
    records = [f"{start} record {label} -o recordings" for label in (*wanted.labels, "_unknown_")]
    first = records if wanted.template in LABELS_FROM else []
    return (*first, f"{start} train {typed_name}", f"{start} classify_audio {typed_name}")
