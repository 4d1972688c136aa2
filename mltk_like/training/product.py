"""The `.tflite` that a model is shipped as: of whole windows, or with its own state (`streaming`)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.frontend import frontend_from_parameters, has_frontend
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.audio.settings import FrontendSettings
from mltk_like.errors import CheckError, ModelError, SettingError
from mltk_like.model import Model
from mltk_like.quiet import quiet_output
from mltk_like.tflite import STREAMING_ROWS, NetInput, TfliteModel
from mltk_like.training.convert import embed, to_tflite
from mltk_like.training.streaming import Stream, to_streaming_tflite

FLOAT_BOUND = 1e-4
"""Most by which a probability of the float stream may differ from that of the window: the order of summation."""
INT8_BOUND = 0.05
"""Most by which the int8 stream's probabilities may differ from those of the int8 net of windows, on average."""

_FLOAT_WINDOWS = 2
_INT8_WINDOWS = 100


def make_tflite(
    model: Model, net: Any, windows: NDArray[np.int8], *, kept: Mapping[str, Any] = MappingProxyType({})
) -> bytes:
    """Convert a trained net as its model says, with the model's parameters embedded.

    Args:
        model: the specification; `streaming` makes a `.tflite` with its own state.
        net: its Keras net.
        windows: as the front end gives them, int8 (n, time, 1, bands), to set the ranges.
        kept: parameters that win over the model's own, see `embed`.

    Raises:
        SettingError, ModelError: the model cannot be streamed, see `check_streaming`.
        CheckError: the input's scale is not 1, or the stream does not say what the window says.
    """
    kept = {name: value for name, value in kept.items() if name != STREAMING_ROWS}
    if not getattr(model, "streaming", False):
        return embed(to_tflite(net, windows), model, kept=kept)
    rows = check_streaming(model, net, windows[:_FLOAT_WINDOWS])
    check_streaming_parameters({**model.embedded_parameters(), **kept, STREAMING_ROWS: rows})
    data = embed(to_streaming_tflite(net, windows), model, kept={**kept, STREAMING_ROWS: rows})
    _check_int8(data, to_tflite(net, windows), windows[:_INT8_WINDOWS])
    return data


def check_streaming(model: Model, net: Any, windows: NDArray[np.int8] | None = None) -> int:
    """The rows that each inference of the streaming `.tflite` will take; nothing is converted yet.

    Args:
        model: the specification.
        net: its Keras net, trained or not.
        windows: int8 (n, time, 1, bands), on which row by row must give what the window gives; None: a random one.

    Raises:
        SettingError: the model's settings do not go with a stream of so many rows an inference.
        ModelError: the net cannot be run row by row.
        CheckError: it can, and says something else than on the window.
    """
    rows = Stream(net).rows
    time = int(net.input_shape[1])
    if time % rows:
        raise ModelError(
            f"a window of {time} rows is no multiple of the {rows} that the streaming net takes at a time",
            f"make sample_length_ms {time % rows} steps (window_step_ms) shorter, or {rows - time % rows} longer",
        )
    check_streaming_parameters({**model.embedded_parameters(), STREAMING_ROWS: rows})
    if windows is None:
        windows = np.random.default_rng(0).integers(-128, 128, size=(1, *net.input_shape[1:]), dtype=np.int8)
    _check_float(net, windows)
    return rows


def check_streaming_settings(model: Model) -> None:
    """What can be said before there is a net. Raises SettingError."""
    if not getattr(model, "streaming", False):
        return
    if getattr(model, "low_bit", None) is not None:
        raise SettingError("a net of few bits cannot keep its own state", "leave out either streaming or low_bit")
    check_streaming_parameters({**model.embedded_parameters(), STREAMING_ROWS: 1})


def check_streaming_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise SettingError where the parameters of a streaming `.tflite` do not go together; others are not looked at."""
    rows = parameters.get(STREAMING_ROWS)
    if not rows or not has_frontend(parameters):
        return
    if not isinstance(rows, int):
        raise SettingError(f"{STREAMING_ROWS} is {rows!r}", "the .tflite is damaged: convert the model again")
    frontend = frontend_from_parameters(parameters)
    if isinstance(frontend, FrontendSettings) and frontend.quantize_dynamic_scale_enable:
        raise SettingError(
            "a streaming net needs columns that stay as they are, and a dynamic scale depends on the whole window",
            "set quantize_dynamic_scale_enable=False in the front end",
        )
    latency_ms = RecogniserSettings.from_parameters(parameters).latency_ms
    hop = rows * frontend.step_samples
    if latency_ms * frontend.sample_rate_hz % (hop * 1000):
        hop_ms = hop * 1000 / frontend.sample_rate_hz
        raise SettingError(
            f"latency_ms={latency_ms} is no multiple of the {hop_ms:g} ms that the streaming net hears at a time "
            f"({rows} rows of {hop_ms / rows:g} ms)",
            f"set latency_ms of the recogniser to {hop_ms:g} or a multiple of it",
        )


def _check_float(net: Any, windows: NDArray[np.int8]) -> None:
    """The last rows of each streamed window must say what the whole window says."""
    stream = Stream(net)
    wanted = net(windows.astype(np.float32), training=False).numpy()
    for window, expected in zip(windows, wanted, strict=True):
        for first in range(0, len(window), stream.rows):
            found = stream.step(window[np.newaxis, first : first + stream.rows].astype(np.float32))
        off = float(np.abs(found.numpy()[0] - expected).max())
        if off > FLOAT_BOUND:
            raise CheckError(
                f"row by row the net says something else than on the window: a probability is {off:.2g} off",
                "each layer must end with the newest row, as in nets.mixed_net",
            )


def _check_int8(stream: bytes, whole: bytes, windows: NDArray[np.int8]) -> None:
    """Both int8 forms round in other places; on average they must agree."""
    with quiet_output():
        streaming, model = TfliteModel(stream), TfliteModel(whole)
    inputs, ends = NetInput(stream)(windows)
    off = np.abs(streaming.predict_float(inputs)[ends] - model.predict_float(windows)).mean()
    if off > INT8_BOUND:
        raise CheckError(
            f"the int8 stream is {off:.2g} off the int8 net of windows on average (at most {INT8_BOUND:g})",
            "ship the model on whole windows: streaming=False",
        )
