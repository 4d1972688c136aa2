"""`models`."""

import argparse

from mltk_like.cli.options import add_json, show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "--claim", nargs="+", metavar=("FILE", "RUN"), help="a model's file was moved: its runs are FILE's from now on"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """List the models, or claim runs."""
    from mltk_like.verbs.models import claim_runs, models

    show(claim_runs(args.claim[0], args.claim[1:]) if args.claim else models(), args.json)
    return 0
