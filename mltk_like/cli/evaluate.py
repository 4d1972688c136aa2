"""`evaluate MODEL`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import MODEL_HELP, add_json, show
from mltk_like.errors import SettingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument("--tflite", action="store_true", help="the int8 model (default: the float one)")
    parser.add_argument("--positives", type=Path, metavar="DIR", help="recordings of the keyword, one in a file")
    parser.add_argument(
        "--negatives", type=Path, nargs="+", metavar="DIR", help="recordings without the keyword, of any length"
    )
    parser.add_argument(
        "--noise", type=Path, metavar="DIR", help="noise to mix under the positives; default: generated"
    )
    parser.add_argument("--snr", type=float, metavar="DB", help="signal-to-noise ratio of that mixture (default 10)")
    parser.add_argument("--label", help="class that the positives hold (default: the first that is detected)")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="write eval-results.json, summary.txt and plots there"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print."""
    from mltk_like.verbs.evaluate import Recordings, evaluate

    recordings = None
    if (args.noise or args.label) and not (args.positives or args.negatives):
        raise SettingError("--noise and --label go with recordings", "add --positives DIR --negatives DIR")
    if args.positives or args.negatives:
        recordings = Recordings(
            positives=args.positives, negatives=tuple(args.negatives or ()), noise=args.noise, label=args.label
        )
    result = evaluate(
        args.model,
        tflite=args.tflite,
        recordings=recordings,
        snr_db=args.snr,
        progress=not args.json,
        output=args.output,
    )
    show(result, args.json)
    return 0
