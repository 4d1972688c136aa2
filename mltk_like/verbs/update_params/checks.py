"""Changed parameters of a `.tflite`: whether they are known, of the type that was there, and fit the net."""

import difflib
import json
from collections.abc import Collection, Mapping, Sequence
from math import prod
from typing import Any

from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.audio.frontend import frontend_from_parameters, has_frontend
from mltk_like.audio.parameters import COMPUTED, KNOWN, check_added_parameters, is_known
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.audio.settings import PREFIX as FIXED
from mltk_like.audio.spectrum import PREFIX as FLOAT
from mltk_like.errors import SettingError
from mltk_like.tflite import STREAMING_ROWS, ModelSummary, TensorSummary, Value, summarize_tflite
from mltk_like.training.product import check_streaming_parameters

_LISTS_OF_FLOATS = (f"{FLOAT}means", f"{FLOAT}stds")


def read_value(old: Value | None, raw: str) -> Any:
    """The value of a `key=value` text: JSON where it is JSON; where a text was, what was typed remains a text.

    Args:
        old: the parameter's present value, or None.
        raw: the text behind '='.
    """
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    return raw if isinstance(old, str) and not isinstance(value, str) else value


def as_before(name: str, old: Value | None, value: Any) -> Any:
    """A value of the type that was there, or the device would read another one; an integer for a float is a float.

    That holds in lists too. What the tool knows has its own checks. Raises SettingError.
    """
    if isinstance(old, float) and type(value) is int:
        return float(value)
    if isinstance(value, list) and (name in _LISTS_OF_FLOATS or _kind(old) == _kind([0.0])):
        value = [float(each) if type(each) is int else each for each in value]
    if old is None or is_known(name) or _kind(value) == _kind(old):
        return value
    if isinstance(old, list) and isinstance(value, list) and not (old and value):
        return value
    raise SettingError(
        f"the parameter {name!r} is {_kind(old)}, given {value!r}",
        f"give such a value; to change its type, remove it first ({name}=) and add it again",
    )


def refuse_misspelt(name: str, old: Collection[str], otherwise: str = "--add makes a new one") -> None:
    """Raise SettingError, with the nearest names, for a parameter that is neither in the model nor the tool's own.

    Args:
        name: what was given.
        old: the model's parameters.
        otherwise: what to do where it is no misspelling.
    """
    if name in old or name in KNOWN:
        return
    near = difflib.get_close_matches(name, dict.fromkeys([*old, *_of_its_kind(old)]), n=3, cutoff=0.6)
    first = "did you mean " + " or ".join(map(repr, near)) + "? " if near else ""
    raise SettingError(f"the model has no parameter {name!r}", f"{first}{otherwise}")


def check_parameters(data: bytes, old: Mapping[str, Value], new: Mapping[str, Any]) -> None:
    """Check all parameters that a `.tflite` is to have: the same checks as in a model file, and whether they fit it.

    Args:
        data: the `.tflite`.
        old: its parameters.
        new: those in their place.

    Raises:
        SettingError: something computed would change, a value is out of range or of another type, or does not fit the
            net's input or outputs.
    """
    changed = {name for name in {**old, **new} if name not in old or name not in new or old[name] != new[name]}
    for name in COMPUTED:
        if name in changed:
            what = "is a fact of the net" if name == STREAMING_ROWS else "is computed"
            raise SettingError(f"{name} {what} and cannot be changed", "leave it as it is")
    check_added_parameters({name: value for name, value in new.items() if not is_known(name)}, changed=changed)
    _check_names(new, changed)
    summary = summarize_tflite(data)
    if has_frontend(new):
        _check_frontend(old, new, summary)
    recogniser = RecogniserSettings.from_parameters(new)
    EnergyGateSettings.from_parameters(new)
    classes, levels = new.get("classes"), recogniser.detection_threshold_list
    if "classes" in changed and classes is not None:
        _check_classes(classes, _values(summary.outputs))
    if levels and isinstance(classes, list) and len(levels) != len(classes):
        raise SettingError(
            f"detection_threshold_list has {len(levels)} thresholds for {len(classes)} classes",
            "give one for each class",
        )
    check_streaming_parameters(new)


def _check_frontend(old: Mapping[str, Value], new: Mapping[str, Any], summary: ModelSummary) -> None:
    """What a front end gives may become something else only where the net takes that."""
    rows, values = frontend_from_parameters(new).spectrogram_shape
    taken = new.get(STREAMING_ROWS) or rows
    if taken * values != _values(summary.inputs) and _shape(old) != (rows, values):
        raise SettingError(
            f"this front end gives {rows} columns of {values}, and the net takes {summary.inputs[0]}",
            "another shape needs a training",
        )


def _shape(parameters: Mapping[str, Value]) -> tuple[int, int] | None:
    """Columns and values of the front end that a `.tflite` has; None where it has none that could be."""
    try:
        return frontend_from_parameters(parameters).spectrogram_shape
    except SettingError:
        return None


def _values(tensors: Sequence[TensorSummary]) -> int:
    """Of the first one, for one window."""
    return prod(tensors[0].shape[1:]) if tensors else 0


def _check_names(new: Mapping[str, Any], changed: Collection[str]) -> None:
    name, version = new.get("name", "model"), new.get("version", 1)
    if "name" in changed and not (isinstance(name, str) and name):
        raise SettingError(f"name must be a text, given {name!r}")
    if "version" in changed and not (type(version) is int and version >= 0):
        raise SettingError(f"version must be a whole number from 0, given {version!r}")


def _check_classes(classes: Any, outputs: int) -> None:
    if not isinstance(classes, list) or not all(isinstance(name, str) and name for name in classes):
        raise SettingError(
            f"classes must be a list of names, given {classes!r}", 'for example \'classes=["yes", "no"]\''
        )
    if len(set(classes)) != len(classes):
        raise SettingError(f"classes has a name twice: {', '.join(classes)}", "give each output its own")
    if len(classes) != outputs:
        raise SettingError(
            f"{len(classes)} classes for {outputs} outputs of the net", "give the names in the order of the outputs"
        )


def _of_its_kind(old: Collection[str]) -> list[str]:
    """What the tool knows, without the front end that the model does not have."""
    fixed = any(name.startswith(FIXED) for name in old)
    floating = any(name.startswith(FLOAT) for name in old)
    other = FLOAT if fixed else FIXED if floating else "-"
    return [name for name in KNOWN if name not in COMPUTED and not name.startswith(other)]


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    if isinstance(value, list):
        return f"a list of {_kind(value[0])}" if value else "an empty list"
    return kinds.get(type(value), type(value).__name__)
