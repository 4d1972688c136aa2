"""Parallel depthwise convolutions made one, before a net is converted.

Kernels of several lengths over the same input add up to one kernel: the shorter ones, padded with zeros to the longest,
plus that. It is exact for padding "same" and odd lengths, with stride 1 and 2: the centres stay where they are.
Multi-scale temporal convolution: Li, Wei and Qin, arXiv:2010.09960, section 3.2.
"""

from typing import Any

import numpy as np


def fuse_branches(net: Any) -> Any:
    """The net with each sum of depthwise convolutions `NAME_*` in a layer `NAME` made one convolution of that name.

    Args:
        net: a functional Keras model.

    Returns:
        A new net, of the same layers but for the fused ones, that gives the same outputs but for rounding; `net` itself
        where there is nothing to fuse.
    """
    import keras

    branches = {layer.name: found for layer in net.layers if (found := _branches(layer))}
    if not branches:
        return net
    dropped = {one.name for found in branches.values() for one in found}
    fused = {name: _copy_of(max(found, key=_length), name) for name, found in branches.items()}

    def call(operation: Any, *inputs: Any, **options: Any) -> Any:
        # Each branch hands on what it is given, and in place of their sum stands the one convolution of that.
        if operation.name in dropped:
            return inputs[0]
        return operation(inputs[0][0]) if operation.name in fused else operation(*inputs, **options)

    # Without their configurations, which layers of a model's own may lack.
    result = keras.models.clone_model(
        net, clone_function=lambda operation: fused.get(operation.name, operation), call_function=call
    )
    for name, found in branches.items():
        length = fused[name].kernel.shape[0]
        fused[name].set_weights([sum(_padded(branch.kernel.numpy(), length) for branch in found)])
    return result


def _branches(layer: Any) -> list[Any]:
    """The depthwise convolutions without bias that a layer adds up; none where it adds anything else."""
    if type(layer).__name__ != "Add":
        return []
    found = [tensor._keras_history.operation for tensor in layer.input]
    fits = [
        one.name.startswith(f"{layer.name}_") and type(one).__name__ == "DepthwiseConv2D" and not one.use_bias
        for one in found
    ]
    return found if all(fits) else []


def _copy_of(layer: Any, name: str) -> Any:
    return type(layer).from_config({**layer.get_config(), "name": name})


def _length(layer: Any) -> int:
    return int(layer.kernel_size[0])


def _padded(kernel: Any, length: int) -> Any:
    """A kernel (taps, 1, channels, 1) with as many zeros on both sides as make it `length` long."""
    more = (length - kernel.shape[0]) // 2
    return np.pad(kernel, ((more, more), (0, 0), (0, 0), (0, 0)))
