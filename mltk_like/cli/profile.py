"""`profile MODEL`."""

import argparse

from mltk_like.cli.options import MODEL_HELP, add_json, show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument(
        "-b", "--build", action="store_true", help="build the net with random weights; needs no training and no data"
    )
    parser.add_argument(
        "--repeat", type=int, default=20, metavar="N", help="inferences; the fastest of them is shown (default 20)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Profile and print."""
    from mltk_like.verbs.profile import profile

    show(profile(args.model, build=args.build, repeat=args.repeat), args.json)
    return 0
