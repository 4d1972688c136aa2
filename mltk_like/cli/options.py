"""Options that several verbs share."""

import argparse
import json
from typing import Any

from mltk_like.model import Model
from mltk_like.settings import parse_assignments

MODEL_HELP = "a name, a .py file, a run folder, a .mltk.zip, a .tflite or a manifest of microWakeWord (.json)"


def add_json(parser: argparse._ActionsContainer) -> None:
    """`--json`: machine-readable output."""
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")


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
