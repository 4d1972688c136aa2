"""How much each class counts in the loss."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import SettingError


def class_weights(model: Any, counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Loss weight of each class: float32 (classes,).

    'balanced' is N / (classes x N_c), as scikit-learn and MLTK have it; a class without windows counts as if it had
    one. 'sqrt-balanced' is G / N_c, G the geometric mean of the counts: the same ratios with a product of 1, so that
    the loss stays comparable; for two classes sqrt(N_0 / N_1) and its inverse, as the TinyML bell detector has it.
    A mapping leaves classes that it does not name at 1.

    Args:
        model: a model with TrainMixin and DatasetMixin.
        counts: windows of each class in one pass.

    Raises:
        SettingError: as `check_class_weights`.
    """
    if model.class_weights == "balanced":
        balanced = counts.sum() / (len(counts) * np.maximum(counts, 1))
        return np.asarray(balanced, np.float32)
    if model.class_weights == "sqrt-balanced":
        known = np.maximum(counts, 1)
        return np.asarray(np.exp(np.log(known).mean()) / known, np.float32)
    return np.array(_given(model.class_weights, model.classes), np.float32)


def check_class_weights(model: Any) -> None:
    """Raise SettingError when the setting `class_weights` does not fit the classes, or a weight is below 0."""
    weights = _given(model.class_weights, model.classes)
    if min(weights, default=1.0) < 0 or max(weights, default=1.0) <= 0:
        raise SettingError(f"class weights {weights} are not positive", "0 leaves a class out, but not all of them")


def _given(setting: Any, classes: Sequence[str]) -> list[float]:
    """One weight a class as the setting gives them; 1 where it gives none. Raises SettingError."""
    names = ", ".join(classes)
    if isinstance(setting, str):
        return [1.0] * len(classes)
    if isinstance(setting, Mapping):
        unknown = [name for name in setting if name not in classes]
        if unknown:
            raise SettingError(f"class_weights names {unknown[0]!r}, which is no class", f"use {names}")
        return [setting.get(name, 1.0) for name in classes]
    if len(setting) != len(classes):
        raise SettingError(
            f"class_weights has {len(setting)} weights for {len(classes)} classes", f"one for each of {names}"
        )
    return list(setting)
