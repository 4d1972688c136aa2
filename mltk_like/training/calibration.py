"""Which of the windows that set a net's ranges must be kept, so that it can be converted again without its data."""

import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.low_bit.quantise import without_rounding
from mltk_like.nets.fusion import fuse_branches
from mltk_like.quiet import quiet_output
from mltk_like.training.convert import inference_of, save_inference


def telling_windows(net: Any, windows: NDArray[np.int8]) -> NDArray[np.int8]:
    """The windows at which a tensor of the converted net is the least or the greatest of all, in their order.

    The converter takes the range of each tensor from its least and its greatest value over all windows, so these few
    give the ranges that all of them give.

    Args:
        net: the trained Keras net.
        windows: int8 (n, *input shape).

    Returns:
        int8 (k, *input shape), k <= n.
    """
    import tensorflow as tf

    with quiet_output(), tempfile.TemporaryDirectory(prefix="mltk_like-") as folder:
        # In floats: its tensors are those whose ranges are looked for, after layers were fused or taken apart.
        floats = fuse_branches(without_rounding(net))
        save_inference(floats, inference_of(floats), folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        ends = _ends(bytes(converter.convert()), windows)
    return windows[sorted({*ends.argmax(axis=0).tolist()})]


def _ends(model: bytes, windows: NDArray[np.int8]) -> NDArray[np.float64]:
    """For each window the greatest value of every tensor, and the least with its sign turned: (n, 2 tensors)."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    rows = []
    for window in windows:
        interpreter.set_tensor(entry, window[np.newaxis].astype(np.float32))
        interpreter.invoke()
        rows.append(_ends_now(interpreter))
    return np.array(rows)


def _ends_now(interpreter: Any) -> list[float]:
    # Ids and shapes of the graph are the same at every window, and so are weights.
    values = [
        interpreter.get_tensor(detail["index"])
        for detail in interpreter.get_tensor_details()
        if detail["dtype"] is np.float32
    ]
    return [end for value in values if value.size for end in (float(value.max()), -float(value.min()))]
