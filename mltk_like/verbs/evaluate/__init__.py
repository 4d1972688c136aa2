"""Judge a trained model, find its thresholds, compare a board with this computer."""

from mltk_like.evaluation.result import EvaluationResult
from mltk_like.evaluation.side_by_side import SideBySide
from mltk_like.evaluation.testset import Recordings
from mltk_like.verbs.evaluate.device import DeviceCheck, check_device
from mltk_like.verbs.evaluate.files import write_evaluation
from mltk_like.verbs.evaluate.several import evaluate_models
from mltk_like.verbs.evaluate.threshold import ThresholdResult, find_threshold
from mltk_like.verbs.evaluate.verb import evaluate, evaluate_both, evaluate_labelled, evaluate_nets
from mltk_like.verbs.evaluate.wake_word_stream import evaluate_mlperf_tiny

__all__ = [
    "DeviceCheck",
    "EvaluationResult",
    "Recordings",
    "SideBySide",
    "ThresholdResult",
    "check_device",
    "evaluate",
    "evaluate_both",
    "evaluate_labelled",
    "evaluate_mlperf_tiny",
    "evaluate_models",
    "evaluate_nets",
    "find_threshold",
    "write_evaluation",
]
