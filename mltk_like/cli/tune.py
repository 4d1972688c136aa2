"""`tune MODEL`."""

import argparse

from mltk_like.cli.options import add_json, show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help="a name or a .py file; NAME-test tries the search on dry runs")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=...",
        help="what to search: learning_rate=1e-4..1e-2 or batch_size=32,64; epochs=5 is fixed for all trials",
    )
    parser.add_argument("--trials", type=int, default=20, metavar="N", help="trials in all (default 20)")
    parser.add_argument("--cluster", metavar="ADDRESS", help="train on a Ray cluster: auto, HOST:PORT, ray://HOST:PORT")
    parser.add_argument("--seed", type=int, default=0, help="of the search (default 0)")
    parser.add_argument("--restart", action="store_true", help="forget the trials of earlier calls")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Search and print."""
    from mltk_like.verbs.tune import tune

    result = tune(
        args.model,
        args.set,
        trials=args.trials,
        cluster=args.cluster,
        seed=args.seed,
        restart=args.restart,
        progress=not args.json,
    )
    show(result, args.json)
    return 0 if result.best is not None else 1
