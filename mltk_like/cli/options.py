"""Options that several verbs share."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from mltk_like.model import Model
from mltk_like.settings import parse_assignments

MODEL_HELP = "a name, a .py file, a run folder, a .mltk.zip or a .tflite"


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`: machine-readable output."""
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")


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


def show(result: Any, as_json: bool) -> None:
    """Print a result as its table or as JSON."""
    if as_json:
        value: Mapping[str, Any] = result.to_dict()
        print(json.dumps(value, indent=2))
    else:
        print(result)
