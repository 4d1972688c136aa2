"""`evaluate MODEL ...`."""

import argparse
from pathlib import Path
from typing import Any

from mltk_like.cli.options import MODEL_HELP, add_device, add_json, show
from mltk_like.errors import SettingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    folder: dict[str, Any] = {"type": Path, "metavar": "DIR"}
    exclusive = parser.add_mutually_exclusive_group()
    add, other = parser.add_argument, exclusive.add_argument
    add("model", nargs="+", metavar="MODEL", help=f"{MODEL_HELP}; several are judged side by side, as int8")
    add("--tflite", action="store_true", help="the int8 model (default: the float one)")
    add("--tflm", action="store_true", help="the int8 model on TensorFlow Lite Micro")
    add("--low-bit", action="store_true", help="the net of few bits, in integers")
    other("--both", action="store_true", help="float beside int8, every difference tested")
    add("--subset", choices=("training", "validation", "test"), default="test", help="of the model's own data")
    add("--positives", **folder, help="recordings of the keyword, one in a file")
    add("--negatives", **folder, nargs="+", help="recordings without the keyword, of any length")
    add("--noise", **folder, help="noise to mix under the positives; default: generated")
    add("--snr", type=float, nargs="+", metavar="DB", help="signal-to-noise ratios of that mixture (default 10)")
    add("--label", help="class that the positives hold (default: their sub-folder, or the only one that is detected)")
    add("--group", default="parent", help="who is heard: parent, stem, or a regular expression on the file's name")
    add("--merge-ms", type=int, metavar="MS", help="false accepts so close are one (default: the suppression time)")
    other("--target-false-accepts", type=float, metavar="RATE", help="find and write the threshold for so many an hour")
    add("--free", nargs="+", default=[], metavar="SETTING", help="recogniser settings that the target may change too")
    other("--labelled", **folder, help="long recordings with Audacity or .dcli labels: predictions against labels")
    add("--session", nargs="+", default=[], metavar="NAME", help="labelling sessions of the .dcli to take")
    add("--label-map", type=_pair, nargs="+", default=[], metavar="LABEL=CLASS", help="labels that a class has there")
    other("--mlperf-tiny", action="store_true", help="the int8 model on MLPerf Tiny's streaming wake word (20 minutes)")
    add_device(exclusive, "compare a board with this computer on the --positives")
    add("--limit", type=int, metavar="N", help="with --device: so many recordings")
    add("--upload", action="store_true", help="with --device: put the model onto the board first")
    add("--normalised", action="store_true", help="confusion matrices as shares of the true class")
    add("-o", "--output", **folder, help="write eval-results.json, summary.txt and plots there")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print."""
    if len(args.model) > 1:
        return _several(args)
    (args.model,) = args.model
    if args.device:
        return _compare(args)
    _check(args)
    from mltk_like.verbs.evaluate import (
        evaluate,
        evaluate_both,
        evaluate_labelled,
        evaluate_mlperf_tiny,
        find_threshold,
    )

    ours: dict[str, Any] = {"normalise": args.normalised, "output": args.output, "progress": not args.json}
    given: dict[str, Any] = {**ours, "subset": args.subset, "snr_db": args.snr, "merge_ms": args.merge_ms}
    if args.positives or args.negatives:
        given["recordings"] = _recordings(args)
    if args.mlperf_tiny:
        told: dict[str, Any] = {"output": args.output, "progress": not args.json}
        result: Any = evaluate_mlperf_tiny(args.model, tflm=args.tflm, label=args.label, **told)
    elif args.labelled:
        ours |= {"sessions": args.session, "label_map": dict(args.label_map)}
        result = evaluate_labelled(args.model, args.labelled, tflite=args.tflite, tflm=args.tflm, **ours)
    elif args.target_false_accepts is not None:
        result = find_threshold(args.model, args.target_false_accepts, free=args.free, tflm=args.tflm, **given)
    elif args.both:
        result = evaluate_both(args.model, **given)
    else:
        result = evaluate(args.model, tflite=args.tflite, tflm=args.tflm, low_bit=args.low_bit, **given)
    show(result, args.json)
    return 0


def _several(args: argparse.Namespace) -> int:
    """Several models on the same recordings; 2 where one of them could not be judged."""
    alone = args.both or args.low_bit or args.labelled or args.mlperf_tiny or args.device or args.limit is not None
    target = args.target_false_accepts is not None or args.free
    if alone or target or args.upload or args.session or args.label_map or args.normalised or args.subset != "test":
        raise SettingError(
            "several models go with --positives, --negatives, --noise, --snr, --label, --group, --merge-ms, --tflm, "
            "--output and --json alone",
            "leave the others out, or give one model",
        )
    if not (args.positives or args.negatives):
        raise SettingError("several models are judged on recordings", "add --positives DIR --negatives DIR")
    _check(args)
    from mltk_like.verbs.evaluate import evaluate_models

    result = evaluate_models(
        args.model, recordings=_recordings(args), tflm=args.tflm, snr_db=args.snr, merge_ms=args.merge_ms,
        output=args.output, progress=not args.json,
    )  # fmt: skip
    show(result, args.json)
    return 2 if result.refused else 0


def _recordings(args: argparse.Namespace) -> Any:
    from mltk_like.verbs.evaluate import Recordings

    details: dict[str, Any] = {"noise": args.noise, "label": args.label, "group": args.group}
    return Recordings(positives=args.positives, negatives=tuple(args.negatives or ()), **details)


def _check(args: argparse.Namespace) -> None:
    """Refuse options that would be passed over."""
    recorded, target = bool(args.positives or args.negatives), args.target_false_accepts is not None
    labelled, elsewhere = bool(args.labelled), args.subset != "test" or args.snr or args.merge_ms is not None
    tiny = args.mlperf_tiny
    # (what was given, what it needs or does not go with, hint)
    rules: tuple[tuple[bool, str, str], ...] = (
        (args.limit is not None or args.upload, "--limit and --upload go with --device", "add --device"),
        (
            bool(args.noise or (args.label and not tiny)) and not recorded,
            "--noise and --label go with recordings",
            "add --positives DIR",
        ),
        (bool(args.free) and not target, "--free goes with a target", "add --target-false-accepts RATE"),
        (
            bool(args.session or args.label_map) and not labelled,
            "--session and --label-map go with --labelled",
            "add it",
        ),
        (labelled and recorded, "--labelled goes without --positives and --negatives", "leave them out"),
        (labelled and bool(elsewhere), "--labelled goes without --snr, --merge-ms and --subset", "leave them out"),
        (
            tiny and bool(recorded or elsewhere or args.low_bit or args.normalised),
            "--mlperf-tiny goes with --label, --tflm, --output and --json alone: its stream and its rule are fixed",
            "leave the others out",
        ),
        (
            args.low_bit and (labelled or target or args.both or args.tflm),
            "--low-bit is judged alone",
            "leave the others out",
        ),
        (args.both and args.tflm, "--both judges the float and the int8 form on LiteRT", "leave out --tflm"),
        ((args.merge_ms or 0) < 0, f"--merge-ms {args.merge_ms} is below 0", "give 0 or more"),
        (target and not 0 < args.target_false_accepts < float("inf"), "a target is above 0", "for example 0.5"),
    )
    for wrong, message, hint in rules:
        if wrong:
            raise SettingError(message, hint)


def _pair(text: str) -> tuple[str, str]:
    label, equals, name = text.partition("=")
    if not (label and equals and name):
        raise argparse.ArgumentTypeError(f"{text!r} is not LABEL=CLASS")
    return label, name


def _compare(args: argparse.Namespace) -> int:
    """A board beside this computer."""
    from mltk_like.verbs.evaluate import check_device

    if args.positives is None:
        raise SettingError("--device needs recordings of the keyword", "add --positives DIR")
    result = check_device(
        args.model, args.device, args.positives,
        limit=args.limit, label=args.label, upload=args.upload, progress=not args.json,
    )  # fmt: skip
    show(result, args.json)
    return 0 if result.agree == len(result.clips) else 1
