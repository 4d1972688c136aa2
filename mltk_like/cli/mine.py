"""`mine MODEL --negatives DIR...`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import MODEL_HELP, add_json, show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = "Ctrl-C keeps what was heard; the same command goes on."
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument(
        "--negatives", nargs="+", required=True, metavar="DIR", help="recordings without the keyword, any length"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("mined"), metavar="DIR", help="(default: mined)")
    level = parser.add_mutually_exclusive_group()
    level.add_argument("--threshold", type=int, metavar="N", help="cut out what scores above N, 0 to 254")
    level.add_argument(
        "--margin", type=float, metavar="SHARE", help="cut from so far below the model's own threshold (default 0.2)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most N cuts of each file, highest scores first")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Mine and print."""
    from mltk_like.verbs.mine import MARGIN, mine

    result = mine(
        args.model, args.negatives, output=args.output, threshold=args.threshold,
        margin=MARGIN if args.margin is None else args.margin, limit=args.limit, progress=not args.json,
    )  # fmt: skip
    show(result, args.json)
    return 0
