"""Summaries of .tflite files: op table, costs, and the page of the reference model."""

import json
import random
from pathlib import Path

import pytest

from mltk_like.errors import ModelError
from mltk_like.tflite import layers as layers_module
from mltk_like.tflite.layers import TensorSummary
from mltk_like.tflite.model_file import parse, serialise
from mltk_like.tflite.parameters import write_parameters
from mltk_like.tflite.summary import summarize_tflite
from mltk_like.tflite.units import format_units

DATA = Path(__file__).parent / "data" / "tflite"
TENET = (DATA / "tiny_tenet.tflite").read_bytes()
CONV = (DATA / "tiny_conv.tflite").read_bytes()


def test_page_of_a_small_model() -> None:
    model = write_parameters(
        CONV,
        {"name": "tiny", "version": 3, "classes": ["a", "b", "c", "d"], "runtime_memory_size": 2345, "raw": b"12"},
        description="four things",
    )
    summary = summarize_tflite(model)
    lines = str(summary).splitlines()
    assert lines[0] == lines[2]
    assert lines[1].split("|")[2].strip() == "OpCode"
    assert len({len(line) for line in lines if line.startswith(("|", "+"))}) == 1
    assert lines[-9:] == [
        "Total MACs: 2.368 k",
        f"Total OPs: {format_units(summary.ops_without_activations)}",
        "Name: tiny",
        "Version: 3",
        "Description: four things",
        "Classes: a, b, c, d",
        "Runtime memory size (RAM): 2.345 k",
        "raw: <2 bytes>",
        f".tflite file size: {len(model) / 1000:.1f}kB",
    ]


def test_costs_by_hand() -> None:
    layers = summarize_tflite(CONV).layers
    assert [layer.opcode for layer in layers] == [
        *("conv_2d", "max_pool_2d", "conv_2d", "reshape", "fully_connected", "softmax")
    ]
    # 16x8x1 -> 8x4x6 by 3x3, pool 2x2 -> 4x2x6, 1x1 -> 4x2x8, dense 64 -> 4.
    macs = [192 * 9, 0, 64 * 6, 0, 256, 0]
    assert [layer.macs for layer in layers] == macs
    bias = [192, 0, 64, 0, 4 if len(layers[4].inputs) == 3 else 0, 0]
    activation = [2 * 192, 0, 2 * 64, 0, 0, 0]
    other = [0, 48 * 4, 0, 0, 0, 5 * 4]
    assert [layer.ops for layer in layers] == [
        2 * m + b + a + o for m, b, a, o in zip(macs, bias, activation, other, strict=True)
    ]
    assert [layer.activation_ops for layer in layers] == activation
    assert layers[0].config == "Padding:Same stride:2x2 activation:Relu"
    assert layers[1].config == "Padding:Valid stride:2x2 filter:2x2 activation:None"
    assert layers[2].config == "Padding:Valid stride:1x1 activation:Relu6"
    assert layers[5].config == "Type=softmaxoptions"


def test_residual_block() -> None:
    layers = {layer.opcode: layer for layer in summarize_tflite(TENET).layers}
    assert layers["depthwise_conv_2d"].config == "Multiplier:1 padding:Same stride:1x1 activation:Relu"
    assert layers["depthwise_conv_2d"].macs == 10 * 16 * 9
    assert layers["add"].config == "Activation:Relu"
    assert (layers["add"].macs, layers["add"].ops) == (0, 80)
    assert layers["average_pool_2d"].config == "Padding:Valid stride:1x10 filter:1x10 activation:None"
    assert layers["average_pool_2d"].ops == 8 * 11
    assert (layers["reshape"].config, layers["reshape"].ops) == ("Type=none", 0)
    assert [str(tensor) for tensor in layers["reshape"].inputs] == ["1x1x8 (int8)", "2 (int32)"]
    assert layers["reshape"].inputs[0].shape_text == "1x1x1x8"


def test_free_batch_counts_as_one() -> None:
    summary = summarize_tflite(TENET)
    assert [tensor.shape for tensor in (*summary.inputs, *summary.outputs)] == [(1, 20, 1, 8), (1, 2)]


