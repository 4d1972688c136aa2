"""The programs that run a net on this machine, window by window."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

from mltk_like.audio.live import Engine
from mltk_like.audio.recogniser import scores_to_uint8
from mltk_like.errors import ModelError, SettingError
from mltk_like.quiet import quiet_output
from mltk_like.tflite import TfliteModel
from mltk_like.tflite.tflm_stream import TflmStream

ENGINES = ("litert", "tflm")


@contextmanager
def open_engine(name: str, tflite: bytes, window: tuple[int, int]) -> Iterator[Engine]:
    """The int8 net on LiteRT, or on TensorFlow Lite Micro in a process of its own, for the time of the block.

    Args:
        name: 'litert' or 'tflm'.
        tflite: content of the model's file.
        window: shape of the front end's windows, (time, bands).

    Raises:
        SettingError: another name.
        ModelError: the model cannot be run, or its input does not have as many values as a window.
        ToolError: TensorFlow Lite Micro is not installed.
    """
    if name == "litert":
        with quiet_output():
            model = TfliteModel(tflite)
        shape = _fitting(model.input_shape[1:], window)
        yield lambda values: scores_to_uint8(model.predict(values.reshape(1, *shape)))[0].reshape(-1)
    elif name == "tflm":
        with TflmStream(tflite) as stream:
            shape = _fitting(stream.input_shape, window)
            yield lambda values: scores_to_uint8(stream.predict(values.reshape(shape))).reshape(-1)
    else:
        raise SettingError(f"there is no engine {name!r}", "there are: " + ", ".join(ENGINES))


def _fitting(shape: tuple[int, ...], window: tuple[int, int]) -> tuple[int, ...]:
    if prod(shape) != prod(window):
        raise ModelError(
            f"the net takes {shape}, the front end gives {window}",
            "the parameters in the .tflite are those of another net",
        )
    return shape
