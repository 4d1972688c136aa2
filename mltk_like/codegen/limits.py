"""What the kernels take: numbers that fit into the structs of mltk_kernels.h, and bytes that lie within the tensors."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import cast

from mltk_like.codegen.calls import Array, Call, Field, Lowered, Read, Struct, Write
from mltk_like.errors import ModelError

MOST_TENSOR_BYTES = 2**24
"""Of a tensor: far more than the memory of these cores, and few enough for the kernels' counts of 32 bits."""

_DAMAGED = "make or download the model again"


def _fields(text: str) -> Mapping[str, str]:
    """`type name name; type name` -> the type of each name."""
    groups = [group.split() for group in text.split(";")]
    return MappingProxyType({name: group[0] for group in groups for name in group[1:]})


STRUCTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "mltk_scale": _fields("int16 zero; int8 low high; uint8 narrow"),
        "mltk_conv": _fields(
            "uint16 in_h in_w in_c out_h out_w out_c kernel_h kernel_w stride_h stride_w dilation_h dilation_w;"
            "int16 pad_top pad_left; int8 zero_in; uint8 packed"
        ),
        "mltk_dense": _fields("uint16 rows inputs outputs; uint8 packed"),
        "mltk_pair": _fields(
            "uint32 rows count a_row_step b_row_step; uint16 a_step b_step; int16 a_zero b_zero out_zero;"
            "int8 low high a_shift b_shift out_shift b_sign; int32 a_multiplier b_multiplier out_multiplier"
        ),
        "mltk_pool": _fields(
            "uint16 in_h in_w channels out_h out_w kernel_h kernel_w stride_h stride_w; int16 pad_top pad_left;"
            "int8 low high"
        ),
        "mltk_mean": _fields("uint16 outer count inner; int32 multiplier; int8 shift; int16 zero_in zero_out"),
        "mltk_softmax": _fields("uint16 rows count; int32 multiplier least; int8 shift"),
        "mltk_move": _fields("uint16 size; int32 in_step out_step"),
    }
)
"""Types of the fields of mltk_kernels.h that are numbers."""


def check_lowered(lowered: Lowered, bytes_of: Callable[[int], int]) -> None:
    """Raise ModelError where a number does not fit into its struct, or a move leaves its tensors.

    Args:
        lowered: an operator as calls.
        bytes_of: size of a tensor, by its number.
    """
    for call in lowered.calls:
        for one in call.arguments:
            if isinstance(one, Struct):
                _check_fields(one.type, one.fields)
        for place, first, end in _extents(call):
            _check_inside(place, first, end, bytes_of)
    for tensor, place in lowered.same.items():
        _check_inside(place, 0, bytes_of(tensor), bytes_of)


def _check_fields(struct: str, fields: Mapping[str, Field]) -> None:
    for name, value in fields.items():
        if isinstance(value, Array):
            continue
        if isinstance(value, Mapping):
            _check_fields("mltk_scale", value)
            continue
        low, high = _range_of(STRUCTS[struct][name])
        for number in value if isinstance(value, tuple) else (value,):
            if not low <= number <= high:
                raise ModelError(
                    f"{name.replace('_', ' ')} would be {number}", f"the kernels take {low} to {high}: split the layer"
                )


def _range_of(kind: str) -> tuple[int, int]:
    bits = int(kind.removeprefix("u").removeprefix("int"))
    return (0, 2**bits - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _extents(call: Call) -> list[tuple[Read | Write, int, int]]:
    """What a call that moves bytes reads and writes: a tensor, the first byte from there on, and the one after the
    last."""
    places = [one for one in call.arguments if isinstance(one, Read | Write)]
    if call.function in ("memcpy", "memmove", "memset"):
        return [(one, 0, int(cast(int, call.arguments[-1]))) for one in places]
    if call.function != "mltk_move_bytes":
        return []
    fields = cast(Struct, call.arguments[0]).fields
    sizes = cast(tuple[int, ...], fields["size"])
    found = []
    for one in places:
        steps = cast(tuple[int, ...], fields["in_step" if isinstance(one, Read) else "out_step"])
        reach = [(size - 1) * step for size, step in zip(sizes, steps, strict=True)]
        found.append((one, sum(min(far, 0) for far in reach), sum(max(far, 0) for far in reach) + 1))
    return found


def _check_inside(place: Read | Write, first: int, end: int, bytes_of: Callable[[int], int]) -> None:
    if place.offset + first < 0 or place.offset + end > bytes_of(place.tensor):
        raise ModelError("it moves more than its tensors have", _DAMAGED)
