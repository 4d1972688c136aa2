"""`data MODEL`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import add_json, add_set, apply_set, show, whole_number
from mltk_like.loader import find_model, load_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help="a name or a .py file")
    parser.add_argument("--fetch", action="store_true", help="download and make what is missing; can be broken off")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="draw class counts, the whole set, first windows")
    parser.add_argument(
        "--export-features", type=Path, metavar="FILE", help="write one pass of windows as .csv, .npz or .parquet"
    )
    parser.add_argument("--workers", type=whole_number, metavar="N", help="processes (default: one a core)")
    parser.add_argument("--offline", action="store_true", help="use what is in the cache, download nothing")
    parser.add_argument("--augment-copies", type=int, default=0, metavar="N", help="store N passes of windows, too")
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="do the work on a Ray cluster: auto, HOST:PORT, ray://HOST:PORT"
    )
    add_set(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Show the sources; code 1 where one was to be fetched and could not be."""
    from mltk_like.cluster import workers_at
    from mltk_like.data.fetch import offline
    from mltk_like.verbs.data import data_report, export_features, plot_data, store_copies

    model = apply_set(load_file(find_model(args.model).path), args.set)
    with offline(args.offline), workers_at(args.cluster) as workers:
        if args.export_features:
            count = args.workers if args.workers is not None else workers
            show(export_features(model, args.export_features, workers=count, progress=not args.json), args.json)
            return 0
        fetch = args.fetch or args.augment_copies > 0
        report = data_report(model, fetch=fetch, offline=args.offline, workers=workers, progress=not args.json)
        if args.augment_copies:
            store_copies(model, args.augment_copies, workers=workers, progress=not args.json)
        if args.plots:
            plot_data(model, args.plots, progress=not args.json)
    show(report, args.json)
    return 1 if report.failed else 0
