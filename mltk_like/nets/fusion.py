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
        A new net that gives the same outputs but for rounding; `net` itself where there is nothing to fuse.
    """
    config = net.get_config()
    entries = {entry["config"]["name"]: entry for entry in config["layers"]}
    branches = {name: found for name, entry in entries.items() if (found := _branches(entry, entries))}
    if not branches:
        return net
    longest = {name: max(found, key=lambda one: _length(entries[one])) for name, found in branches.items()}
    dropped = {one for found in branches.values() for one in found}
    layers = []
    for name, entry in entries.items():
        if name in branches:
            fused = entries[longest[name]]
            entry = {**fused, "name": name, "config": {**fused["config"], "name": name}}
        if name not in dropped:
            layers.append(entry)
    result = type(net).from_config({**config, "layers": layers})
    for layer in result.layers:
        if layer.name in branches:
            kernels = [net.get_layer(one).kernel.numpy() for one in branches[layer.name]]
            layer.set_weights([sum(_padded(kernel, layer.kernel.shape[0]) for kernel in kernels)])
        else:
            layer.set_weights(net.get_layer(layer.name).get_weights())
    return result


def _branches(entry: dict[str, Any], entries: dict[str, Any]) -> list[str]:
    """Names of the depthwise convolutions without bias that a layer adds up; none where it adds anything else."""
    if entry["class_name"] != "Add":
        return []
    tensors = entry["inbound_nodes"][0]["args"][0]
    names = [tensor["config"]["keras_history"][0] for tensor in tensors]
    own = [
        name
        for name in names
        if name.startswith(f"{entry['name']}_")
        and entries[name]["class_name"] == "DepthwiseConv2D"
        and not entries[name]["config"]["use_bias"]
    ]
    return own if own == names else []


def _length(entry: dict[str, Any]) -> int:
    return int(entry["config"]["kernel_size"][0])


def _padded(kernel: Any, length: int) -> Any:
    """A kernel (taps, 1, channels, 1) with as many zeros on both sides as make it `length` long."""
    more = (length - kernel.shape[0]) // 2
    return np.pad(kernel, ((more, more), (0, 0), (0, 0), (0, 0)))
