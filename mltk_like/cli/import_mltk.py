"""`import_mltk FILE.py`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import add_json, show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = "As in: mltk_like import_mltk keyword_spotting_on_off.py -o on_off"
    parser.add_argument("file", type=Path, metavar="FILE.py", help="a model file of MLTK; it is read, and never run")
    parser.add_argument(
        "-o", "--output", metavar="OUT.py", help="the file to write, or a name for ./models (default: the same name)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write the file and say what does not carry over."""
    from mltk_like.verbs.import_mltk import import_mltk

    show(import_mltk(args.file, output=args.output), args.json)
    return 0
