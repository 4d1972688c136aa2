"""The texts that a new model file is made of: one for each template, with the words put in."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from mltk_like.errors import ToolError

TEMPLATES = {
    "keyword": "words that many synthetic voices say, trained from nothing",
    "event": "a sound that is no speech, such as a bell",
    "transfer": "words, on the weights of a model that knows others",
    "recordings": "words of which you have recordings, in ./recordings",
}
"""What each template is for."""

LABELS_FROM = frozenset({"recordings"})
"""Templates that train on nothing but recordings of the user's."""

_MIXINS = "mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin"
_SPEECH_IMPORTS = """from mltk_like import data
from mltk_like.audio import FrontendSettings, RecogniserSettings, effects
from mltk_like.nets import mixed_net
"""
_EVENT_IMPORTS = """from mltk_like import data
from mltk_like.audio import RecogniserSettings, SpectrumSettings, effects
from mltk_like.nets import bell_net
"""
_TRANSFER_IMPORTS = """from mltk_like import data
from mltk_like.models.keyword_spotting_mobilenetv2 import KeywordSpottingMobilenetV2
"""
_QUICK_SETTINGS = """
    # A toy: short tests, on too little for a threshold to be chosen.
    babble_minutes = 0.5
    validation_windows = 600
    evaluate_hours = 0.2
    # Of so few validation windows no checkpoint can be told from its neighbour: the last is taken.
    rank_by = "last"
    target_false_accepts_per_hour = None"""
# A slowly said sound lasts about so long; the shortest window is that of the models that ship.
_SOUND_MS, _LEAST_WINDOW_MS, _SLACK_MS = 115, 1530, 240


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for; the arguments of `new`, with the model's name in place of its path."""

    name: str
    keywords: tuple[str, ...]
    template: str
    language: str = "en"
    lexicon: str = ""
    quick: bool = False

    @property
    def is_english(self) -> bool:
        """Whether the keywords are English, of whatever accent."""
        return self.language.lower().partition("-")[0] == "en"

    @property
    def labels(self) -> tuple[str, ...]:
        """The class of each keyword."""
        return tuple(label_of(keyword) for keyword in self.keywords)


def label_of(keyword: str) -> str:
    """The class of a keyword: its letters and digits in lower case, joined by underscores ('hey_gecko')."""
    spaced = "".join(letter if letter.isalnum() else " " for letter in keyword.replace("'", "").lower())
    return "_".join(spaced.split())


def render(wanted: Wanted) -> str:
    """The model file's text.

    Raises:
        ToolError: the texts are not where the package was installed.
    """
    is_speech = wanted.template != "event"
    body = wanted.template
    if wanted.template == "keyword":
        body = "keyword" if wanted.is_english and not wanted.quick else "quick" if wanted.is_english else "language"
    values = {**_names(wanted), **_numbers(wanted), "alikes": _alikes(wanted)}
    text = "".join(_text(part) for part in ("head", body, "tail"))
    if is_speech:
        constants = f"KEYWORDS = {_tuple(wanted.keywords)}\n"
        if not wanted.is_english:
            constants += f'VOICES = ("espeak:{wanted.language}",)\n'
        values["imports"] += f"\n{constants}"
    if wanted.lexicon:
        values["imports"] = values["imports"].replace(
            "\nfrom mltk_like.nets", "\nfrom mltk_like.data.speech import WordList\nfrom mltk_like.nets"
        )
    return Template(text).substitute(values)


def _names(wanted: Wanted) -> dict[str, str]:
    """What the file is called by, and what it imports."""
    said = ", ".join(f'"{word}"' for word in wanted.keywords)
    kind = "Classifier" if wanted.template == "event" else "Keyword spotting classifier"
    base, imports = _MIXINS, _SPEECH_IMPORTS
    if wanted.template == "event":
        imports = _EVENT_IMPORTS
    if wanted.template == "transfer":
        base, imports = "KeywordSpottingMobilenetV2", _TRANSFER_IMPORTS
    return {
        "name": wanted.name,
        "title": f"{kind} to detect: {said}.".replace('"', "'"),
        "imports": imports,
        "class_name": "".join(part[:1].upper() + part[1:] for part in wanted.name.replace("-", "_").split("_")),
        "bases": base,
        "description": repr(f"{kind} to detect: {said}"),
        "classes": _tuple((*wanted.labels, "_unknown_")),
        "label": wanted.labels[0],
    }


def _tuple(words: tuple[str, ...]) -> str:
    """A tuple of texts as Python has it, in double quotation marks."""
    quoted = [json.dumps(word, ensure_ascii=False) for word in words]
    return f"({quoted[0]},)" if len(quoted) == 1 else f"({', '.join(quoted)})"


def _numbers(wanted: Wanted) -> dict[str, str]:
    """Sizes: of a toy, or of a model in earnest; several keywords share what one has."""
    n = len(wanted.keywords)
    quick = wanted.quick
    count, others = (400, 1000) if quick else (4600, 9350)
    if wanted.template in ("transfer", "recordings") and not quick:
        count, others = 1000, 2500
    numbers = {
        "count": max(round(count / n**0.5), 150), "others": max(round(others / n), 100),
        "threshold": 160, "window_ms": _window_ms(wanted.keywords),
        "epochs": 10, "epoch_steps": 100, "noise": 20, "unknown": 2.0 if n == 1 else 1.0,
        "learning_rate_steps": "((250, 1e-3), (2000, 3e-3), (500, 5e-4))",
        "quick": "", "quick_settings": "", "minutes": 180, "validation": 11_000,
    }  # fmt: skip
    if wanted.template == "event":
        numbers.update(epochs=8, epoch_steps=60, minutes=30, validation=2000) if quick else numbers.update(
            epochs=60, epoch_steps=264
        )
    elif quick:
        numbers.update(
            learning_rate_steps="((50, 1e-3), (450, 3e-3), (200, 5e-4))", noise=3, epochs=6, quick=", quick=True",
            quick_settings=_QUICK_SETTINGS,
        )  # fmt: skip
    return {name: str(value) for name, value in numbers.items()}


def _window_ms(keywords: tuple[str, ...]) -> int:
    """A window that the longest keyword fits into, at about one sound a letter; a multiple of the step."""
    letters = max(sum(letter.isalpha() for letter in keyword) for keyword in keywords)
    return max(_LEAST_WINDOW_MS, 10 * round((letters * _SOUND_MS + _SLACK_MS) / 10))


def _alikes(wanted: Wanted) -> str:
    """The source of sound-alikes in another language, which needs a list of its words."""
    if not wanted.lexicon:
        return (
            "            # What sounds like a keyword is taken for it most. In a list of words, one a line, such as\n"
            "            # /usr/share/dict/ngerman, `new` has it looked for: --lexicon FILE."
        )
    words = f"WordList(path={str(Path(wanted.lexicon).expanduser().resolve())!r}, language={wanted.language!r})"
    said = f"data.say_sound_alikes(word, count=800, engines=VOICES, words={words}, **unknown)"
    return f"            *[\n                {said}\n                for word in KEYWORDS\n            ],"


def _text(name: str) -> str:
    try:
        return (files("mltk_like.verbs.new") / "texts" / f"{name}.txt").read_text(encoding="utf-8")
    except OSError as error:
        raise ToolError(f"the template {name!r} is not where the package is installed", "install it again") from error
