"""From the `.tflite` of whole windows to the one that takes new rows alone, with its parameters."""

from mltk_like.errors import ToolError
from mltk_like.tflite import STREAMING_ROWS, read_parameters, run_tflm
from mltk_like.tflite.streaming import StreamingReport, prove, to_streaming
from mltk_like.training.convert import stamp
from mltk_like.training.product import check_streaming_parameters


def stream_tflite(model: bytes) -> tuple[bytes, StreamingReport]:
    """The net that keeps rows, with the parameters of the other and `streaming.rows`; and what is saved.

    Args:
        model: content of a `.tflite` of whole windows, ours or not.

    Raises:
        ModelError: a layer cannot be run row by row.
        SettingError: the parameters do not go with so many rows an inference.
        CheckError: on TensorFlow Lite Micro both do not say the same.
    """
    streamed = to_streaming(model)
    parameters = {**read_parameters(model), STREAMING_ROWS: streamed.rows}
    check_streaming_parameters(parameters)
    report = prove(model, streamed)
    try:
        parameters["runtime_memory_size"] = run_tflm(streamed.model, profile=False, repeat=1).arena_bytes
    except ToolError:
        parameters.pop("runtime_memory_size", None)
    return stamp(streamed.model, parameters, None), report
