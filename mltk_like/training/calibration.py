"""Which of the windows that set a net's ranges must be kept, so that it can be converted again without its data."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.low_bit.quantise import without_rounding
from mltk_like.nets.fusion import fuse_branches

_AT_ONCE = 50


def telling_windows(net: Any, windows: NDArray[np.int8]) -> NDArray[np.int8]:
    """The windows at which a layer's output is the least or the greatest of all, in their order.

    The converter takes the range of each tensor from its least and its greatest value over all windows, so these few
    give the ranges that all of them give.

    Args:
        net: the trained Keras net.
        windows: int8 (n, *input shape).

    Returns:
        int8 (k, *input shape), k <= n; all windows of a net whose layers cannot be looked at.
    """
    import keras

    net = fuse_branches(without_rounding(net))
    try:
        (first,) = net.inputs
        probe = keras.Model(first, keras.tree.flatten([layer.output for layer in net.layers]))
    except (AttributeError, ValueError):
        return windows
    parts = (windows[at : at + _AT_ONCE] for at in range(0, len(windows), _AT_ONCE))
    ends = np.concatenate([_ends(probe(part.astype(np.float32), training=False)) for part in parts])
    telling = sorted({*ends.argmax(axis=0).tolist()})
    return windows[telling]


def _ends(outputs: Any) -> NDArray[np.float32]:
    """For each window the greatest value of every output, and the least with its sign turned: (n, 2 outputs)."""
    import keras

    flat = [keras.ops.convert_to_numpy(output).reshape(len(output), -1) for output in outputs]
    return np.stack([end for values in flat for end in (values.max(axis=1), -values.min(axis=1))], axis=1)
