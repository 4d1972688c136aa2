"""`models`."""

import argparse

from mltk_like.cli.options import add_json, show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """List the models."""
    from mltk_like.verbs.models import models

    show(models(), args.json)
    return 0
