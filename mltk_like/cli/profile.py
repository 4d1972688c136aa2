"""`profile MODEL`: on this computer, `--target` an emulated core, `--boards`, and `--device PORT` for a board's own."""

import argparse
import sys

from mltk_like.cli.options import MODEL_HELP, add_device, add_json, show
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
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--target",
        metavar="CPU",
        help="count the instructions of a firmware on an emulated core: cortex-m0plus, -m3, -m4, -m7, -m33 or -m55",
    )
    where.add_argument(
        "--boards", action="store_true", help="on which common boards the model fits, and with what load"
    )
    add_device(where, "a board times its layers; with a MODEL, which it must run, their operations and shapes too")
    parser.add_argument("--clock", metavar="HZ", help="the core's clock, for time and load: --target m4 --clock 78MHz")
    form = parser.add_mutually_exclusive_group()
    add_json(form)
    form.add_argument("--csv", action="store_true", help="print comma-separated values, of --target and --boards")


def run(args: argparse.Namespace) -> int:
    """Profile and print."""
    from mltk_like.verbs.profile import profile, profile_boards, profile_device, profile_target

    _check(args)
    if args.device:
        show(profile_device(args.device, args.model), args.json)
    elif args.target is not None:
        found = profile_target(args.model, args.target, clock=args.clock, build=args.build, progress=_say)
        _show(found, args)
    elif args.boards:
        _show(profile_boards(args.model, build=args.build, progress=_say), args)
    else:
        show(profile(args.model, build=args.build, repeat=args.repeat, progress=True), args.json)
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.model is None and args.device is None:
        raise SettingError("profile needs a MODEL or --device", "a board profiles the model that it runs")
    if args.build and args.device:
        raise SettingError("a board has no random weights: --build does not go with --device", "leave one of them out")
    if args.clock is not None and args.target is None:
        raise SettingError("--clock is that of a --target", "as in: profile MODEL --target cortex-m4 --clock 78MHz")
    if args.csv and args.target is None and not args.boards:
        raise SettingError("--csv goes with --target or --boards", "--json prints the values of the others")


def _show(found: object, args: argparse.Namespace) -> None:
    if args.csv:
        print(found.to_csv())  # type: ignore[attr-defined]
    else:
        show(found, args.json)


def _say(what: str) -> None:
    """What is being done, on a terminal."""
    if sys.stderr.isatty():
        print(f"{what} ...", file=sys.stderr)
