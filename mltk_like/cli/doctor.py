"""`doctor`."""

import argparse

from mltk_like.cli.options import add_json, show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = "Exit code 0 where what `train` needs is here, else 1."
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print a line for each thing, and what mends those that are missing."""
    from mltk_like.verbs.doctor import doctor

    findings = doctor()
    show(findings, args.json)
    return findings.exit_code
