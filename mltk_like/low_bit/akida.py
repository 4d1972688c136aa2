"""A script that builds an exported net with BrainChip's own tools and converts it for Akida.

It is written for an environment of the user's own: their licence forbids redistribution and the publication of results,
so nothing here depends on those tools, runs them or holds a figure of theirs.
"""

from mltk_like.low_bit.integer_net import IntegerNet
from mltk_like.low_bit.settings import TOP

_SCRIPT = '''"""Build __NAME__ with BrainChip's cnn2snn from __NAME__.lowbit.npz, and convert it for Akida.

Run it in an environment of its own, after reading their licences:

    python -m venv akida && akida/bin/pip install cnn2snn
    akida/bin/python __NAME___akida.py

What it writes: __NAME__.fbz. The net in the .npz has weights of few bits and activations 0..__LEVELS__ already, so
that quantising it again finds the same integers; check that with your own recordings before you use it.
"""

import json
from pathlib import Path

import numpy as np
import tf_keras as keras

HERE = Path(__file__).resolve().parent
TOP = __TOP__


def read():
    """The stages with their arrays."""
    with np.load(HERE / "__NAME__.lowbit.npz", allow_pickle=False) as archive:
        net = json.loads(str(archive["net"]))
        for stage in net["stages"]:
            stage.update({path.split("/")[-1]: archive[path] for path in stage["arrays"]})
    return net


def build(net):
    """The net in Keras, its weights on their grid; it takes the features as 0..255, not as the front end's int8."""
    first = net["stages"][0]
    inputs = keras.Input(first["input_shape"], name="input_1")
    x, step, values = inputs, 1.0, []
    for number, stage in enumerate(net["stages"]):
        last = number == len(net["stages"]) - 1
        x, step = add(stage, x, step, last, values)
    x = keras.layers.Flatten(name="flatten")(x)
    model = keras.Model(inputs, keras.layers.Softmax(name="act_softmax")(x), name="__NAME__")
    for name, arrays in values:
        model.get_layer(name).set_weights(arrays)
    return model


def add(stage, x, step, last, values):
    """One stage: the layer, pooling, batch normalisation that holds all factors, ReLU6. Returns its output and step."""
    name, kernel, strides = stage["name"], tuple(stage["kernel"]), tuple(stage["strides"])
    fits = [(stage["input_shape"][i] - kernel[i]) // strides[i] + 1 == stage["output_shape"][i] for i in (0, 1)]
    options = dict(strides=strides, padding="valid" if all(fits) else "same", use_bias=False, name=name)
    plane, dense = stage.get("depthwise"), stage.get("weights")
    scale = np.ones(1)
    arrays = []
    if plane is not None:
        scale = scale * stage["depthwise_scales"]
        arrays.append(plane[..., None] * stage["depthwise_scales"].reshape(1, 1, -1, 1))
    if dense is not None:
        scale = scale * stage["scales"]
        arrays.append(dense.transpose(1, 2, 3, 0) * stage["scales"])
    channels = stage["output_shape"][2]
    if dense is None:
        layer = keras.layers.DepthwiseConv2D(kernel, **options)
    elif plane is None:
        layer = keras.layers.Conv2D(channels, kernel, **options)
    else:
        layer = keras.layers.SeparableConv2D(channels, kernel, **options)
    x = layer(x)
    values.append((name, [array.astype(np.float32) for array in arrays]))
    area = 1
    if stage["pooled"]:
        area = stage["output_shape"][0] * stage["output_shape"][1]
        x = keras.layers.GlobalAveragePooling2D(keepdims=True, name=name + "_global_avg")(x)
    power = 2.0 ** -stage["shift"].astype(np.float64)
    unit = 65536.0 if last else stage["top"] / TOP
    factor = stage["multiplier"] * power / unit * area / (step * scale)
    addend = (stage["bias"] * power - 0.5) / unit
    if last and np.allclose(addend, 0, atol=1e-3) and np.allclose(factor, factor[0], rtol=1e-4):
        return x, 1.0
    normal = keras.layers.BatchNormalization(epsilon=1e-3, name=name + "_BN")
    x = normal(x)
    ones = np.ones(channels)
    values.append((name + "_BN", [factor, addend, 0 * ones, ones - 1e-3]))
    if not last:
        x = keras.layers.ReLU(TOP, name=name + "_relu")(x)
    return x, 1.0 if last else TOP / stage["top"]


def main():
    import cnn2snn

    model = build(read())
    model.summary()
    quantized = cnn2snn.quantize(
        model, input_weight_quantization=__FIRST__, weight_quantization=__BITS__, activ_quantization=__ACTIVATIONS__
    )
    akida = cnn2snn.convert(quantized, input_scaling=(1, 0))
    akida.summary()
    akida.save(str(HERE / "__NAME__.fbz"))


if __name__ == "__main__":
    main()
'''


def akida_script(net: IntegerNet) -> str:
    """The script for one net; it stands beside the net's `.npz`."""
    first, later = net.stages[0], net.stages[1:] or net.stages
    values = {
        "NAME": net.name,
        "TOP": repr(TOP),
        "LEVELS": str(first.top),
        "FIRST": str(max(first.weight_bits, first.depthwise_bits)),
        "BITS": str(max(later[0].weight_bits, later[0].depthwise_bits)),
        "ACTIVATIONS": str(first.top.bit_length()),
    }
    text = _SCRIPT
    for name, value in values.items():
        text = text.replace(f"__{name}__", value)
    return text
