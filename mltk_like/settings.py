"""Typed settings as plain class attributes, validated wherever they are given.

A mixin declares settings with annotations and defaults; a model file gives values in its class body; a notebook assigns
to the instance; the command line says `--set name=value`. All four go through `validate`, and reading is an ordinary
attribute look-up that changes nothing.

    class TrainMixin(Settings, declares=True):
        epochs: Annotated[int, Meta(ge=1, description="passes over the training clips")] = 100

    class Bell(Model, TrainMixin):
        epochs = 30          # checked here; `epoch = 30` is refused with "did you mean 'epochs'?"
"""

import dataclasses
import difflib
import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

import msgspec

from mltk_like.errors import SettingError

SettingsT = TypeVar("SettingsT", bound="Settings")

# What people who come from MLTK type, and what the same thing is called here.
_MLTK_NAMES = {
    "build_model_function": "override the method network(self)",
    "frontend_settings": "it is called 'frontend' here",
    "model_parameters": "use the settings 'recogniser' and 'parameters'",
    "early_stopping": "it is called 'early_stopping_epochs' here",
    "train_callbacks": "override the method callbacks(self)",
    "keras_custom_objects": "not needed: the model's file is loaded before its net",
    "checkpoint": "what it monitors is called 'rank_by' here",
    "tensorboard": "every training writes its logs to train/tensorboard in the run's folder",
    "dataset": "override the method sources(self)",
    "datagen": "override the method augment(self, scene, rng, sounds)",
    "input_shape": "it follows from 'frontend'",
    "tflite_converter": "int8 conversion needs no settings here",
    "class_mode": "classes are always one-hot here",
    "mode": "write monitor='max:NAME' or 'min:NAME' where the name does not tell",
    "verbose": "leave it out: every epoch's learning rate is logged",
}
_LONGEST = 300  # characters of a value in a message
# What msgspec and the checks let pass besides their own errors: lone surrogates, lists in lists, endless numbers.
_UNREADABLE = (ValueError, OverflowError, RecursionError)


