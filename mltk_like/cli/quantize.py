"""`quantize MODEL`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import MODEL_HELP
from mltk_like.errors import SettingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write there (default: into the run folder or archive); with --float a folder (default: this one)",
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
        "--float", action="store_true",
        help="write NAME.float.tflite and NAME.dynamic.tflite (int8 weights alone) in place of the int8 model",
    )  # fmt: skip
    parser.add_argument(
        "--streaming",
        action="store_true",
        help="keep rows and take the new ones alone, with the same outputs; MODEL may be any finished .tflite",
    )


def run(args: argparse.Namespace) -> int:
    """Convert and say where the file is."""
    from mltk_like.verbs.quantize import convert_float, quantize

    if args.float:
        if args.remake:
            raise SettingError("--remake makes the windows that set ranges of int8", "leave it out: float has none")
        if args.streaming:
            raise SettingError("--streaming is of int8", "leave out one of --float and --streaming")
        if args.output is not None and args.output.suffix == ".tflite":
            raise SettingError(f"--float writes two files, not {args.output}", "give a folder with -o, or leave it out")
        print(convert_float(args.model, folder=args.output, build=args.build, weights=args.weights))
        return 0
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
