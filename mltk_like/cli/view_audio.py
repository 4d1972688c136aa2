"""`view_audio MODEL [WAV ...]`."""

import argparse
import sys
from pathlib import Path

from mltk_like.cli.options import MODEL_HELP, add_json, show
from mltk_like.errors import DataError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = "Audio files stand right behind MODEL, before the options."
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument("files", nargs="*", metavar="WAV", help="audio files; none: clips of the model's own data")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder of the page (default: MODEL-audio)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE[+NAME=VALUE]",
        help="a column with other settings beside the model's, for example frontend.pcan_enable=true; again: another",
    )
    parser.add_argument("--clips", type=int, default=4, metavar="N", help="how many of the own clips (default 4)")
    parser.add_argument(
        "--label", metavar="NAME", help="class of the files (default: the first detected), or of the own clips"
    )
    parser.add_argument("--variants", type=int, default=3, metavar="N", help="augmented variants (default 3)")
    parser.add_argument("--seed", type=int, metavar="N", help="of the variants (default: the model's)")
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="second to begin at (default 0)")
    parser.add_argument("--seconds", type=float, default=30.0, metavar="S", help="longest stretch shown (default 30)")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write the page and say where it is; a file that cannot be read gives code 2, with a page of the others."""
    from mltk_like.verbs.view_audio import view_audio

    result = view_audio(
        args.model, args.files, changes=args.set, output=args.output, clips=args.clips, label=args.label,
        variants=args.variants, seed=args.seed, start_s=args.start, seconds=args.seconds, progress=not args.json,
    )  # fmt: skip
    show(result, args.json)
    if args.open:
        import webbrowser

        if not webbrowser.open(result.page.resolve().as_uri()):
            print(f"no browser can be opened here; open {result.page} yourself", file=sys.stderr)
    if result.problems:
        raise DataError("; ".join(result.problems), f"{result.page} shows the other files")
    return 0
