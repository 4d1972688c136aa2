"""mltk_like: keyword spotting for microcontrollers, from one short Python file each.

A model is an object, and what is done with it are functions:

    import mltk_like as mltk
    from mltk_like.models.keyword_spotting_alexa import my_model

    result = mltk.train(my_model, test=True)
"""

import importlib

from mltk_like.errors import CheckError, DataError, MltkLikeError, ModelError, SettingError, ToolError

# For type checkers, as `typing` has it. Importing that takes longer than all else before the command line can end
# itself at a Ctrl-C.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from mltk_like.cli.script import main
    from mltk_like.loader import list_models, load_model
    from mltk_like.low_bit.settings import LowBit
    from mltk_like.mixins import AudioDatasetMixin, DatasetMixin, EvaluateClassifierMixin, EvaluateMixin, TrainMixin
    from mltk_like.model import Model
    from mltk_like.settings import Settings
    from mltk_like.verbs.check import CheckResult, check
    from mltk_like.verbs.classify_audio import Dumps, LiveAudio, LiveResult, classify_audio
    from mltk_like.verbs.data import DataReport, ExportedFeatures, data_report, export_features
    from mltk_like.verbs.emulate import EmulatedChip, emulate
    from mltk_like.verbs.evaluate import (
        EvaluationResult,
        Recordings,
        SideBySide,
        ThresholdResult,
        evaluate,
        evaluate_both,
        evaluate_labelled,
        evaluate_mlperf_tiny,
        evaluate_models,
        find_threshold,
    )
    from mltk_like.verbs.export import ExportResult, export
    from mltk_like.verbs.import_mltk import ImportedModel, import_mltk
    from mltk_like.verbs.mine import MineResult, mine
    from mltk_like.verbs.profile import BoardsProfile, Profile, TargetProfile, profile, profile_boards, profile_target
    from mltk_like.verbs.quantize import QuantizeResult, quantize
    from mltk_like.verbs.record import RecordResult, record
    from mltk_like.verbs.report import ModelReport, report
    from mltk_like.verbs.summarize import KerasSummary, summarize
    from mltk_like.verbs.synthesize import SynthesizeResult, synthesize
    from mltk_like.verbs.train import TrainingResult, load_weights_from, train
    from mltk_like.verbs.update_params import ParameterChanges, update_params
    from mltk_like.verbs.view_audio import AudioPage, view_audio

# Where each name lives. They are imported when they are first used: `--help` must not wait for NumPy.
_HOME = {
    "main": "cli.script",
    **dict.fromkeys(("list_models", "load_model"), "loader"),
    **dict.fromkeys(
        ("AudioDatasetMixin", "DatasetMixin", "EvaluateClassifierMixin", "EvaluateMixin", "TrainMixin"), "mixins"
    ),
    "LowBit": "low_bit.settings",
    "Model": "model",
    "Settings": "settings",
    **dict.fromkeys(("CheckResult", "check"), "verbs.check"),
    **dict.fromkeys(("Dumps", "LiveAudio", "LiveResult", "classify_audio"), "verbs.classify_audio"),
    **dict.fromkeys(("DataReport", "ExportedFeatures", "data_report", "export_features"), "verbs.data"),
    **dict.fromkeys(("EmulatedChip", "emulate"), "verbs.emulate"),
    **dict.fromkeys(
        (
            "EvaluationResult",
            "Recordings",
            "SideBySide",
            "ThresholdResult",
            "evaluate",
            "evaluate_both",
            "evaluate_labelled",
            "evaluate_models",
            "find_threshold",
        ),
        "verbs.evaluate",
    ),
    **dict.fromkeys(("ImportedModel", "import_mltk"), "verbs.import_mltk"),
    **dict.fromkeys(("MineResult", "mine"), "verbs.mine"),
    "evaluate_mlperf_tiny": "verbs.evaluate",
    **dict.fromkeys(("ExportResult", "export"), "verbs.export"),
    **dict.fromkeys(
        ("BoardsProfile", "Profile", "TargetProfile", "profile", "profile_boards", "profile_target"), "verbs.profile"
    ),
    **dict.fromkeys(("QuantizeResult", "quantize"), "verbs.quantize"),
    **dict.fromkeys(("ModelReport", "report"), "verbs.report"),
    **dict.fromkeys(("RecordResult", "record"), "verbs.record"),
    **dict.fromkeys(("KerasSummary", "summarize"), "verbs.summarize"),
    **dict.fromkeys(("SynthesizeResult", "synthesize"), "verbs.synthesize"),
    **dict.fromkeys(("TrainingResult", "load_weights_from", "train"), "verbs.train"),
    **dict.fromkeys(("ParameterChanges", "update_params"), "verbs.update_params"),
    **dict.fromkeys(("AudioPage", "view_audio"), "verbs.view_audio"),
}

__all__ = [
    "AudioDatasetMixin",
    "AudioPage",
    "BoardsProfile",
    "CheckError",
    "CheckResult",
    "DataError",
    "DataReport",
    "DatasetMixin",
    "Dumps",
    "EmulatedChip",
    "EvaluateClassifierMixin",
    "EvaluateMixin",
    "EvaluationResult",
    "ExportResult",
    "ExportedFeatures",
    "ImportedModel",
    "KerasSummary",
    "LiveAudio",
    "LiveResult",
    "LowBit",
    "MineResult",
    "MltkLikeError",
    "Model",
    "ModelError",
    "ModelReport",
    "ParameterChanges",
    "Profile",
    "QuantizeResult",
    "RecordResult",
    "Recordings",
    "SettingError",
    "Settings",
    "SideBySide",
    "SynthesizeResult",
    "TargetProfile",
    "ThresholdResult",
    "ToolError",
    "TrainMixin",
    "TrainingResult",
    "check",
    "classify_audio",
    "data_report",
    "emulate",
    "evaluate",
    "evaluate_both",
    "evaluate_labelled",
    "evaluate_mlperf_tiny",
    "evaluate_models",
    "export",
    "export_features",
    "find_threshold",
    "import_mltk",
    "list_models",
    "load_model",
    "load_weights_from",
    "main",
    "mine",
    "profile",
    "profile_boards",
    "profile_target",
    "quantize",
    "record",
    "report",
    "summarize",
    "synthesize",
    "train",
    "update_params",
    "view_audio",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'mltk_like' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"mltk_like.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
