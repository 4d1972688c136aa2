"""A Piper voice of a few hundred bytes: one and a half seconds of a tone, higher for each speaker.

Written out in protobuf by hand, so that the tests need neither a download nor the package `onnx`.
"""

import json
import struct
from pathlib import Path

RATE = 22_050
_INT64, _FLOAT = 7, 1


def tiny_voice(*, speakers: int = 1) -> bytes:
    """The model: y = sin(t * (0.05 + 0.02 * sid)), with the inputs of VITS."""
    constants = [_scalar(b"first", 0.0), _scalar(b"end", 1.5 * RATE), _scalar(b"step", 1.0), _scalar(b"up", 0.02)]
    constants.append(_scalar(b"base", 0.05))
    nodes = [
        _node(b"Range", [b"first", b"end", b"step"], b"time"),
        _node(b"Mul", [b"speaker", b"up"], b"higher"),
        _node(b"Add", [b"higher", b"base"], b"pitch"),
        _node(b"Mul", [b"time", b"pitch"], b"phase"),
        _node(b"Sin", [b"phase"], b"output"),
    ]
    given = [_value(b"input", _INT64, 2), _value(b"input_lengths", _INT64, 1), _value(b"scales", _FLOAT, 1)]
    if speakers > 1:
        given.append(_value(b"sid", _INT64, 1))
        nodes.insert(0, _node(b"Cast", [b"sid"], b"speaker", _message(5, _message(1, b"to") + b"\x18\x01\xa0\x01\x02")))
    else:
        constants.append(_scalar(b"speaker", 0.0))
    graph = b"".join([*(_message(1, node) for node in nodes), _message(2, b"tiny")])
    graph += b"".join([*(_message(5, one) for one in constants), *(_message(11, one) for one in given)])
    graph += _message(12, _value(b"output", _FLOAT, 1))
    return b"\x08\x08" + _message(7, graph) + _message(8, b"\x10\x0f")


def tiny_settings(*, speakers: int = 1, voice: str = "en-us", reads: str = "espeak") -> bytes:
    """Its .onnx.json."""
    symbols = "_^$ .,!?abcdefghijklmnopqrstuvwxyzəɛˈːøœʃ"
    return json.dumps(
        {
            "audio": {"sample_rate": RATE},
            "espeak": {"voice": voice},
            "phoneme_type": reads,
            "num_speakers": speakers,
            "phoneme_id_map": {symbol: [number] for number, symbol in enumerate(symbols)},
        }
    ).encode()


def write_tiny_voice(path: Path, *, speakers: int = 1, voice: str = "en-us", reads: str = "espeak") -> Path:
    """Both files of a voice."""
    path.write_bytes(tiny_voice(speakers=speakers))
    path.with_name(f"{path.name}.json").write_bytes(tiny_settings(speakers=speakers, voice=voice, reads=reads))
    return path


def _message(number: int, body: bytes) -> bytes:
    size, length = len(body), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + body


def _node(operator: bytes, inputs: list[bytes], output: bytes, attributes: bytes = b"") -> bytes:
    return b"".join(_message(1, one) for one in inputs) + _message(2, output) + _message(4, operator) + attributes


def _scalar(name: bytes, value: float) -> bytes:
    return bytes([2 << 3, _FLOAT]) + _message(8, name) + _message(9, struct.pack("<f", value))


def _value(name: bytes, kind: int, dimensions: int) -> bytes:
    shape = b"".join(_message(1, _message(2, b"n%d" % number)) for number in range(dimensions))
    return _message(1, name) + _message(2, _message(1, bytes([8, kind]) + _message(2, shape)))
