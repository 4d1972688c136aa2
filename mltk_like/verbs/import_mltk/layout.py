"""Values and calls as Python text, in lines of a common length."""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

_SHORT = 100
_WIDTH = 116


def literal(value: Any) -> str:
    """A number, text, list or mapping as Python has it, with double quotation marks; a list as a tuple."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=not value.isprintable())
    if isinstance(value, list | tuple):
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    return repr(value)


def call(name: str, values: Mapping[str, Any], indent: int = 4) -> str:
    """A call with named arguments, on as many lines as it takes."""
    return listed(f"{name}(", [f"{key}={literal(value)}" for key, value in values.items()], ")", indent)


def listed(begin: str, items: Sequence[str], end: str, indent: int = 0) -> str:
    """Items with commas between, on one line where that is short, else several on each.

    Args:
        begin, end: brackets, with what stands before them.
        items: the text of each.
        indent: of the line on which it begins.
    """
    line = f"{begin}{', '.join(items)}{end}"
    if len(line) + indent < _SHORT or not items:
        return line
    rows: list[str] = []
    for item in items:
        if rows and len(rows[-1]) + len(item) + indent + 6 < _WIDTH:
            rows[-1] += f" {item},"
        else:
            rows.append(f"{item},")
    space = " " * (indent + 4)
    return f"{begin}\n" + "\n".join(f"{space}{row}" for row in rows) + f"\n{' ' * indent}{end}"


def indented(lines: Sequence[str], by: int) -> str:
    """Statements as text, indented; empty lines stay empty."""
    return textwrap.indent("\n".join(lines), " " * by, lambda line: bool(line.strip()))


def class_name(stem: str) -> str:
    """`keyword_spotting_on_off` -> `KeywordSpottingOnOff`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", stem))


def harmless(text: str) -> str:
    """A name as it may stand in a docstring: nothing in it ends that."""
    return re.sub(r"[^\w .()+-]", "?", text)


def line_numbers(lines: Sequence[int]) -> str:
    """'line 7', or 'lines 7, 9-12'."""
    numbers = sorted(set(lines))
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)
    return f"line{'s' * (len(numbers) > 1)} {shown}"
