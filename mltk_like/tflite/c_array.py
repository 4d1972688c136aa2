"""A `.tflite` as C source: the bytes as an aligned array, what surrounds it as `#define`s, the operators it needs."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mltk_like.errors import SettingError
from mltk_like.tflite.c_text import Define, as_name, comment, define, is_too_long
from mltk_like.tflite.dictionary import Value
from mltk_like.tflite.layers import opcode_name
from mltk_like.tflite.model_file import parse

_BYTES_A_LINE = 16
# What TensorFlow Lite Micro calls operators whose name does not follow from the schema's.
_METHODS = {
    "batch_matmul": "BatchMatMul",
    "cumsum": "CumSum",
    "padv2": "PadV2",
    "unidirectional_sequence_lstm": "UnidirectionalSequenceLSTM",
}

_OWN = "MODEL_"
# Of the tool's own, but such as any firmware may have for itself.
_COMMON = ("name", "version", "hash", "date")


def operators_of(model: bytes) -> tuple[str, ...]:
    """Names of the operators that a model uses in any of its graphs, sorted, such as `conv_2d`.

    Raises:
        ModelError: the file is damaged.
    """
    return tuple(sorted({opcode_name(code) for code in parse(model).operatorCodes or []}))


def header(prefix: str, title: str, defines: Mapping[str, Define], *, array: bool = True) -> str:
    """The `.h` file: `<prefix>_data`, `<prefix>_size` and the `#define`s, for C and C++.

    Args:
        prefix: of the names; that of the `#define`s is empty for "model" and `<PREFIX>_` for any other.
        title: one line that says what this is.
        defines: by name; texts are quoted, lists become an initialiser in braces.
        array: whether the model's bytes are declared.

    Raises:
        SettingError: a value is infinite, not a number, or a text that is too long for C90.
    """
    guard = f"{prefix.upper()}_H_"
    before = "" if prefix == "model" else f"{prefix.upper()}_"
    lines = [line for name, value in defines.items() for line in define(f"{before}{name}", value)]
    declared = [
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        f"extern const unsigned char {prefix}_data[];",
        f"extern const unsigned int {prefix}_size;",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
    ]
    return "\n".join(
        [
            f"/* {comment(title)} */",
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            *lines,
            "",
            *(declared if array else []),
            f"#endif /* {guard} */",
            "",
        ]
    )


def source(prefix: str, model: bytes) -> str:
    """The `.c` file: the model's bytes, 16 to a line, aligned to 16 bytes as TensorFlow Lite Micro wants them (C99)."""
    rows = np.frombuffer(model, np.uint8)
    lines = [
        "    " + ", ".join(f"0x{value:02x}" for value in rows[at : at + _BYTES_A_LINE]) + ","
        for at in range(0, len(rows), _BYTES_A_LINE)
    ]
    return "\n".join(
        [
            f'#include "{prefix}.h"',
            "",
            "#ifdef __GNUC__",
            "#define ALIGNED __attribute__((aligned(16)))",
            "#else",
            "#define ALIGNED",
            "#endif",
            "",
            f"const unsigned char {prefix}_data[] ALIGNED = {{",
            *lines,
            "};",
            f"const unsigned int {prefix}_size = {len(model)}U;",
            "",
        ]
    )


def op_resolver(prefix: str, operators: Sequence[str]) -> str:
    """The C++ header that gives TensorFlow Lite Micro the kernels that the model uses, and no others.

    Args:
        prefix: name of the namespace.
        operators: as `operators_of` gives them.
    """
    guard = f"{prefix.upper()}_OPS_H_"
    calls = [f"  if (resolver.{_method(name)}() != kTfLiteOk) return kTfLiteError;" for name in operators]
    return "\n".join(
        [
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            '#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"',
            "",
            f"namespace {prefix} {{",
            "",
            f"using OpResolver = tflite::MicroMutableOpResolver<{len(operators)}>;",
            "",
            "inline TfLiteStatus AddOps(OpResolver& resolver) {",
            *calls,
            "  return kTfLiteOk;",
            "}",
            "",
            f"}}  // namespace {prefix}",
            "",
            f"#endif  // {guard}",
            "",
        ]
    )


def parameter_defines(parameters: Mapping[str, Value], known: Callable[[str], bool]) -> dict[str, Define]:
    """Embedded parameters as `#define`s: `fe.window_size_ms` becomes FE_WINDOW_SIZE_MS.

    Bytes, lists and texts that are too long for C90 are left out. Names that the tool does not know, and those that any
    firmware may have for itself, begin with MODEL_: whatever they are called, they are no macro of the standard library
    and none of those that are computed.

    Args:
        parameters: of a `.tflite`.
        known: whether a name is one of the tool's own parameters.

    Raises:
        SettingError: two names become the same macro, or one becomes none.
    """
    found: dict[str, Define] = {}
    origin: dict[str, str] = {}
    for name, value in parameters.items():
        if not isinstance(value, bool | int | float | str) or (isinstance(value, str) and is_too_long(value)):
            continue
        macro = macro_of(name, known)
        if macro in origin:
            raise SettingError(
                f"the parameters {origin[macro]!r} and {name!r} would both be the macro {macro}",
                "give one of them another name (update_params removes a parameter with NAME=)",
            )
        found[macro], origin[macro] = value, name
    return found


def macro_of(name: str, known: Callable[[str], bool]) -> str:
    """The macro that a parameter becomes, see `parameter_defines`. Raises SettingError where nothing is left of it."""
    plain = as_name(name)
    if not plain:
        raise SettingError(f"the parameter {name!r} can be no macro", "give it a name of letters and digits")
    return plain if known(name) and name not in _COMMON else _OWN + plain


def _method(operator: str) -> str:
    words = ("2D" if word == "2d" else word[:1].upper() + word[1:] for word in operator.split("_"))
    return "Add" + _METHODS.get(operator, "".join(words))
