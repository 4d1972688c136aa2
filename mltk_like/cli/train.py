"""`train MODEL`."""

import argparse

from mltk_like.cli.options import add_set, apply_set
from mltk_like.loader import find_model, load_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help="a name or a .py file; NAME-test is the dry run: every stage on a few clips")
    parser.add_argument("--test", action="store_true", help="the dry run")
    parser.add_argument("-e", "--epochs", type=int, help="most epochs; shorthand for --set epochs=N")
    parser.add_argument("--resume", action="store_true", help="go on with the latest run that was interrupted")
    parser.add_argument("--workers", type=int, help="worker processes for data; 0: none (default: one a core)")
    parser.add_argument("--weights", metavar="FILE", help="start from the weights of a .keras or .weights.h5 file")
    parser.add_argument("--no-evaluate", action="store_true", help="leave out evaluation and profile")
    parser.add_argument("--strict-sources", action="store_true", help="a source that cannot be had is an error")
    add_set(parser)


def run(args: argparse.Namespace) -> int:
    """Train; the verb prints as it goes."""
    from mltk_like.verbs.train import train

    found = find_model(args.model)
    print(f"model {found.path.stem} from {found.where}: {found.path}")
    assignments = args.set + ([f"epochs={args.epochs}"] if args.epochs is not None else [])
    model = apply_set(load_file(found.path), assignments)
    print(
        train(
            model,
            test=found.test or args.test,
            resume=args.resume,
            workers=args.workers,
            weights=args.weights,
            evaluate=not args.no_evaluate,
            strict_sources=args.strict_sources,
        )
    )
    return 0
