"""Values and texts as C source that every compiler takes, from C90 to C++20, with all warnings as errors."""

import math
import re
from collections.abc import Sequence

import numpy as np

from mltk_like.errors import SettingError

Define = bool | int | float | str | Sequence[str] | Sequence[float]

MOST_TEXT = 509
"""Bytes of the longest text that C90 promises to take (ISO/IEC 9899:1990, 5.2.4.1)."""

_KEYWORDS = frozenset(
    {
        "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch",
        "char", "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return", "co_yield", "compl", "concept",
        "const", "const_cast", "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete",
        "do", "double", "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for",
        "friend", "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq",
        "nullptr", "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
        "requires", "restrict", "return", "short", "signed", "sizeof", "static", "static_assert", "static_cast",
        "struct", "switch", "template", "this", "thread_local", "throw", "true", "try", "typedef", "typeid",
        "typename", "typeof", "union", "unsigned", "using", "virtual", "void", "volatile", "wchar_t", "while", "xor",
        "xor_eq",
    }
)  # fmt: skip
# Names that a namespace cannot have: of others, and macros that compilers or standard headers define.
_TAKEN = frozenset({"main", "std", "posix", "tflite", "linux", "unix", "i386", "errno", "assert", "stdin", "stdout",
                    "stderr", "EOF", "NULL", "NAN", "INFINITY", "BUFSIZ", "TRUE", "FALSE"})  # fmt: skip
# A file PREFIX.h beside the firmware's own would hide these of the standard library.
_HEADERS = frozenset(
    {
        "complex", "ctype", "fenv", "float", "inttypes", "iso646", "limits", "locale", "math", "memory", "new",
        "random", "setjmp", "signal", "stdalign", "stdarg", "stdatomic", "stdbool", "stddef", "stdint", "stdio",
        "stdlib", "stdnoreturn", "string", "strings", "tgmath", "threads", "time", "uchar", "unistd", "wchar",
        "wctype",
    }
)  # fmt: skip
_C99 = (
    "#if (defined(__cplusplus) && __cplusplus >= 201103L) || \\\n"
    "    (!defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L)"
)


def check_prefix(prefix: str) -> None:
    """Raise SettingError for what cannot begin names and files of C and C++, or be the name of a namespace."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", prefix) or prefix in _KEYWORDS | _TAKEN:
        raise SettingError(f"{prefix!r} cannot be a name in C and C++", "use letters, digits and single _, no keyword")
    if prefix.lower() in _HEADERS:
        raise SettingError(
            f"{prefix}.h would hide a header of the standard library", f"use another prefix, such as {prefix}_model"
        )


def as_name(text: str) -> str:
    """A text as the end of a macro's name: capitals, digits and single _; empty where it has none of them."""
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper()


def comment(text: str) -> str:
    """A text in one line that can stand between `/*` and `*/`."""
    line = "".join(char if char.isprintable() else " " for char in text)
    return line.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")


def define(name: str, value: Define) -> list[str]:
    """The lines that define a macro; a whole number of more than 32 bits is there where the language has such.

    Raises:
        SettingError: the value is infinite or not a number, which C90 cannot say, or a text is too long.
    """
    try:
        line = f"#define {name} {literal(value)}"
    except SettingError as error:
        raise SettingError(f"{name}: {error.message}", error.hint) from error
    wide = isinstance(value, int) and not -(2**31) <= value < 2**32
    return [_C99, line, "#endif"] if wide else [line]


def literal(value: Define) -> str:
    """A value as a constant of C: texts quoted, lists in braces, floats in single precision where that is all.

    Raises:
        SettingError: infinite or not a number, or a text of more than `MOST_TEXT` bytes.
    """
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return _text(value)
    return "{" + ", ".join(map(literal, value)) + "}"


def _whole(value: int) -> str:
    wide = "" if -(2**31) <= value < 2**32 else "LL"
    if value >= 0:
        # A decimal constant of C90 that fits no signed type is one of its traps; U says what is meant.
        return f"{value}{'U' if value >= 2**31 and (not wide or value >= 2**63) else ''}{wide}"
    # The least value of a type has no constant: its digits alone are too large.
    least = value in (-(2**31), -(2**63))
    return f"({value + 1}{wide} - 1)" if least else f"({value}{wide})"


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise SettingError(f"{value} is no constant in C", "give a finite number")
    with np.errstate(over="ignore", under="ignore"):
        single = np.float32(value)
    # The shortest text that gives the same number of single precision, where that has it.
    fits = np.isfinite(single) and (single != 0 or value == 0)
    text = str(single) if fits else repr(value)
    text = text if any(mark in text for mark in ".e") else f"{text}.0"
    text += "f" if fits else ""
    return f"({text})" if text.startswith("-") else text


def is_too_long(text: str) -> bool:
    """Whether C90 need not take a text."""
    return len(text.encode()) > MOST_TEXT


def _text(value: str) -> str:
    if is_too_long(value):
        raise SettingError(f"the text {value[:20]}... is too long", f"C90 takes texts of {MOST_TEXT} bytes at most")
    data = value.encode()
    return '"' + "".join(map(_char, data, (0, *data))) + '"'


def _char(byte: int, before: int) -> str:
    """A byte of a text; octal where it is no printable ASCII, so that no compiler's character set counts."""
    char = chr(byte)
    if char == "\n":
        return "\\n"
    if char in '"\\' or (char == "?" and before == byte):  # two question marks may begin a trigraph
        return f"\\{char}"
    return char if 32 <= byte < 127 else f"\\{byte:03o}"
