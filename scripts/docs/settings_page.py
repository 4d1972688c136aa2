"""docs/settings.md: every setting of a model file, from the declarations in the package.

usage: python scripts/docs/settings_page.py        writes the page; a test compares it with what is declared
"""

import dataclasses
import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from mltk_like.audio import recogniser, settings, spectrum
from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.low_bit.settings import LowBit
from mltk_like.mixins import AudioDatasetMixin, DatasetMixin, EvaluateMixin, TrainMixin
from mltk_like.model import Model
from mltk_like.plateau import ReduceOnPlateau

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

BASES = (Model, TrainMixin, DatasetMixin, AudioDatasetMixin, EvaluateMixin)
"""The classes that declare settings, in the order of the page."""

VALUES: Mapping[type, str] = types.MappingProxyType(
    {
        settings.FrontendSettings: "`frontend = FrontendSettings(...)`: the fixed-point front end, with the names, "
        "the defaults and the results of Silicon Labs' MLTK. [The front end](front_end.md) shows what each stage does.",
        spectrum.SpectrumSettings: "`frontend = SpectrumSettings(...)`: the float front end in place of the "
        "fixed-point one. It gives log spectra, mel bands or MFCC as librosa computes them.",
        recogniser.RecogniserSettings: "`recogniser = RecogniserSettings(...)`: how scores become detections, with the "
        "names of MLTK's `classify_audio`.",
        ReduceOnPlateau: "`reduce_lr_on_plateau = dict(...)`, with the names and the rule of Keras' ReduceLROnPlateau.",
        LowBit: "`low_bit = mltk.LowBit(...)`: see [few bits](low_bit.md).",
        EnergyGateSettings: "`parameters = {**EnergyGateSettings(...).to_parameters()}`, from "
        "`mltk_like.audio.energy_gate`: nothing is classified while it is quiet. See [smart_lock](smart_lock.md).",
    }
)
"""The values with fields of their own, each with the sentence that says where it goes."""

MORE: Mapping[str, str] = types.MappingProxyType(
    {
        "classes": "At most 128.",
        "optimizer": "[How](model_files.md#training-of-your-own).",
        "learning_rate": "It goes before the rate of an optimizer that is an object.",
        "lr_schedule": "It is called for every epoch before the training begins. MLTK's `dict(schedule=...)` works.",
        "reduce_lr_on_plateau": "[Its fields](#reduceonplateau).",
        "metrics": "They are logged as `val_<name>`.",
        "domain_confusion": "0.3 is a good value, and more than 0.5 unsettles the training: [people](people.md).",
        "companion_words": "See [people](people.md).",
        "teachers": "See [people](people.md).",
        "embedding_teachers": "See [people](people.md#teachers-that-have-heard-many-people).",
        "score_temperature": "See [people](people.md#scores-that-pile-up).",
        "early_stopping_epochs": "A checkpoint is better by the figure of `rank_by`, not by its loss alone.",
        "rank_by": "See [evaluation](evaluation.md#which-checkpoint-is-exported).",
        "low_bit": "See [few bits](low_bit.md), and [its fields](#lowbit).",
        "streaming": "See [nets](nets.md#streaming).",
        "standardize": "See [the front end](front_end.md#filling-int8).",
        "unknown_class_percentage": "MLTK counts so.",
        "mining_rounds": "See [people](people.md).",
        "frontend": "The audio front end: [`FrontendSettings`](#frontendsettings) or "
        "[`SpectrumSettings`](#spectrumsettings).",
        "recogniser": "From scores to detections: [its fields](#recognisersettings).",
        "target_false_accepts_per_hour": "See [evaluation](evaluation.md#a-threshold-for-a-target).",
    }
)
"""What stands behind a setting's own description: advice, and links."""

_HEAD = """# Every setting

A model file gives values to these names in its class body.
A name that is not on this page is refused, with the nearest one that is. So is a value that does not fit.

```
python -m mltk_like train my_model --set epochs=20 --set frontend.window_size_ms=25
```

[Model files](model_files.md) says how a file is built and where else a setting can be given.
This page is written from the declarations in the package by `scripts/docs/settings_page.py`; a test compares the two.
"""
_TABLE = "| setting | default | values | what |\n| --- | --- | --- | --- |\n"
_ANYTHING = 1e9
_NAMES = {int: "int", float: "float", str: "str", bool: "bool", Any: "any"}
_UNITS = {"ms": "ms", "hz": "Hz", "db": "dB", "minutes": "minutes", "hours": "hours", "hour": "an hour"}


