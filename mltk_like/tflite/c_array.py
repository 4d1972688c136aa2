"""A `.tflite` as C source: the bytes as an aligned array, what surrounds it as `#define`s, the operators it needs."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from mltk_like.errors import SettingError
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

_RESERVED = frozenset(
    {
        "alignas", "alignof", "and", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
        "class", "compl", "const", "constexpr", "continue", "decltype", "default", "delete", "do", "double", "else",
        "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if", "inline", "int",
        "long", "main", "mutable", "namespace", "new", "noexcept", "not", "nullptr", "operator", "or", "private",
        "protected", "public", "register", "reinterpret_cast", "return", "short", "signed", "sizeof", "static",
        "static_assert", "struct", "switch", "template", "this", "throw", "true", "try", "typedef", "typeid",
        "typename", "union", "unsigned", "using", "virtual", "void", "volatile", "while", "xor",
    }
)  # fmt: skip

_COMMON = ("name", "version", "hash", "date")

Define = bool | int | float | str | Sequence[str] | Sequence[float]


def operators_of(model: bytes) -> tuple[str, ...]:
    """Names of the operators that a model uses in any of its graphs, sorted, such as `conv_2d`.

    Raises:
        ModelError: the file is damaged.
    """
    return tuple(sorted({opcode_name(code) for code in parse(model).operatorCodes or []}))


def check_prefix(prefix: str) -> None:
    """Raise SettingError for what C does not take as the start of a name."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", prefix) or prefix in _RESERVED:
        raise SettingError(f"{prefix!r} cannot be a name in C and C++", "use letters, digits and _, no keyword")


def header(prefix: str, title: str, defines: Mapping[str, Define]) -> str:
    """The `.h` file: `<prefix>_data`, `<prefix>_size` and the `#define`s, for C and C++.

    Args:
        prefix: of the names; that of the `#define`s is empty for "model" and `<PREFIX>_` for any other.
        title: one line that says what this is.
        defines: by name; texts are quoted, lists become an initialiser in braces.
    """
    guard = f"{prefix.upper()}_H_"
    before = "" if prefix == "model" else f"{prefix.upper()}_"
    lines = [f"#define {before}{name} {_literal(value)}" for name, value in defines.items()]
    return "\n".join(
        [
            f"/* {title.replace('*/', '* /')} */",
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            *lines,
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            f"extern const unsigned char {prefix}_data[];",
            f"extern const unsigned int {prefix}_size;",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "",
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


def parameter_defines(parameters: Mapping[str, Value]) -> dict[str, Define]:
    """Embedded parameters as `#define`s: `fe.window_size_ms` becomes FE_WINDOW_SIZE_MS; bytes and lists are left out.

    Names that any firmware may have for itself begin with MODEL_.
    """
    return {
        ("MODEL_" if name in _COMMON else "") + re.sub(r"\W", "_", name).upper(): value
        for name, value in parameters.items()
        if isinstance(value, bool | int | float | str)
    }


def _method(operator: str) -> str:
    words = ("2D" if word == "2d" else word[:1].upper() + word[1:] for word in operator.split("_"))
    return "Add" + _METHODS.get(operator, "".join(words))


def _literal(value: Define) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return f"{value}" if value >= 0 else f"({value})"
    if isinstance(value, float):
        # The shortest text that gives the same single-precision number.
        text = str(np.float32(value))
        text = text if any(mark in text for mark in ".en") else f"{text}.0"
        return f"{text}f" if value >= 0 else f"({text}f)"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return "{" + ", ".join(map(_literal, value)) + "}"
