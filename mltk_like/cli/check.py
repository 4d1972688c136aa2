"""`check MODEL`."""

import argparse

from mltk_like.cli.options import MODEL_HELP, add_json, show, whole_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="most of the windows on which int8 may decide otherwise than float (default 0.05)",
    )
    parser.add_argument(
        "--clips", type=whole_number, default=100, metavar="N", help="how many windows at most (default 100)"
    )
    parser.add_argument(
        "--chip", metavar="CORE", help="run the net as C on an emulated core too, such as cortex-m4 (takes a minute)"
    )
    parser.add_argument(
        "--data",
        action="store_true",
        help="windows of the test voices in the model's data, which is collected as for a training",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Check and say what was found."""
    from mltk_like.verbs.check import check

    result = check(args.model, tolerance=args.tolerance, clips=args.clips, chip=args.chip, data=args.data)
    show(result, args.json)
    return result.exit_code
