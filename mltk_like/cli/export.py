"""`export MODEL`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import MODEL_HELP, add_json, show

_FORMATS = (
    "c-array (default), c, cmake, web, arduino, platformio, esp-idf, zephyr, pico-sdk, mcu, esphome, low-bit, akida"
)
_OUTPUT = "folder (default ./export/MODEL); for web FILE.html (default ./export/MODEL.html)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument("--format", default="c-array", metavar="NAME", help=_FORMATS)
    parser.add_argument("-o", "--output", type=Path, metavar="PATH", help=_OUTPUT)
    parser.add_argument("--prefix", default="model", help="of file names and symbols, for several models in a firmware")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Export and say what it will take."""
    from mltk_like.verbs.export import export

    result = export(args.model, format=args.format, output=args.output, prefix=args.prefix)
    show(result, args.json)
    return result.exit_code
