"""The `SL_PARAMSv1` dictionary: model parameters as a flatbuffer that Silicon Labs' tools read and write too.

The root is `Dictionary {schema_version: u8 = 1, entries: [Entry]}`, with `Entry {key: string, value: union}`. Each of
the 16 kinds of value is a table with one field. Reading is done here with a bounds check at every step, since the bytes
come from files; writing goes through the `flatbuffers` package.
"""

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mltk_like.errors import ModelError, SettingError

Value = bool | int | float | str | bytes | list[str] | list[int] | list[float]

_VERSION = 1
_FLOAT32_MAX = float(np.finfo(np.float32).max)
# Tags of the union, in the order of the schema; scalars with their struct format.
_SCALARS = {1: "?", 2: "b", 3: "B", 4: "h", 5: "H", 6: "i", 7: "I", 8: "q", 9: "Q", 10: "f", 11: "d"}
_BOOL, _FLOAT, _DOUBLE, _STRING, _STRINGS, _INTS, _FLOATS, _BYTES = 1, 10, 11, 12, 13, 14, 15, 16
_UNSIGNED = ((3, 8), (5, 16), (7, 32), (9, 64))
_SIGNED = ((2, 8), (4, 16), (6, 32), (8, 64))


def encode(parameters: Mapping[str, Value]) -> bytes:
    """Serialise parameters, in their order.

    Whole numbers take the smallest integer type that holds them, floats are 32 bit (64 bit only when too large for
    that, so 0.025 reads back as 0.02500000037252903), an empty list is a list of strings.

    Raises:
        SettingError: a name that is not text, or a value of another type, beyond 64 bits, or text with half characters.
    """
    import flatbuffers

    builder = flatbuffers.Builder(256)
    # Without this a value equal to the schema's default (0, False) would be left out, and its entry look empty.
    builder.ForceDefaults(True)
    entries = [_write_entry(builder, name, value) for name, value in parameters.items()]
    vector = _write_offsets(builder, entries)
    builder.StartObject(2)
    builder.PrependUint8Slot(0, _VERSION, 0)
    builder.PrependUOffsetTRelativeSlot(1, vector, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


def decode(data: bytes) -> dict[str, Value]:
    """Read what `encode`, or Silicon Labs' tools, wrote.

    Raises:
        ModelError: the bytes are not such a dictionary, or one of a later version.
    """
    try:
        return _Reader(data).dictionary()
    except (struct.error, UnicodeDecodeError) as error:
        raise ModelError(
            f"the model's parameters are damaged: {error}", "write them again with update_params"
        ) from error


def _write_entry(builder: Any, name: str, value: Value) -> int:
    if not isinstance(name, str) or not _is_text(name):
        raise SettingError(f"a parameter's name must be text, not {name!r}")
    tag, plain = _classify(name, value)
    if tag in _SCALARS:
        builder.StartObject(1)
        builder.Prep(struct.calcsize(_SCALARS[tag]), 0)
        _scalar_writer(builder, tag)(plain)
        builder.Slot(0)
    else:
        content = _write_content(builder, tag, plain)
        builder.StartObject(1)
        builder.PrependUOffsetTRelativeSlot(0, content, 0)
    table = builder.EndObject()
    key = builder.CreateString(name)
    builder.StartObject(3)
    builder.PrependUOffsetTRelativeSlot(0, key, 0)
    builder.PrependUint8Slot(1, tag, 0)
    builder.PrependUOffsetTRelativeSlot(2, table, 0)
    return int(builder.EndObject())


def _scalar_writer(builder: Any, tag: int) -> Callable[[Any], None]:
    kinds = ("Bool", "Int8", "Uint8", "Int16", "Uint16", "Int32", "Uint32", "Int64", "Uint64", "Float32", "Float64")
    writer: Callable[[Any], None] = getattr(builder, f"Prepend{kinds[tag - 1]}")
    return writer


def _write_content(builder: Any, tag: int, value: Any) -> int:
    if tag == _STRING:
        return int(builder.CreateString(value))
    if tag == _BYTES:
        return int(builder.CreateByteVector(value))
    if tag == _STRINGS:
        return _write_offsets(builder, [builder.CreateString(text) for text in value])
    return int(builder.CreateNumpyVector(np.array(value, "<i4" if tag == _INTS else "<f4")))


def _write_offsets(builder: Any, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _classify(name: str, value: Any) -> tuple[int, Any]:
    """Tag of the union and plain Python value; NumPy scalars count as the Python type they hold."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool):
        return _BOOL, value
    if isinstance(value, int):
        return _integer_tag(name, value), value
    if isinstance(value, float):
        return (_DOUBLE if math.isfinite(value) and abs(value) > _FLOAT32_MAX else _FLOAT), value
    if isinstance(value, str) and _is_text(value):
        return _STRING, value
    if isinstance(value, bytes | bytearray):
        return _BYTES, bytes(value)
    if isinstance(value, list | tuple):
        return _list_tag(name, list(value)), list(value)
    raise _refusal(name, value)


def _integer_tag(name: str, value: int) -> int:
    for tag, bits in _UNSIGNED if value >= 0 else _SIGNED:
        if (value if value >= 0 else ~value) < 2 ** (bits if value >= 0 else bits - 1):
            return tag
    raise SettingError(f"parameter {name!r}: {value} does not fit 64 bits")


def _list_tag(name: str, values: list[Any]) -> int:
    if all(isinstance(value, str) and _is_text(value) for value in values):
        return _STRINGS
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        raise _refusal(name, values)
    if all(isinstance(value, int) for value in values):
        if not all(-(2**31) <= value < 2**31 for value in values):
            raise SettingError(f"parameter {name!r}: the whole numbers of a list must fit 32 bits")
        return _INTS
    if any(math.isfinite(value) and abs(value) > _FLOAT32_MAX for value in values):
        raise SettingError(f"parameter {name!r}: the numbers of a list must fit a 32-bit float")
    return _FLOATS


def _is_text(value: str) -> bool:
    """Whether it can be stored: the shell gives bytes that are no UTF-8 as half characters."""
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _refusal(name: str, value: object) -> SettingError:
    return SettingError(
        f"parameter {name!r}: {value!r} cannot be stored in a model",
        "use bool, int, float, str, bytes, or a list of all text, all int or all float",
    )


class _Reader:
    """Positions are absolute; every read is checked against the end of the bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def dictionary(self) -> dict[str, Value]:
        root = self._number("I", 0)
        at = self._field(root, 0)
        version = self._number("B", at) if at else 0
        if version != _VERSION:
            raise ModelError(f"the model's parameters have format version {version}; this reader knows {_VERSION}")
        entries: dict[str, Value] = {}
        for entry in self._references(root, 1):
            key, tag, value = (self._field(entry, slot) for slot in range(3))
            if not key or not tag or not value:
                raise ModelError("the model's parameters are damaged: an entry without a name or a value")
            entries[self._string(self._follow(key))] = self._value(self._number("B", tag), self._follow(value))
        return entries

    def _value(self, tag: int, table: int) -> Value:
        at = self._field(table, 0)
        if tag in _SCALARS:
            number = self._number(_SCALARS[tag], at) if at else struct.unpack(_SCALARS[tag], bytes(8)[: _size(tag)])[0]
            return number  # type: ignore[no-any-return]
        if tag == _STRING:
            return self._string(self._follow(at)) if at else ""
        if tag == _BYTES:
            return self._vector(at, 1) if at else b""
        if tag == _STRINGS:
            return [self._string(text) for text in self._references(table, 0)]
        if tag in (_INTS, _FLOATS):
            raw = self._vector(at, 4) if at else b""
            return np.frombuffer(raw, "<i4" if tag == _INTS else "<f4").tolist()  # type: ignore[no-any-return]
        raise ModelError(f"the model's parameters hold a value of unknown kind {tag}")

    def _number(self, kind: str, at: int) -> Any:
        if at < 0:
            raise struct.error("an offset points outside")
        return struct.unpack_from(f"<{kind}", self._data, at)[0]

    def _field(self, table: int, slot: int) -> int:
        """Position of a table's field, 0 when it is not stored."""
        vtable = table - self._number("i", table)
        start = 4 + 2 * slot
        if start + 2 > self._number("H", vtable):
            return 0
        offset = self._number("H", vtable + start)
        return table + offset if offset else 0

    def _follow(self, at: int) -> int:
        return at + int(self._number("I", at))

    def _vector(self, at: int, item_bytes: int) -> bytes:
        start = self._follow(at)
        end = start + 4 + item_bytes * int(self._number("I", start))
        if end > len(self._data):
            raise struct.error("a list reaches past the end")
        return self._data[start + 4 : end]

    def _references(self, table: int, slot: int) -> list[int]:
        at = self._field(table, slot)
        if not at:
            return []
        first = self._follow(at) + 4
        offsets = np.frombuffer(self._vector(at, 4), "<u4").tolist()
        return [first + 4 * i + offset for i, offset in enumerate(offsets)]

    def _string(self, at: int) -> str:
        end = at + 4 + int(self._number("I", at))
        if end > len(self._data):
            raise struct.error("a text reaches past the end")
        return self._data[at + 4 : end].decode()


def _size(tag: int) -> int:
    return struct.calcsize(f"<{_SCALARS[tag]}")
