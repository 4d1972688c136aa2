"""`new NAME --keywords WORD ...`."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = 'As in: mltk_like new hey_gecko --keywords "hey gecko" --quick'
    parser.add_argument("name", help="the model's name, for ./models/NAME.py, or the path of a .py file")
    parser.add_argument(
        "-k", "--keywords", nargs="+", required=True, metavar="WORD", help="what to hear; a phrase in quotation marks"
    )
    parser.add_argument(
        "-t", "--template", default="keyword", choices=("keyword", "event", "transfer", "recordings"),
        help="keyword: synthetic voices say it; event: a sound, no speech; transfer: on the weights of a model that "
        "ships; recordings: from your own, in ./recordings (default: keyword)",
    )  # fmt: skip
    parser.add_argument("--language", default="en", help="of the keywords, as espeak-ng calls it (default: en)")
    parser.add_argument(
        "--lexicon", default="", metavar="FILE", help="words of another language, to look for sound-alikes in"
    )
    parser.add_argument("--quick", action="store_true", help="a toy that is trained in minutes")


def run(args: argparse.Namespace) -> int:
    """Write the file and say what to do next."""
    from mltk_like.verbs.new import new

    print(
        new(
            args.name, args.keywords, template=args.template, language=args.language, lexicon=args.lexicon,
            quick=args.quick,
        )
    )  # fmt: skip
    return 0
