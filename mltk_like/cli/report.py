"""`report MODEL`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from mltk_like.cli.options import MODEL_HELP, add_json, show
from mltk_like.errors import SettingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add: Any = parser.add_argument
    folder = {"type": Path, "metavar": "DIR"}
    add("model", help=MODEL_HELP)
    add("-o", "--output", **folder, help="folder of the page (default: report in the run folder, else MODEL-report)")
    add("--evaluate", action="store_true", help="judge it now; default: the stored evaluation is shown")
    add("--positives", **folder, help="judge it on recordings of the keyword, one in a file")
    add("--negatives", **folder, nargs="+", default=[], help="and on recordings without the keyword, of any length")
    add("--noise", **folder, help="noise to mix under the positives; default: generated")
    add("--snr", type=float, nargs="+", metavar="DB", help="signal-to-noise ratios of that mixture (default 10)")
    add("--label", help="class that the positives hold (default: their sub-folder, or the first that is detected)")
    add("--open", action="store_true", help="open the page in the browser")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write the page and say where it is."""
    from mltk_like.verbs.evaluate import Recordings
    from mltk_like.verbs.report import report

    recorded = bool(args.positives or args.negatives)
    if (args.noise or args.label) and not recorded:
        raise SettingError("--noise and --label go with recordings", "add --positives DIR --negatives DIR")
    if args.snr and not (recorded or args.evaluate):
        raise SettingError("--snr goes with an evaluation", "add --evaluate, or --positives DIR --negatives DIR")
    given: dict[str, Any] = {"positives": args.positives, "negatives": tuple(args.negatives)}
    recordings = Recordings(**given, noise=args.noise, label=args.label) if recorded else None
    result = report(
        args.model, evaluate=args.evaluate, recordings=recordings, snr_db=args.snr, output=args.output,
        progress=not args.json,
    )  # fmt: skip
    show(result, args.json)
    if args.open:
        import webbrowser

        if not webbrowser.open(result.page.resolve().as_uri()):
            print(f"no browser can be opened here; open {result.page} yourself", file=sys.stderr)
    return 0