def page() -> str:
    """The whole page."""
    declared = [_section(base, _first_sentence(base), _declared_rows(base)) for base in BASES]
    values = [_section(kind, sentence, _field_rows(kind)) for kind, sentence in VALUES.items()]
    return "\n".join([_HEAD, *declared, *values])


def _section(kind: type, sentence: str, rows: list[str]) -> str:
    return f"## `{kind.__name__}`\n\n{sentence}\n\n" + _TABLE + "".join(rows)


def _first_sentence(base: type) -> str:
    text = " ".join((base.__doc__ or "").split("\n\n")[0].split())
    return text[0].upper() + text[1:]


def _declared_rows(base: type) -> list[str]:
    """Rows of the settings that a mixin itself declares."""
    hints = typing.get_type_hints(base, include_extras=True)
    own = [name for name in vars(base).get("__annotations__", {}) if not name.startswith("_")]
    return [
        _row(name, vars(base)[name], _values(hints[name], name), _description(hints[name]), MORE.get(name, ""))
        for name in own
    ]


def _field_rows(kind: Any) -> list[str]:
    """Rows of the fields of a value, described in its docstring."""
    told = _attributes(kind)
    hints = typing.get_type_hints(kind, include_extras=True)
    module = __import__(kind.__module__, fromlist=["RANGES"])
    rows = []
    for field in dataclasses.fields(kind):
        values = _values(hints[field.name], field.name)
        if field.name in (choices := getattr(module, "CHOICES", {})):
            values = ", ".join(f'`"{choice}"`' for choice in choices[field.name])
        elif field.name in (ranges := getattr(module, "RANGES", {})):
            values = f"{_type(hints[field.name])}{_range(*ranges[field.name])}"
        rows.append(_row(field.name, field.default, values, told[field.name], ""))
    return rows


def _range(low: float, high: float, unit: str) -> str:
    """A range with its unit; of numbers that may be anything, nothing."""
    return "" if high >= _ANYTHING else f", {low:,.10g} to {high:,.10g} {unit}".rstrip()


def _attributes(kind: type) -> dict[str, str]:
    """Field -> text of the `Attributes:` section of a docstring."""
    section = (kind.__doc__ or "").split("Attributes:", 1)[1]
    found = re.findall(r"^        (\w+): (.*(?:\n {9,}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _row(name: str, default: object, values: str, text: str, more: str) -> str:
    # A letter that stands alone is a symbol of a formula.
    sentence = text if text[1:2] in ("", " ") else text[0].upper() + text[1:]
    sentence += "" if not sentence or sentence.endswith(".") else "."
    cells = (f"`{name}`", f"`{_shown(default)}`", values, f"{sentence} {more}".strip())
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def _shown(value: object) -> str:
    if dataclasses.is_dataclass(value):
        return f"{type(value).__name__}()"
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    return repr(value)


def _values(hint: Any, name: str) -> str:
    """What a setting takes: type, range, unit."""
    limits = _limits(hint)
    unit = _UNITS.get(name.rsplit("_", 1)[-1], "")
    return ", ".join(part for part in (_type(hint), limits, unit) if part)


def _limits(hint: Any) -> str:
    """The range of a number; empty for what has none."""
    found: dict[str, float] = {}
    for one in (hint, *typing.get_args(hint)):
        for meta in getattr(one, "__metadata__", ()):
            if isinstance(meta, msgspec.Meta):
                known = {key: getattr(meta, key) for key in ("ge", "gt", "le", "lt")}
                found |= {key: value for key, value in known.items() if value is not None}
    words = {"ge": "{:g} or more", "gt": "above {:g}", "le": "at most {:g}", "lt": "below {:g}"}
    if "ge" in found and "le" in found:
        return f"{found['ge']:g} to {found['le']:g}"
    return ", ".join(words[key].format(value) for key, value in found.items())


def _type(hint: Any) -> str:
    """A type as it would be said: `int`, list of `str`, function or none."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join("none" if one is type(None) else _type(one) for one in arguments)
    if origin is typing.Literal:
        return ", ".join(f"`{value!r}`" for value in arguments)
    if origin is tuple:
        inner = _type(arguments[0])
        return f"list of {inner}" if arguments[-1] is Ellipsis else f"({', '.join(map(_type, arguments))})"
    if origin is typing.get_origin(Callable[[], None]) or hint is Callable:
        return "function"
    if origin is not None:
        return f"mapping of `{'` to `'.join(_NAMES.get(one, 'value') for one in arguments)}`"
    return f"`{_NAMES.get(hint) or hint.__name__}`"


def _description(hint: Any) -> str:
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    return ""


if __name__ == "__main__":
    PAGE.write_text(page())
