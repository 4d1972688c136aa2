"""`synthesize WORD [WORD ...]`."""

import argparse

from mltk_like.cli.options import add_json, show, whole_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="what to say; a phrase goes in quotation marks")
    parser.add_argument("--out", metavar="DIR", help="the folder; what it has already is not made again")
    parser.add_argument("--count", type=int, default=100, metavar="N", help="clips of each word (default: 100)")
    parser.add_argument(
        "--engine", action="append", default=[], metavar="ENGINE", dest="engines",
        help="hibari, kokoro, piper[:VOICE or FILE.onnx], espeak[:LANGUAGE], 'command:LINE'; as often as wanted",
    )  # fmt: skip
    parser.add_argument("--voices", nargs="+", default=[], metavar="PATTERN", help="such as 'espeak:*+f?' or joe")
    parser.add_argument("--language", default="en", help="as espeak-ng calls it: de, pt-br (default: en)")
    parser.add_argument(
        "--sound-alikes", nargs="?", type=int, const=200, default=0, metavar="N",
        help="speak the N (200) words and phrases that sound most like each word, too, and parts of it",
    )  # fmt: skip
    parser.add_argument("--lexicon", default="", metavar="FILE", help="words of another language, to look for them in")
    parser.add_argument("--speed", nargs=2, type=float, metavar=("LEAST", "MOST"), help="rate of speech; 1: usual")
    parser.add_argument("--pitch", nargs=2, type=float, metavar=("LEAST", "MOST"), help="factor on the pitch")
    parser.add_argument("--rate-hz", type=int, default=16_000, help="sampling rate (default: 16000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other clips")
    parser.add_argument("--workers", type=whole_number, help="processes; 0: none (default: one a core)")
    parser.add_argument("--cluster", metavar="ADDRESS", help="speak on a Ray cluster: auto, HOST:PORT, ray://HOST:PORT")
    parser.add_argument("--list-voices", action="store_true", help="show engines and voices, and say nothing")
    parser.add_argument("--dry-run", action="store_true", help="show the sound-alikes, and say nothing")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Speak, or list what could."""
    from dataclasses import replace

    from mltk_like.cluster import workers_at
    from mltk_like.errors import SettingError
    from mltk_like.verbs.synthesize import VARIATION, synthesize, voice_list

    if args.list_voices:
        show(voice_list(args.engines, args.voices, args.language), args.json)
        return 0
    if not (args.out or args.dry_run):
        raise SettingError("there is no folder to write to", "give --out DIR, or --dry-run")
    speed, pitch = (tuple(given) if given else None for given in (args.speed, args.pitch))
    with workers_at(args.cluster, args.workers) as workers:
        result = synthesize(
            *args.words, out=args.out or "", count=args.count, engines=args.engines, voices=args.voices,
            language=args.language, sound_alikes=args.sound_alikes, lexicon=args.lexicon, rate_hz=args.rate_hz,
            seed=args.seed, variation=replace(VARIATION, speed=speed, pitch=pitch), workers=workers,
            dry_run=args.dry_run, progress=not args.json,
        )  # fmt: skip
    show(result, args.json)
    return 0
