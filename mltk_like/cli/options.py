"""Options that several verbs share."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from mltk_like.model import Model
from mltk_like.settings import parse_assignments

MODEL_HELP = "a name, a .py file, a run folder, a .mltk.zip, a .tflite or a manifest of microWakeWord (.json)"


def add_json(parser: argparse._ActionsContainer) -> None:
    """`--json`: machine-readable output."""
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")


def add_device(parser: argparse._ActionsContainer, text: str, *names: str) -> None:
    """`--device [PORT]`, with other names before it; `auto` without a PORT."""
    parser.add_argument(
        *names, "--device", nargs="?", const="auto", type=serial_line, metavar="PORT",
        help=f"{text}; PORT is its serial line, and is not needed where there is one board",
    )  # fmt: skip


def serial_line(text: str) -> str:
    """Type of an option that takes a serial line, or auto.

    Raises:
        argparse.ArgumentTypeError: it is the name of something else, which would be looked for as a file here.
    """
    line = text == "auto" or re.search(r"[/\\]", text) or re.fullmatch(r"com\d+", text.lower()) or Path(text).exists()
    if not line:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no serial line such as /dev/ttyACM0 or COM3; a model or a label stands before --device"
        )
    return text


def whole_number(text: str) -> int:
    """Type of an option that counts something. Raises argparse.ArgumentTypeError for anything but 0, 1, 2, ..."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not 0, 1, 2, ...")
    return int(text)


def add_set(parser: argparse.ArgumentParser) -> None:
    """`--set name=value`, as often as wanted."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting, for example epochs=5 or frontend.window_size_ms=25",
    )


def apply_set(model: Model, assignments: list[str]) -> Model:
    """The model with the settings of `--set`. Raises SettingError."""
    return model.with_settings(**parse_assignments(model, assignments)) if assignments else model


def text_of(result: Any, as_json: bool) -> str:
    """A result as its table or as JSON."""
    return json.dumps(result.to_dict(), indent=2) if as_json else str(result)


def show(result: Any, as_json: bool) -> None:
    """Print a result as its table or as JSON."""
    print(text_of(result, as_json))
