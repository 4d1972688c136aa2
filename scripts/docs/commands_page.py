"""The page of every verb and option, from the parsers of the command line. It is made when the site is built."""

import argparse

from mltk_like.cli import VERBS, parser_of

_HEAD = """# Every command

`python -m mltk_like VERB --help` prints the same.
`MODEL` is a name, a model file, a run folder, a `.mltk.zip` or, where it makes sense, any `.tflite`.
Every verb also takes `--debug`, which shows the traceback of an error.
"""
_OF_EVERY_VERB = ("help", "debug")


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *map(_section, VERBS)])


def _section(verb: str) -> str:
    parser = parser_of(verb).of(verb)
    actions = [action for action in parser._actions if action.dest not in _OF_EVERY_VERB]
    rows = [f"| {_name(action)} | {_text(action)} |\n" for action in actions if action.help != argparse.SUPPRESS]
    table = "| argument | what |\n| --- | --- |\n" + "".join(rows) if rows else ""
    line = VERBS[verb]
    return f"## `{verb}` {{ #{verb} }}\n\n{line[0].upper() + line[1:]}.\n\n{table}"


def _name(action: argparse.Action) -> str:
    """`-o`, `--output DIR`, or `MODEL`."""
    value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    value = " ".join(value) if isinstance(value, tuple) else str(value)
    value += " ..." if action.nargs in ("*", "+") else ""
    *short, last = action.option_strings or [""]
    return _cell(", ".join([*(f"`{option}`" for option in short), f"`{f'{last} {value}'.strip()}`"]))


def _text(action: argparse.Action) -> str:
    """The help of an argument, with its default where the help names it, and what it may be."""
    text = (action.help or "") % {**vars(action), "prog": "mltk_like"}
    text = text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
    choices = ", ".join(f"`{choice}`" for choice in action.choices or ())
    return _cell(text + (f" One of {choices}." if choices else ""))


def _cell(text: str) -> str:
    """Text for a cell of a table: what is neither code nor meant as HTML stays as it is."""
    return text.replace("|", r"\|").replace("<", "&lt;")
