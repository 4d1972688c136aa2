"""`summarize MODEL`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import MODEL_HELP, add_json, show, text_of
from mltk_like.errors import SettingError
from mltk_like.paths import write_bytes, write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument("--tflite", action="store_true", help="the int8 model's operators, sizes and parameters")
    parser.add_argument(
        "-b", "--build", action="store_true", help="build the net with random weights; needs no training and no data"
    )
    parser.add_argument("--frontend", action="store_true", help="the steps from samples to features, with their shapes")
    parser.add_argument("--filters", type=Path, metavar="PNG", help="draw the filters of the first convolution")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the summary there too")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Summarize and print."""
    from mltk_like.verbs.summarize import filters_png, steps_of, summarize

    if args.frontend and (args.tflite or args.build):
        raise SettingError("--frontend shows the front end alone", "leave out --tflite and --build")
    if args.filters:
        write_bytes(args.filters, filters_png(args.model))
    options = {"tflite": args.tflite, "build": args.build}
    result = steps_of(args.model) if args.frontend else summarize(args.model, **options)
    show(result, args.json)
    if args.output:
        write_text(args.output, f"{text_of(result, args.json)}\n")
    return 0
