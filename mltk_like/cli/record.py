"""`record LABEL`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import add_device, add_json, show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("label", help="what is recorded, such as knocking")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="length (default 60); Ctrl-C ends it")
    parser.add_argument("-o", "--output", type=Path, default=Path("recordings"), metavar="DIR", help="folder")
    parser.add_argument("--input", metavar="FILE", help="a sound file, or - for raw samples (default: the microphone)")
    parser.add_argument("-m", "--microphone", metavar="NAME", help="number, name or part of the name of a microphone")
    add_device(parser, "what the microphone of a board hears", "-d")
    parser.add_argument("--rate", type=int, default=16000, metavar="HZ", help="sample rate of the WAV (default 16000)")
    parser.add_argument("--above", type=float, default=12.0, metavar="DB", help="level of an event over the background")
    parser.add_argument("--segment", type=float, metavar="S", help="label so long from each start (default: all of it)")
    parser.add_argument("--whole", action="store_true", help="label all of the recording, as for noise")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Record and say what was found."""
    from mltk_like.verbs.record import record

    result = record(
        args.label, seconds=args.seconds, output=args.output, input=args.input, microphone=args.microphone,
        device=args.device, sample_rate_hz=args.rate, above_db=args.above, segment_s=args.segment, whole=args.whole,
        progress=not args.json,
    )  # fmt: skip
    show(result, args.json)
    return 0
