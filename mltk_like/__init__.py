"""mltk_like: keyword spotting for microcontrollers, from one short Python file each.

import mltk_like as mltk
from mltk_like.models.keyword_spotting_alexa import my_model

result = mltk.train(my_model, test=True)
"""

import importlib
from typing import TYPE_CHECKING, Any

from mltk_like.errors import CheckError, DataError, MltkLikeError, ModelError, SettingError, ToolError

if TYPE_CHECKING:
    from mltk_like.cli.script import main
    from mltk_like.loader import list_models, load_model
    from mltk_like.mixins import AudioDatasetMixin, DatasetMixin, EvaluateClassifierMixin, EvaluateMixin, TrainMixin
    from mltk_like.model import Model
    from mltk_like.settings import Settings
    from mltk_like.verbs.evaluate import EvaluationResult, Recordings, evaluate
    from mltk_like.verbs.profile import Profile, profile
    from mltk_like.verbs.quantize import QuantizeResult, quantize
    from mltk_like.verbs.reporting import TrainingResult
    from mltk_like.verbs.summarize import KerasSummary, summarize
    from mltk_like.verbs.train import train
    from mltk_like.verbs.update_params import ParameterChanges, update_params

# Where each name lives. They are imported when they are first used: `--help` must not wait for NumPy.
_HOME = {
    "main": "cli.script",
    **dict.fromkeys(("list_models", "load_model"), "loader"),
    **dict.fromkeys(
        ("AudioDatasetMixin", "DatasetMixin", "EvaluateClassifierMixin", "EvaluateMixin", "TrainMixin"), "mixins"
    ),
    "Model": "model",
    "Settings": "settings",
    **dict.fromkeys(("EvaluationResult", "Recordings", "evaluate"), "verbs.evaluate"),
    **dict.fromkeys(("Profile", "profile"), "verbs.profile"),
    **dict.fromkeys(("QuantizeResult", "quantize"), "verbs.quantize"),
    "TrainingResult": "verbs.reporting",
    **dict.fromkeys(("KerasSummary", "summarize"), "verbs.summarize"),
    "train": "verbs.train",
    **dict.fromkeys(("ParameterChanges", "update_params"), "verbs.update_params"),
}

__all__ = [
    "AudioDatasetMixin",
    "CheckError",
    "DataError",
    "DatasetMixin",
    "EvaluateClassifierMixin",
    "EvaluateMixin",
    "EvaluationResult",
    "KerasSummary",
    "MltkLikeError",
    "Model",
    "ModelError",
    "ParameterChanges",
    "Profile",
    "QuantizeResult",
    "Recordings",
    "SettingError",
    "Settings",
    "ToolError",
    "TrainMixin",
    "TrainingResult",
    "evaluate",
    "list_models",
    "load_model",
    "main",
    "profile",
    "quantize",
    "summarize",
    "train",
    "update_params",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mltk_like' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"mltk_like.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
