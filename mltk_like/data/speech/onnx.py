"""onnxruntime sessions as the speech workers want them, and the one edit that makes a random graph repeatable.

The edit works on the protobuf wire format (https://protobuf.dev/programming-guides/encoding/) with the field numbers
of onnx.proto, so that the `onnx` package is not needed.
"""

from collections.abc import Iterator
from typing import Any

_GRAPH = 7  # ModelProto
_NODE, _INITIALIZER, _INPUT = 1, 5, 11  # GraphProto
_NODE_INPUT, _NODE_OUTPUT, _NODE_OP = 1, 2, 4  # NodeProto
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_BYTES = 2  # wire type of strings and messages


def session(model: bytes) -> Any:
    """An onnxruntime session on the CPU with one thread, for several workers run side by side."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def noise_from_input(model: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Turn every RandomNormalLike of a graph into an input.

    onnxruntime seeds that operator once per session, so that what a run gives depends on the runs before it.

    Args:
        model: a serialised ONNX model.

    Returns:
        The new model, and the names of its new inputs: float vectors of standard normal noise, each at least as long
        as the tensor that it fills (what is left over is not used).
    """
    edited: list[bytes] = []
    names: list[str] = []
    for number, kind, body in _fields(model):
        if number == _GRAPH and kind == _BYTES:
            graph, names = _edit_graph(body)
            edited.append(_message(_GRAPH, graph))
        else:
            edited.append(_field(number, kind, body))
    return b"".join(edited), tuple(names)


def _edit_graph(graph: bytes) -> tuple[bytes, list[str]]:
    out: list[bytes] = []
    names: list[str] = []
    for number, kind, body in _fields(graph):
        if number == _NODE and b"RandomNormalLike" in body:
            node = [(field, value) for field, _, value in _fields(body)]
            if (_NODE_OP, b"RandomNormalLike") in node:
                shaped_as = next(value for field, value in node if field == _NODE_INPUT)
                result = next(value for field, value in node if field == _NODE_OUTPUT)
                names.append(f"noise.{len(names)}")
                out += _slice_of_noise(names[-1].encode(), shaped_as, result)
                continue
        out.append(_field(number, kind, body))
    zero = _varint_field(1, 1) + _varint_field(2, _INT64) + _varint_field(7, 0) + _message(8, b"noise.zero")
    out.append(_message(_INITIALIZER, zero))
    return b"".join(out), names


def _slice_of_noise(name: bytes, shaped_as: bytes, result: bytes) -> list[bytes]:
    """Fields of a graph: the input and the nodes Shape, ReduceProd, Slice and Reshape that give it the wanted shape."""
    shape, size, part = name + b".shape", name + b".size", name + b".part"
    open_vector = _message(2, _message(1, _message(2, name + b".length")))  # shape { dim { dim_param } }
    kind = _message(1, _varint_field(1, _FLOAT) + open_vector)
    return [
        _message(_INPUT, _message(1, name) + _message(2, kind)),
        _node(b"Shape", [shaped_as], shape),
        _node(b"ReduceProd", [shape], size),
        _node(b"Slice", [name, b"noise.zero", size], part),
        _node(b"Reshape", [part, shape], result),
    ]


def _node(operator: bytes, inputs: list[bytes], output: bytes) -> bytes:
    fields = [_message(_NODE_INPUT, one) for one in inputs]
    fields += [_message(_NODE_OUTPUT, output), _message(3, output + b".node"), _message(_NODE_OP, operator)]
    return _message(_NODE, b"".join(fields))


def _fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(number, wire type, value) of each field of a message; the value without its length, as raw bytes."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            _, end = _read_varint(data, at)
        elif kind == _BYTES:
            size, at = _read_varint(data, at)
            end = at + size
        else:
            end = at + {1: 8, 5: 4}[kind]
        yield number, kind, data[at:end]
        at = end


def _field(number: int, kind: int, body: bytes) -> bytes:
    return _message(number, body) if kind == _BYTES else _varint(number << 3 | kind) + body


def _message(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(body)) + body


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
