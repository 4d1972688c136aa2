"""`Model`: what every model file subclasses."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from msgspec import Meta

from mltk_like.audio.parameters import check_own_parameters
from mltk_like.errors import ModelError
from mltk_like.paths import resolved
from mltk_like.settings import Settings

ParameterValue = bool | int | float | str


class Model(Settings, declares=True):
    """A model specification: settings in the class body, a few methods to override, `my_model = ...` at the end.

    A model file subclasses this together with mixins (`TrainMixin`, `AudioDatasetMixin`, `EvaluateClassifierMixin`),
    and everything else (training, conversion, evaluation, profiling) is done by plain functions that take the object.
    """

    version: Annotated[int, Meta(ge=0, description="number of this specification; raise it with each change")] = 1
    description: Annotated[str, Meta(description="one sentence; goes into the .tflite's description field")] = ""
    classes: Annotated[
        tuple[str, ...],
        Meta(description="class names in the order of the net's outputs; names with '_' in front are never detected"),
    ] = ()
    parameters: Annotated[
        Mapping[str, ParameterValue],
        Meta(description="further parameters to embed in the .tflite, by name"),
        check_own_parameters,
    ] = MappingProxyType({})

    @property
    def name(self) -> str:
        """The model's name: the stem of its file, or the class's name in snake_case where there is no file."""
        path = self.path
        return path.stem if path else re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def path(self) -> Path | None:
        """The model's file; None for a class made in a notebook or at a prompt."""
        module = sys.modules.get(type(self).__module__)
        file = getattr(module, "__file__", None)
        # A program that is read from standard input calls its file "<stdin>".
        return resolved(Path(file)) if file and os.path.isfile(file) else None

    @property
    def n_classes(self) -> int:
        """Number of outputs of the net."""
        return len(self.classes)

    def embedded_parameters(self) -> Mapping[str, Any]:
        """Parameters that the `.tflite` carries; each mixin adds its own after the model's."""
        own = {"name": self.name, "version": self.version, "classes": list(self.classes)}
        return {**own, **super().embedded_parameters(), **self.parameters}


def require(model: object, mixin: type, verb: str) -> None:
    """Raise ModelError unless the model has the mixin that a verb needs."""
    if not isinstance(model, mixin):
        raise ModelError(
            f"{type(model).__name__} cannot be used with {verb!r}: it lacks {mixin.__name__}",
            f"add {mixin.__name__} to the bases of the model's class",
        )
