"""`summarize MODEL`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import MODEL_HELP, add_json, show
from mltk_like.paths import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument("--tflite", action="store_true", help="the int8 model's operators, sizes and parameters")
    parser.add_argument(
        "-b", "--build", action="store_true", help="build the net with random weights; needs no training and no data"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the summary there too")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Summarize and print."""
    from mltk_like.verbs.summarize import summarize

    result = summarize(args.model, tflite=args.tflite, build=args.build)
    show(result, args.json)
    if args.output:
        write_text(args.output, f"{result}\n")
    return 0
