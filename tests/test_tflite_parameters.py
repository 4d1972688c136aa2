"""Parameters in .tflite files: both directions, Silicon Labs' bytes, damaged bytes."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.errors import ModelError, SettingError
from mltk_like.tflite.interpreter import TfliteModel
from mltk_like.tflite.model_file import parse
from mltk_like.tflite.parameters import (
    compact,
    decode,
    encode,
    read_description,
    read_parameters,
    write_parameters,
)

DATA = Path(__file__).parent / "data" / "tflite"
TENET = (DATA / "tiny_tenet.tflite").read_bytes()
CONV = (DATA / "tiny_conv.tflite").read_bytes()

FLOATS = st.floats(width=32, allow_nan=False)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    FLOATS,
    st.text(),
    st.binary(),
    st.lists(st.text(), max_size=4),
    st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=4),
    st.lists(FLOATS, min_size=1, max_size=4),
)
PARAMETERS = st.dictionaries(st.text(), VALUES, max_size=6)

# What Silicon Labs' own writer was given for silabs_parameters.bin.
SILABS: dict[str, Any] = {
    "name": "tiny",
    "version": 2,
    "classes": ["yes", "_unknown_"],
    "fe.sample_rate_hz": 16000,
    "fe.pcan_enable": False,
    "fe.log_scale_enable": True,
    "fe.pcan_offset": 80.0,
    "zero": 0.0,
    "low": -1.5,
    "negative": -300,
    "large": 70000,
    "counts": [1, -2, 3],
    "levels": [0.5, 0.25],
    "raw": b"\x00\xff",
}


@settings(deadline=None, max_examples=150)
@given(PARAMETERS)
def test_what_is_written_is_read(parameters: dict[str, Any]) -> None:
    read = decode(encode(parameters))
    assert read == parameters
    assert list(read) == list(parameters)
    assert [type(value) for value in read.values()] == [type(value) for value in parameters.values()]


def test_bytes_of_silicon_labs_writer_are_read() -> None:
    read = decode((DATA / "silabs_parameters.bin").read_bytes())
    assert read == SILABS
    assert [type(value) for value in read.values()] == [type(value) for value in SILABS.values()]


def _tag(value: Any) -> int:
    """The union tag in the encoding of a single entry, read with the flatbuffers package."""
    from flatbuffers import encode as raw
    from flatbuffers import number_types
    from flatbuffers.table import Table

    data = bytearray(encode({"k": value}))
    root = Table(data, raw.Get(number_types.UOffsetTFlags.packer_type, data, 0))
    entry = Table(data, root.Indirect(root.Vector(root.Offset(6))))
    return int(entry.Get(number_types.Uint8Flags, entry.Pos + entry.Offset(6)))


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        *((True, 1), (0, 3), (255, 3), (256, 5), (65536, 7), (2**32, 9)),
        *((-1, 2), (-128, 2), (-129, 4), (-32769, 6), (-(2**31) - 1, 8)),
        *((0.0, 10), (-0.5, 10), (math.inf, 10), (1e300, 11), ("", 12), ([], 13), ([1], 14), ([1, 0.5], 15), (b"", 16)),
        *((np.float32(1), 10), (np.int64(7), 3), (np.True_, 1)),
    ],
)
def test_smallest_type_is_chosen(value: Any, tag: int) -> None:
    assert _tag(value) == tag


@pytest.mark.parametrize(
    "value", [None, {"a": 1}, [1, "a"], [True], [[1]], 2**64, -(2**63) - 1, [2**31], [1e300], object()]
)
def test_values_that_cannot_be_stored_are_refused(value: Any) -> None:
    with pytest.raises(SettingError, match="'k'"):
        encode({"k": value})


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_damaged_bytes_raise_only_model_error(data: st.DataObject) -> None:
    good = bytearray(encode(SILABS))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    bad = bytes(good[: data.draw(st.integers(0, len(good)))])
    try:
        decode(bad)
    except ModelError:
        return


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=64))
def test_noise_is_no_dictionary(noise: bytes) -> None:
    try:
        decode(noise)
    except ModelError:
        return


def test_later_version_is_named() -> None:
    data = encode({})
    at = data.index(b"\x01", 4)
    with pytest.raises(ModelError, match="version 9"):
        decode(data[:at] + b"\x09" + data[at + 1 :])


@pytest.mark.parametrize("model", [TENET, CONV], ids=["tenet", "conv"])
def test_parameters_survive_in_a_model(model: bytes) -> None:
    assert read_parameters(model) == {}
    once = write_parameters(model, {"a": 1}, description="first")
    twice = write_parameters(once, SILABS)
    assert read_parameters(twice) == SILABS
    assert read_description(twice) == "first"
    assert read_description(write_parameters(twice, {}, description="")) == ""
    # Replaced, not added: writing the same again changes nothing.
    assert write_parameters(twice, SILABS) == twice
    names = [entry.name for entry in parse(twice).metadata]
    assert names.count(b"SL_PARAMSv1") == 1
    assert set(names) > {entry.name for entry in parse(model).metadata or []}


@pytest.mark.parametrize("rewrite", [compact, lambda model: write_parameters(model, SILABS)], ids=["compact", "write"])
@pytest.mark.parametrize("model", [TENET, CONV], ids=["tenet", "conv"])
def test_rewritten_model_computes_the_same(model: bytes, rewrite: Any) -> None:
    before = TfliteModel(model, exact=True)
    after = TfliteModel(rewrite(model), exact=True)
    x = np.random.default_rng(0).integers(-128, 128, (32, *before.input_shape[1:])).astype(np.int8)
    assert np.array_equal(before.predict(x), after.predict(x))
    assert (before.input_quantization, before.output_quantization) == (
        after.input_quantization,
        after.output_quantization,
    )


def test_weights_stay_aligned() -> None:
    # Weights of int32 and wider must not sit at odd addresses on a microcontroller; the schema asks for 16 bytes.
    from ai_edge_litert import schema_py_generated as schema

    data = write_parameters(TENET, SILABS)
    model = schema.Model.GetRootAs(data, 0)
    base = np.frombuffer(data, np.uint8).ctypes.data
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]
    starts = [buffer.DataAsNumpy().ctypes.data - base for buffer in buffers if buffer.DataLength()]
    assert len(starts) > 10
    assert all(start % 16 == 0 for start in starts)


def test_compact_is_smaller_and_keeps_parameters() -> None:
    model = write_parameters(TENET, SILABS)
    small = compact(model)
    assert len(small) < len(model) - 1000
    assert read_parameters(small) == SILABS


@pytest.mark.parametrize("bad", [b"", b"no model at all", TENET[: len(TENET) // 2], b"\xff" * 4 + TENET[4:]])
def test_damaged_model_is_refused(bad: bytes) -> None:
    with pytest.raises(ModelError):
        read_parameters(bad)


def test_shared_buffer_is_left_alone() -> None:
    # Another tool's metadata can point to the same buffer: replacing ours must not change theirs.
    from ai_edge_litert import schema_py_generated as schema

    from mltk_like.tflite.model_file import buffer_data, serialise

    tree = parse(write_parameters(TENET, {"a": 1}))
    ours = tree.metadata[-1]
    tree.metadata.append(schema.MetadataT(name="other", buffer=ours.buffer))
    changed = parse(write_parameters(serialise(tree), {"a": 2}))
    other = next(entry for entry in changed.metadata if entry.name == b"other")
    assert decode(buffer_data(changed, other.buffer)) == {"a": 1}
