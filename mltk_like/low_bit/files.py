"""The neutral export of a net in integers: arrays in an `.npz`, what they mean in a JSON, the same as C tables."""

import io
import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import MltkLikeError, ModelError, one_line
from mltk_like.low_bit.integer_net import IntegerNet, Stage, pack, run
from mltk_like.opening import read_npz
from mltk_like.tflite.c_text import comment

FORMAT = "mltk_like low-bit 1"
_ARRAYS = ("weights", "scales", "depthwise", "depthwise_scales", "multiplier", "bias", "shift")


def describe(net: IntegerNet) -> dict[str, Any]:
    """What `<model>.lowbit.json` holds: format, shapes and bits of each stage, and where its arrays are."""
    return {
        "format": FORMAT,
        "name": net.name,
        "offset": net.offset,
        "flash_bytes": net.flash_bytes,
        "tie_bound": net.tie_bound,
        "stages": [
            {
                **{f.name: getattr(stage, f.name) for f in fields(Stage) if f.name not in _ARRAYS},
                "arrays": [f"{stage.name}/{name}" for name, _ in _arrays(stage)],
                "packed_bytes": stage.packed_bytes,
            }
            for stage in net.stages
        ],
    }


def to_npz(net: IntegerNet) -> bytes:
    """The arrays of every stage as `<stage>/<array>`, and the JSON of `describe` as the text `net`."""
    arrays: dict[str, Any] = {f"{stage.name}/{name}": value for stage in net.stages for name, value in _arrays(stage)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, net=np.array(json.dumps(describe(net))), **arrays)
    return buffer.getvalue()


def from_npz(data: bytes) -> IntegerNet:
    """The net that `to_npz` wrote. Raises ModelError where it is damaged."""
    try:
        arrays = read_npz(data, "the low-bit net")
        stored = json.loads(str(arrays["net"]))
        if stored["format"] != FORMAT:
            raise ModelError(f"the low-bit net is of format {stored['format']!r}", f"this version reads {FORMAT!r}")
        stages = tuple(_stage(row, arrays) for row in stored["stages"])
        net = IntegerNet(name=_file_name(stored["name"]), offset=int(stored["offset"]), stages=stages)
        # What does not fit together shows when it is run and packed.
        run(net, np.zeros((1, *stages[0].input_shape), np.int8))
        describe(net)
        return net
    except MltkLikeError:
        raise
    except Exception as error:  # whatever NumPy and its decompressors make of damaged bytes
        raise ModelError(f"cannot read the low-bit net: {one_line(error)}", "train the model again") from error


def c_source(net: IntegerNet, name: str = "model") -> tuple[str, str]:
    """Header and source that define `const low_bit_net <name>_net`, for the kernels of `cpp/kernels/low_bit.c`."""
    guard = f"{name.upper()}_LOW_BIT_H_"
    header = (
        f'#ifndef {guard}\n#define {guard}\n\n#include "low_bit.h"\n\n#ifdef __cplusplus\nextern "C" {{\n#endif\n'
        f"extern const low_bit_net {name}_net; /* {net.flash_bytes} bytes of constants */\n"
        f"#ifdef __cplusplus\n}}\n#endif\n\n#endif\n"
    )
    lines = [f'#include "{name}_low_bit.h"', ""]
    for number, stage in enumerate(net.stages):
        lines += [line for part in _tables(stage, f"s{number}") for line in part]
    lines += ["static const low_bit_stage stages[] = {"]
    for number, stage in enumerate(net.stages):
        lines.append(f"  {_initialiser(stage, f's{number}')}, /* {comment(stage.name)} */")
    lines += ["};", f"const low_bit_net {name}_net = {{stages, {len(net.stages)}, {net.offset}}};", ""]
    return header, "\n".join(lines)


def _arrays(stage: Stage) -> Iterator[tuple[str, NDArray[Any]]]:
    for name in _ARRAYS:
        value = getattr(stage, name)
        if value is not None:
            yield name, value


def _file_name(name: str) -> str:
    """The net's name, of which files are made: it must not lead out of their folder. Raises ValueError."""
    if not isinstance(name, str) or not name.isprintable() or name.startswith(".") or {"/", "\\"} & set(name):
        raise ValueError(f"it is called {name!r}")
    return name


def _stage(row: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Stage:
    name = str(row["name"])
    plain = {f.name: row[f.name] for f in fields(Stage) if f.name not in _ARRAYS}
    shapes = {key: tuple(map(int, value)) for key, value in plain.items() if isinstance(value, list)}
    found: dict[str, Any] = {key: arrays.get(f"{name}/{key}") for key in _ARRAYS}
    return Stage(**{**plain, **shapes, **found})


def _tables(stage: Stage, prefix: str) -> Iterator[list[str]]:
    if stage.depthwise is not None:
        yield _table("uint8_t", f"{prefix}_depthwise", pack(stage.depthwise, stage.depthwise_bits))
    if stage.weights is not None:
        yield _table("uint8_t", f"{prefix}_weights", pack(stage.weights, stage.weight_bits))
    yield _table("int32_t", f"{prefix}_multiplier", stage.multiplier.tolist())
    yield _table("int64_t", f"{prefix}_bias", stage.bias.tolist())
    yield _table("uint8_t", f"{prefix}_shift", stage.shift.tolist())


def _table(kind: str, name: str, values: Any) -> list[str]:
    # The least value of a type has no literal in C.
    texts = [f"{value}LL" if kind == "int64_t" else str(value) for value in values]
    rows = [", ".join(texts[i : i + 16]) for i in range(0, len(texts), 16)]
    return [f"static const {kind} {name}[{len(texts)}] = {{", *(f"  {row}," for row in rows), "};"]


def _initialiser(stage: Stage, prefix: str) -> str:
    numbers = [
        *stage.input_shape, *stage.output_shape, *stage.kernel, *stage.strides, *stage.padding,
        stage.depthwise_bits, stage.weight_bits, int(stage.pooled), stage.top,
    ]  # fmt: skip
    depthwise = f"{prefix}_depthwise" if stage.depthwise is not None else "0"
    weights = f"{prefix}_weights" if stage.weights is not None else "0"
    tables = [depthwise, weights, f"{prefix}_multiplier", f"{prefix}_bias", f"{prefix}_shift"]
    return "{" + ", ".join([*map(str, numbers), *tables]) + "}"
