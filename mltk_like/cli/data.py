"""`data MODEL`."""

import argparse
from dataclasses import replace
from pathlib import Path

from mltk_like.cli.options import add_json, add_set, apply_set, show, whole_number
from mltk_like.errors import SettingError
from mltk_like.loader import find_model, load_file
from mltk_like.model import Model


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
    clips = parser.add_argument_group("single clips", "corrected in tables beside their files, which stay as they are")
    clips.add_argument("--clips", nargs="?", const="", metavar="SOURCE", help="list the clips, of one source or of all")
    clips.add_argument(
        "--relabel", nargs=2, action="append", default=[], metavar=("CLIP", "LABEL"), help="a clip is something else"
    )
    clips.add_argument(
        "--trim", nargs=3, action="append", default=[], metavar=("CLIP", "START", "END"),
        help="take a part of its file: from START to END seconds",
    )  # fmt: skip
    clips.add_argument("--throw-out", action="append", default=[], metavar="CLIP", help="leave a clip out")
    clips.add_argument("--as-it-was", action="append", default=[], metavar="CLIP", help="forget what was corrected")
    add_set(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Show the sources; code 1 where one was to be fetched and could not be."""
    from mltk_like.cluster import workers_at
    from mltk_like.data.fetch import offline
    from mltk_like.verbs.data import data_report, export_features, plot_data, store_copies

    clips = args.clips is not None or args.relabel or args.trim or args.throw_out or args.as_it_was
    _check(args, clips=bool(clips))
    model = apply_set(load_file(find_model(args.model).path), args.set)
    if clips:
        return _clips(args, model)
    with offline(args.offline), workers_at(args.cluster, args.workers) as workers:
        if args.export_features:
            show(export_features(model, args.export_features, workers=workers, progress=not args.json), args.json)
            return 0
        fetch = args.fetch or args.augment_copies > 0
        report = data_report(model, fetch=fetch, offline=args.offline, workers=workers, progress=not args.json)
        if args.augment_copies:
            store_copies(model, args.augment_copies, workers=workers, progress=not args.json)
        if args.plots:
            plot_data(model, args.plots, progress=not args.json)
    show(report, args.json)
    return 1 if report.failed else 0


def _check(args: argparse.Namespace, *, clips: bool) -> None:
    """Refuse options that would be passed over."""
    others = {"--fetch": args.fetch, "--plots": args.plots, "--augment-copies": args.augment_copies}
    export = {"--export-features": args.export_features}
    where = {"--workers": args.workers is not None, "--cluster": args.cluster, "--offline": args.offline}
    for chosen, of, beside in (
        (clips, "single clips", others | export | where),
        (args.export_features, "--export-features", others),
        (args.cluster, "--cluster", {"--workers": args.workers is not None}),
    ):
        given = [name for name, value in beside.items() if value]
        if chosen and given:
            raise SettingError(f"{of} and {given[0]} do not go together", f"leave out {given[0]}")


def _clips(args: argparse.Namespace, model: Model) -> int:
    """Correct clips, or list them."""
    from mltk_like.verbs.data import Change, correct_clips, list_clips

    changes: dict[str, Change] = {clip: Change(anew=True) for clip in args.as_it_was}
    wanted = [(clip, {"label": label}) for clip, label in args.relabel]
    wanted += [(clip, {"trim_s": (_seconds(start), _seconds(end))}) for clip, start, end in args.trim]
    wanted += [(clip, {"out": True}) for clip in args.throw_out]
    for clip, change in wanted:
        changes[clip] = replace(changes.get(clip, Change()), **change)
    if changes:
        show(correct_clips(model, changes), args.json)
    if args.clips is not None:
        show(list_clips(model, source=args.clips or None), args.json)
    return 0


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SettingError(f"--trim: {text!r} is no number of seconds", "as in: --trim rec/a.wav 0.2 1.1") from None
