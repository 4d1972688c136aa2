"""The parameters that a `.tflite` carries: which are the tool's own, and what others may be called and hold."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from mltk_like.audio.energy_gate import PREFIX as GATE
from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.audio.settings import PREFIX as FIXED
from mltk_like.audio.settings import FrontendSettings
from mltk_like.audio.spectrum import PREFIX as FLOAT
from mltk_like.audio.spectrum import SpectrumSettings
from mltk_like.errors import SettingError
from mltk_like.tflite import STREAMING_ROWS, encode
from mltk_like.tflite.c_array import parameter_defines

COMPUTED = ("hash", "date", "runtime_memory_size", STREAMING_ROWS)
"""What is a fact of the file or of the net, and is nobody's to set."""
IDENTITY = ("name", "version", "classes")
"""What a model's file says by settings of these names."""
MEASURED = "sensitivity."
"""How those begin that the search for a threshold writes."""

_RECOGNISER = tuple(field.name for field in fields(RecogniserSettings))
_GATE = tuple(GATE + field.name for field in fields(EnergyGateSettings))
_FRONTENDS = tuple(
    prefix + name
    for prefix, settings in ((FIXED, FrontendSettings), (FLOAT, SpectrumSettings))
    for name in (*(field.name for field in fields(settings)), "fft_length")
)
KNOWN = (*COMPUTED, *IDENTITY, *_RECOGNISER, *_GATE, *_FRONTENDS)
"""The tool's own parameters, but for those that a search measures."""


def is_known(name: str) -> bool:
    """Whether a parameter is one of the tool's own."""
    return name in KNOWN or name.startswith(MEASURED)


def check_own_parameters(parameters: Mapping[str, Any]) -> None:
    """Check what a model adds: names of C, values that can be stored and exported, none of the tool's own names.

    The energy gate's are a model's to add.

    Raises:
        SettingError: a name or a value cannot be.
    """
    for name in parameters:
        if is_known(name) and name not in _GATE:
            raise SettingError(f"the parameter {name!r} is the tool's own", _where(name))
    check_added_parameters({name: value for name, value in parameters.items() if name not in _GATE})
    EnergyGateSettings.from_parameters(parameters)


def check_added_parameters(parameters: Mapping[str, Any], *, changed: Collection[str] | None = None) -> None:
    """Check parameters that the tool does not know.

    Args:
        parameters: all of a model.
        changed: look only at these, and whether they are the same macros as others; none: at all.

    Raises:
        SettingError: a name is no name in C, two would be the same macro, or a value cannot be stored.
    """
    looked_at = {name: value for name, value in parameters.items() if changed is None or name in changed}
    for name, value in looked_at.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
            raise SettingError(
                f"the parameter {name!r} cannot be a name in C",
                "use letters of ASCII, digits, '_', '.' and '-', and a letter first",
            )
        _check_finite(name, value)
    encode(looked_at)
    if looked_at:
        parameter_defines({**dict.fromkeys(KNOWN, 0), **parameters}, is_known)


def _check_finite(name: str, value: Any) -> None:
    for number in value if isinstance(value, list | tuple) else [value]:
        if isinstance(number, float) and not math.isfinite(number):
            raise SettingError(f"the parameter {name!r} is {number}", "give finite numbers")


def _where(name: str) -> str:
    """Where one of the tool's own parameters is set."""
    if name in IDENTITY:
        return "the name is that of the model's file" if name == "name" else f"set {name} itself"
    if name in _RECOGNISER:
        return f"set it in the recogniser: recogniser = RecogniserSettings({name}=...)"
    if name in _FRONTENDS:
        return f"set it in the front end: {name.partition('.')[2]}=..."
    return "it is computed or measured; leave it out"
