"""Whose front end is looked at, and with which settings."""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.artifact import FILES, model_of, open_artifact
from mltk_like.audio.frontend import frontend_from_parameters
from mltk_like.errors import ModelError, SettingError
from mltk_like.mixins import AudioDatasetMixin
from mltk_like.model import Model, require
from mltk_like.settings import parse_assignments
from mltk_like.tflite import read_parameters

# A plus sign joins two assignments only where another one follows: 1e+5 stays whole.
_JOINED = re.compile(r"\+(?=[A-Za-z_][\w.]*=)")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model as `view_audio` knows it.

    Attributes:
        name: of the model.
        model: a specification with AudioDatasetMixin.
        spec: what the user gave; None where a `.tflite` is all that is known, without data and augmentation.
    """

    name: str
    model: Any
    spec: Model | str | Path | None


@dataclass(frozen=True, kw_only=True)
class Column:
    """One set of settings.

    Attributes:
        model: a model with them.
        changes: (setting, value of the model, value here) of what differs; empty for the model's own.
    """

    model: Any
    changes: tuple[tuple[str, object, object], ...] = ()

    @property
    def title(self) -> str:
        """The column's heading."""
        return ", ".join(f"{name} = {shown(new)}" for name, _, new in self.changes) or "the model's settings"


class _FrontendAlone(Model, AudioDatasetMixin):
    """Stands for a model of which only the `.tflite` is known."""


def open_subject(spec: Model | str | Path) -> Subject:
    """The specification behind MODEL; where only a `.tflite` or an archive of someone's is there, what it carries.

    Raises:
        ModelError: it does not exist, has no audio front end, or carries no front-end settings.
    """
    try:
        model = spec if isinstance(spec, Model) else model_of(spec)
    except ModelError:
        if not str(spec).endswith(FILES):
            raise
        return _frontend_alone(Path(str(spec)))
    require(model, AudioDatasetMixin, "view_audio")
    return Subject(name=model.name, model=model, spec=spec)


def changed_column(model: Any, text: str) -> Column:
    """The settings of one `--set`: `name=value`, or several joined by `+`. Raises SettingError."""
    changed = model.with_settings(**parse_assignments(model, _JOINED.split(text)))
    return Column(model=changed, changes=tuple(_differences(model, changed)))


def shown(value: object) -> str:
    """A setting's value as it is written on the command line."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _frontend_alone(path: Path) -> Subject:
    artifact = open_artifact(path)
    try:
        frontend = frontend_from_parameters(read_parameters(artifact.tflite()))
    except SettingError as error:
        raise ModelError(f"{path}: {error.message}", error.hint) from error
    return Subject(name=artifact.name, model=_FrontendAlone().with_settings(frontend=frontend), spec=None)


def _differences(old: Model, new: Model) -> Iterator[tuple[str, object, object]]:
    before = old.settings()
    for name, value in new.settings().items():
        if value == before[name]:
            continue
        if not dataclasses.is_dataclass(value) or type(value) is not type(before[name]):
            yield name, before[name], value
            continue
        for field in dataclasses.fields(value):
            pair = getattr(before[name], field.name), getattr(value, field.name)
            if pair[0] != pair[1]:
                yield (f"{name}.{field.name}", *pair)
