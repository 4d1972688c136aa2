"""`profile MODEL`, and `profile --device PORT` for the model that a board runs."""

import argparse

from mltk_like.cli.options import MODEL_HELP, add_json, show
from mltk_like.errors import SettingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", nargs="?", help=MODEL_HELP)
    parser.add_argument(
        "-b", "--build", action="store_true", help="build the net with random weights; needs no training and no data"
    )
    parser.add_argument(
        "--repeat",
        type=int,
        default=20,
        metavar="N",
        help="inferences; the fastest of them is shown (default 20; fewer where they would take more than 20 s)",
    )
    parser.add_argument(
        "--device", metavar="PORT", help="a board's serial line, or auto: print its own layer table, without a MODEL"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Profile and print."""
    from mltk_like.verbs.profile import profile, profile_device

    if (args.model is None) == (args.device is None):
        raise SettingError("profile takes a MODEL, or --device PORT", "a board profiles the model that it runs")
    if args.device:
        show(profile_device(args.device), args.json)
        return 0
    show(profile(args.model, build=args.build, repeat=args.repeat, progress=True), args.json)
    return 0
