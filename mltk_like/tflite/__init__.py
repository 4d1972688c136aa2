"""`.tflite` files without TensorFlow: parameters, summary, interpreters, and TensorFlow Lite Micro."""

from mltk_like.tflite.agreement import Agreement, before_softmax, compare_engines, random_inputs
from mltk_like.tflite.interpreter import TfliteModel
from mltk_like.tflite.layers import LayerSummary, TensorSummary
from mltk_like.tflite.model_file import is_tflite
from mltk_like.tflite.net_input import STREAMING_ROWS, NetInput
from mltk_like.tflite.parameters import (
    Value,
    compact,
    decode,
    encode,
    read_description,
    read_parameters,
    write_parameters,
)
from mltk_like.tflite.runner import (
    TFLM_REQUIREMENT,
    LayerTime,
    TflmResult,
    Waiting,
    find_tflm,
    is_tested_build,
    run_tflm,
    runner_path,
)
from mltk_like.tflite.summary import ModelSummary, summarize_tflite
from mltk_like.tflite.units import format_units

__all__ = [
    "STREAMING_ROWS",
    "TFLM_REQUIREMENT",
    "Agreement",
    "LayerSummary",
    "LayerTime",
    "ModelSummary",
    "NetInput",
    "TensorSummary",
    "TfliteModel",
    "TflmResult",
    "Value",
    "Waiting",
    "before_softmax",
    "compact",
    "compare_engines",
    "decode",
    "encode",
    "find_tflm",
    "format_units",
    "is_tested_build",
    "is_tflite",
    "random_inputs",
    "read_description",
    "read_parameters",
    "run_tflm",
    "runner_path",
    "summarize_tflite",
    "write_parameters",
]
