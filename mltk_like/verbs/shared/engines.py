"""The programs that run a net on this machine, window by window."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.live import Engine
from mltk_like.audio.recogniser import scores_to_uint8
from mltk_like.errors import SettingError
from mltk_like.quiet import quiet_output
from mltk_like.tflite import NetInput, TfliteModel
from mltk_like.tflite.tflm_stream import TflmStream

ENGINES = ("litert", "tflm")


@contextmanager
def open_engine(name: str, tflite: bytes, window: tuple[int, int]) -> Iterator[Engine]:
    """The int8 net on LiteRT, or on TensorFlow Lite Micro in a process of its own, for the time of the block.

    A net that keeps its own state is given the rows that are new since the window before, see `NetInput`.

    Args:
        name: 'litert' or 'tflm'.
        tflite: content of the model's file.
        window: shape of the front end's windows, (time, bands).

    Raises:
        SettingError: another name.
        ModelError: the model cannot be run, or its input does not have as many values as a window.
        ToolError: TensorFlow Lite Micro is not installed.
    """
    if name not in ENGINES:
        raise SettingError(f"there is no engine {name!r}", "there are: " + ", ".join(ENGINES))
    net_input = NetInput(tflite)
    net_input.check(window)
    if name == "litert":
        with quiet_output():
            model = TfliteModel(tflite)
        yield _engine(net_input, lambda inputs: model.predict(inputs)[-1])
        return
    with TflmStream(tflite) as stream:
        yield _engine(net_input, lambda inputs: [stream.predict(row) for row in inputs][-1])


def _engine(net_input: NetInput, last_output: Callable[[NDArray[Any]], NDArray[Any]]) -> Engine:
    def score(window: NDArray[np.int8]) -> NDArray[np.uint8]:
        inputs, _ = net_input(window[np.newaxis])
        return scores_to_uint8(last_output(inputs)).reshape(-1)

    return score