def test_json_has_units_and_no_bytes() -> None:
    plain = summarize_tflite(write_parameters(TENET, {"raw": b"\x01\xff"}), name="given").to_dict()
    assert json.loads(json.dumps(plain))["parameters"] == {"raw": "01ff"}
    assert plain["name"] == "given"
    assert plain["flash_bytes"] > 10000
    assert {"layers", "macs", "ops", "flash_bytes", "arena_bytes", "classes", "inputs", "outputs"} <= set(plain)
    assert plain["macs"] == sum(layer["macs"] for layer in plain["layers"])


def test_model_without_parameters() -> None:
    summary = summarize_tflite(TENET)
    assert (summary.name, summary.version, summary.classes, summary.arena_bytes) == ("", None, (), None)
    assert "Version: unknown\n" in str(summary)


def test_custom_and_unknown_ops_cost_nothing() -> None:
    tree = parse(CONV)
    last = tree.subgraphs[0].operators[-1]
    code = tree.operatorCodes[last.opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = 32  # CUSTOM
    code.customCode = "MyFilter"
    last.builtinOptions, last.builtinOptionsType = None, 0
    layer = summarize_tflite(serialise(tree)).layers[-1]
    assert (layer.opcode, layer.config, layer.macs, layer.ops) == ("MyFilter", "", 0, 0)
    code.builtinCode, code.deprecatedBuiltinCode = 30000, 127
    layer = summarize_tflite(serialise(tree)).layers[-1]
    assert (layer.opcode, layer.macs, layer.ops) == ("op_30000", 0, 0)


def test_scalars_and_vectors() -> None:
    assert str(TensorSummary(shape=(), dtype="float32")) == "1 (float32)"
    assert str(TensorSummary(shape=(4,), dtype="int32")) == "4 (int32)"
    assert str(TensorSummary(shape=(2, 3), dtype="int8")) == "3 (int8)"
    assert TensorSummary(shape=(), dtype="int8").elements == 1


def _tensor(*shape: int) -> TensorSummary:
    return TensorSummary(shape=shape, dtype="int8")


@pytest.mark.parametrize(
    ("opcode", "inputs", "output", "macs"),
    [
        ("conv_2d", [_tensor(1, 8, 8, 4), _tensor(6, 3, 3, 2)], _tensor(1, 8, 8, 6), 384 * 18),  # two groups
        ("transpose_conv", [_tensor(4), _tensor(2, 3, 3, 5), _tensor(1, 4, 4, 5)], _tensor(1, 8, 8, 2), 80 * 18),
        ("batch_matmul", [_tensor(2, 3, 5), _tensor(2, 5, 7)], _tensor(2, 3, 7), 42 * 5),
        ("unidirectional_sequence_lstm", [_tensor(1, 10, 3), _tensor(4, 3)], _tensor(1, 10, 4), 10 * 4 * 4 * 7),
        ("concatenation", [_tensor(1, 4), _tensor(1, 4)], _tensor(1, 8), 0),
    ],
)
def test_macs_of_other_ops(opcode: str, inputs: list[TensorSummary], output: TensorSummary, macs: int) -> None:
    assert layers_module._count_macs(opcode, tuple(inputs), (output,)) == macs


def test_damaged_models_raise_only_model_error() -> None:
    rng = random.Random(3)
    for _ in range(150):
        bad = bytearray(CONV)
        for _ in range(3):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        try:
            str(summarize_tflite(bytes(bad)))
        except ModelError:
            continue


@pytest.mark.parametrize(
    ("value", "text"),
    [(4561728, "4.562 M"), (54344, "54.344 k"), (0, "0"), (64, "64"), (999_999_999, "1.000 G"), (0.5, "0.500")],
)
def test_units(value: float, text: str) -> None:
    assert format_units(value) == text


def test_short_units() -> None:
    assert format_units(208_100, digits=1, separator="") == "208.1k"
    assert format_units(999_960, digits=1, separator="") == "1.0M"
