"""`emulate MODEL`."""

import argparse
import sys

from mltk_like.cli.options import MODEL_HELP


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument(
        "--cpu",
        default="cortex-m4",
        metavar="CORE",
        help="cortex-m0plus, -m3, -m4, -m7, -m33 or -m55; m4 will do (default cortex-m4)",
    )
    parser.add_argument(
        "--uart",
        action="store_true",
        help="bytes go through the board's UART one by one, as on a real chip: many times slower",
    )
    parser.add_argument(
        "-b", "--build", action="store_true", help="build the net with random weights; needs no training and no data"
    )


def run(args: argparse.Namespace) -> int:
    """Print the chip's serial line, and run it until Ctrl-C, which is no failure."""
    from mltk_like.signals import Stopped
    from mltk_like.verbs.emulate import emulate

    runs = False
    try:
        with emulate(
            args.model,
            cpu=args.cpu,
            line="uart" if args.uart else "console",
            build=args.build,
            progress=lambda text: print(f"{text} ...", file=sys.stderr, flush=True),
        ) as chip:
            print(chip.port, flush=True)
            print(
                f"{chip.name} on an emulated {chip.core.name} ({chip.core.machine}); Ctrl-C ends it. For example:\n"
                f"  python -m mltk_like profile --device {chip.port}",
                file=sys.stderr,
                flush=True,
            )
            runs = True
            chip.wait()
    except KeyboardInterrupt as end:
        if isinstance(end, Stopped) or not runs:
            raise
    return 0