class Settings:
    """Base of `Model` and of every mixin. Subclasses with `declares=True` declare settings; others give values."""

    def __init_subclass__(cls, *, declares: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not declares:
            _check_class_body(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        """Validate and store a setting. Raises SettingError for unknown names, wrong types, values out of range."""
        if not name.startswith("_"):
            value = validate(type(self), name, value)
        object.__setattr__(self, name, value)

    def embedded_parameters(self) -> Mapping[str, Any]:
        """Parameters that the `.tflite` carries: the model's own, then those of each mixin in turn."""
        return {}

    def with_settings(self, **changes: Any) -> Self:
        """A new object with these settings changed; this one stays as it is. Raises SettingError."""
        twin = self.__class__.__new__(self.__class__)
        twin.__dict__.update(self.__dict__)
        # Not by setattr, which takes any name with an underscore in front: these may come from a file.
        twin.__dict__.update({name: validate(type(self), name, value) for name, value in changes.items()})
        return twin

    def overrides(self) -> dict[str, Any]:
        """The settings assigned to this object, as against those of its class."""
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def settings(self) -> dict[str, Any]:
        """Every setting's value by name."""
        return {name: getattr(self, name) for name in declared(type(self))}


def declared(cls: type) -> dict[str, Any]:
    """Name -> annotated type of every setting that the class's bases declare, in the order of declaration."""
    # Kept with the class: a cache beside it would keep every class alive.
    found: dict[str, Any] = vars(cls).get("_declared") or _declared(cls)
    return found


def _declared(cls: type) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        # A final class may repeat an annotation; only declaring bases (those that gave no values) count.
        if not issubclass(base, Settings) or base is Settings or "_final" in vars(base):
            continue
        hints = typing.get_type_hints(base, include_extras=True)
        result |= {
            n: t for n, t in hints.items() if n in vars(base).get("__annotations__", {}) and not n.startswith("_")
        }
    type.__setattr__(cls, "_declared", result)
    return result


def validate(cls: type, name: str, value: Any) -> Any:
    """Check one value against its setting's type and range; lists become tuples, mappings dataclasses.

    Raises:
        SettingError: no base declares the name (with the nearest names), or the value does not fit.
    """
    fields = declared(cls)
    if name not in fields:
        raise SettingError(f"unknown setting {_shown(name)}", _suggest(name, fields))
    return convert(f"setting {name!r}", fields[name], value)


def convert(what: str, hint: Any, value: Any) -> Any:
    """`value` as the annotated type `hint`; functions among its annotations check it further.

    Raises SettingError that begins with `what`.
    """
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        value = value.tolist()  # of NumPy
    bare = _bare(hint)
    if value is None and types.NoneType in typing.get_args(bare):
        return None
    if _is_callable_type(bare):
        return _convert_callable(what, hint, value)
    wanted = hint
    if kinds := _dataclasses(bare):
        if isinstance(value, kinds):
            return value
        wanted = _kind_of(value, kinds)
        if isinstance(value, Mapping):
            refuse_unknown(what, value, _field_names(wanted))
    try:
        result = msgspec.convert(value, wanted)
        # Read-only, so that nothing is changed behind the validation's back.
        result = types.MappingProxyType(result) if isinstance(result, dict) else result
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, SettingError):
            raise error.__cause__ from error
        raise SettingError(f"{what}: {_expected(wanted, error)}; given {_shown(value)}", _describe(hint)) from error
    except _UNREADABLE as error:
        raise SettingError(f"{what} cannot be {_shown(value)}", _describe(hint)) from error
    try:
        for check in filter(callable, getattr(hint, "__metadata__", ())):
            check(result)
    except SettingError as error:
        raise SettingError(f"{what}: {error.message}", error.hint) from error
    return result


def refuse_unknown(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise SettingError when one of `names` is not among `known`."""
    known = list(known)
    for name in names:
        if name not in known:
            raise SettingError(f"{what} has no field {_shown(name)}", _suggest(str(name), known))


def parse_assignments(model: Settings, assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `--set` texts into settings: `epochs=5`, `classes=["yes","no"]`, `frontend.window_size_ms=25`.

    The value is read as JSON where it is JSON, else as a plain text. Later ones win.

    Raises:
        SettingError: no '=' in the text, or what `validate` refuses.
    """
    changes: dict[str, Any] = {}
    fields: dict[str, dict[str, Any]] = {}
    for text in assignments:
        path, equals, raw = text.partition("=")
        if not equals or not path:
            raise SettingError(f"cannot read the setting {text!r}", "write name=value, for example epochs=5")
        name, _, field = path.strip().partition(".")
        value = raw if _bare(declared(type(model)).get(name)) is str else _read_json(raw)
        if field:
            fields.setdefault(name, {})[field] = value
        else:
            changes[name] = validate(type(model), name, value)
    for name, values in fields.items():
        # All fields at once: two of them may be right only together.
        changes[name] = _replace_fields(model, changes.get(name, getattr(model, name, None)), name, values)
    return changes


def to_json(model: Settings) -> dict[str, Any]:
    """Every setting as JSON values. Functions become the text '<function name>' and do not come back."""
    return {name: _to_builtins(value) for name, value in model.settings().items()}


def overrides_to_json(model: Settings) -> dict[str, Any]:
    """The settings assigned to the object, as JSON values that `from_json` reads back.

    Raises:
        SettingError: one of them is a function, which no file can hold.
    """
    for name, value in model.overrides().items():
        if holds_code(value):
            raise SettingError(
                f"the function assigned to {name!r} cannot be stored",
                "define it in a model file to keep or resume the run",
            )
    return storable_overrides(model)


def storable_overrides(model: Settings) -> dict[str, Any]:
    """The settings assigned to the object, as JSON values, without those that no file can hold."""
    return {name: _to_builtins(value) for name, value in model.overrides().items() if not holds_code(value)}


def holds_code(value: Any) -> bool:
    """Whether a setting's value is a function or an object of Keras, or has one among others."""
    return _is_code(value) or (isinstance(value, tuple) and any(map(_is_code, value)))


def given(model: Settings, name: str) -> bool:
    """Whether a setting was given, in the model's class or on the object, and is not the default of a mixin."""
    classes = (cls for cls in type(model).__mro__ if "_final" in vars(cls))
    return name in vars(model) or any(name in vars(cls) for cls in classes)


def from_json(model: SettingsT, values: Mapping[str, Any]) -> SettingsT:
    """The model with settings read back from `overrides_to_json`. Raises SettingError for anything else."""
    if not isinstance(values, Mapping):
        raise SettingError(f"settings are names and values, not {_shown(values)}", 'as in {"epochs": 5}')
    return model.with_settings(**{str(name): value for name, value in values.items()})


def with_newer_fields(model: Settings, stored: Mapping[str, Any]) -> dict[str, Any]:
    """What `to_json` gave once, and in settings that have fields of their own the defaults of fields that are newer.

    Raises:
        SettingError: such a setting can no longer be what it was.
    """
    parts = {
        name: value
        for name, value in stored.items()
        if isinstance(value, dict) and dataclasses.is_dataclass(getattr(model, name, None))
    }
    read = json.loads(json.dumps(to_json(from_json(model, parts))))
    return {**stored, **{name: read[name] for name in parts}}


def _check_class_body(cls: type) -> None:
    """Refuse what no mixin knows, and store what it does in its validated form."""
    cls._final = True  # type: ignore[attr-defined]
    hooks = _hooks(cls)
    for name, value in list(vars(cls).items()):
        if name.startswith("_"):
            continue
        if name in declared(cls):
            value = validate(cls, name, value)
            # A plain function in a class body would be called with the model in front.
            plain = isinstance(value, types.FunctionType) and "self" not in value.__code__.co_varnames[:1]
            setattr(cls, name, staticmethod(value) if plain else value)
        elif isinstance(value, types.FunctionType | classmethod | staticmethod | property):
            if name not in hooks:
                hint = _suggest(name, hooks) + "; a helper of the model's own starts with an underscore"
                raise SettingError(f"{cls.__name__} defines {name!r}, which nothing calls", hint)
        else:
            raise SettingError(f"unknown setting {name!r}", _suggest(name, declared(cls)))


def _hooks(cls: type) -> list[str]:
    """Public methods that the declaring bases define: the ones a model file may override."""
    bases = (base for base in cls.__mro__ if issubclass(base, Settings) and base is not cls)
    found = (item for base in bases for item in vars(base).items())
    return [name for name, value in found if callable(value) and not name.startswith("_")]


def _suggest(name: str, known: Iterable[str]) -> str:
    if name in _MLTK_NAMES:
        return _MLTK_NAMES[name]
    if near := difflib.get_close_matches(name, list(known), n=3, cutoff=0.6):
        return "did you mean " + " or ".join(map(repr, near)) + "?"
    return "known: " + ", ".join(sorted(set(known)))


def _replace_fields(model: Settings, current: Any, name: str, values: Mapping[str, Any]) -> Any:
    if name not in declared(type(model)):
        raise SettingError(f"unknown setting {name!r}", _suggest(name, declared(type(model))))
    if not dataclasses.is_dataclass(current) or isinstance(current, type):
        raise SettingError(f"setting {name!r} has no fields", f"write {name}=value")
    hints = typing.get_type_hints(type(current), include_extras=True)
    refuse_unknown(f"setting {name!r}", values, hints)
    checked = {field: convert(f"setting '{name}.{field}'", hints[field], value) for field, value in values.items()}
    return dataclasses.replace(current, **checked)


def _read_json(raw: str) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):  # besides what is no JSON: numbers of thousands of digits, lists in lists
        return raw


def _shown(value: Any) -> str:
    """A value for a message, not longer than one is read."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        return f"such a {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _expected(hint: Any, error: msgspec.ValidationError) -> str:
    """What msgspec says, in Python's words, with the choices where there are any."""
    text = str(error).replace("`", "").replace(" - at $", " at ")
    text = text.replace("Expected array", "Expected list").replace("Expected object", "Expected mapping")
    if text.startswith("Invalid enum value"):
        return "Expected one of " + ", ".join(repr(choice) for choice in _choices(hint))
    return text


def _choices(hint: Any) -> list[Any]:
    bare = _bare(hint)
    if typing.get_origin(bare) is typing.Literal:
        return list(typing.get_args(bare))
    return [choice for option in typing.get_args(bare) for choice in _choices(option)]


def _bare(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint


def _dataclasses(hint: Any) -> tuple[type, ...]:
    """The dataclass that a hint is, or those of a union of nothing else but None; msgspec knows no such unions."""
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    options = tuple(one for one in typing.get_args(hint) if one is not types.NoneType) if union else (hint,)
    return options if all(isinstance(o, type) and dataclasses.is_dataclass(o) for o in options) else ()


def _kind_of(value: Any, kinds: tuple[type, ...]) -> type:
    """The dataclass that has most of the mapping's names; the first of equals."""
    names = value.keys() if isinstance(value, Mapping) else ()
    return max(kinds, key=lambda kind: len(_field_names(kind).intersection(names)))


def _field_names(kind: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def _is_callable_type(hint: Any) -> bool:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return any(_is_callable_type(_bare(option)) for option in typing.get_args(hint))
    return hint is Callable or typing.get_origin(hint) is typing.get_origin(Callable[[], None])


def _convert_callable(what: str, hint: Any, value: Any) -> Any:
    """A function, an object of Keras, or what else the hint allows.

    MLTK writes `dict(schedule=function, verbose=1)` where a function is meant: take the function.
    """
    if isinstance(value, Mapping) and callable(value.get("schedule")):
        value = value["schedule"]
    if _is_code(value):
        return value
    others = tuple(option for option in typing.get_args(_bare(hint)) if not _is_callable_type(_bare(option)))
    try:
        return msgspec.convert(value, typing.Union[others]) if others else None  # noqa: UP007
    except msgspec.ValidationError as error:
        alternative = "" if others in ((), (type(None),)) else " (or " + str(error).replace("`", "").lower() + ")"
        message = f"{what}: expected a function{alternative}, given {_shown(value)}"
        raise SettingError(message, _describe(hint)) from error
    except _UNREADABLE as error:
        raise SettingError(f"{what} cannot be {_shown(value)}", _describe(hint)) from error


def _is_code(value: Any) -> bool:
    """A function, a class, or an object of Keras, which all have `get_config`."""
    return callable(value) or hasattr(value, "get_config")


def _describe(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Annotated:
        texts = [meta.description for meta in hint.__metadata__ if isinstance(meta, msgspec.Meta) and meta.description]
        return texts[0] if texts else ""
    return ""


def _to_builtins(value: Any) -> Any:
    if hasattr(value, "get_config") and not isinstance(value, type):
        # Keras numbers names within a process.
        config = {name: setting for name, setting in value.get_config().items() if name != "name"}
        return f"<{type(value).__name__} {json.dumps(config, sort_keys=True, default=str)}>"
    if callable(value):
        # By name: an address in memory is another in each process.
        inner = getattr(value, "func", value)
        return f"<function {getattr(inner, '__name__', type(inner).__name__)}>"
    if isinstance(value, tuple) and any(map(_is_code, value)):
        return [_to_builtins(one) for one in value]
    if isinstance(value, Mapping):
        return dict(value)
    return msgspec.to_builtins(value)
