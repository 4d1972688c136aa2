"""`tensorboard MODEL`."""

import argparse

from mltk_like.cli.options import whole_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help="a name or a .py file, for all its runs, or one run folder")
    parser.add_argument(
        "--port", type=whole_number, metavar="N", help="of 127.0.0.1 (default: 6006, or the next one that is free)"
    )


def run(args: argparse.Namespace) -> int:
    """Show the curves until Ctrl-C."""
    from mltk_like.verbs.tensorboard import tensorboard

    return tensorboard(args.model, port=args.port)
