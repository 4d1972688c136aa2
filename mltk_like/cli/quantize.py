"""`quantize MODEL`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import MODEL_HELP


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write there (default: into the run folder or archive)"
    )
    parser.add_argument(
        "-b", "--build", action="store_true", help="build the net with random weights; needs no training and no data"
    )
    parser.add_argument(
        "-w",
        "--weights",
        type=Path,
        metavar="FILE",
        help="a .keras or .weights.h5 file in place of the trained weights",
    )
    parser.add_argument(
        "--remake",
        action="store_true",
        help="make the windows that set the ranges from the model's data (takes as long as before a training)",
    )
    parser.add_argument(
        "--streaming",
        action="store_true",
        help="keep rows and take the new ones alone, with the same outputs; MODEL may be any finished .tflite",
    )


def run(args: argparse.Namespace) -> int:
    """Convert and say where the file is."""
    from mltk_like.verbs.quantize import quantize

    result = quantize(
        args.model,
        output=args.output,
        build=args.build,
        weights=args.weights,
        remake=args.remake,
        streaming=args.streaming,
    )
    print(result)
    return result.exit_code
