"""`train MODEL`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import add_set, apply_set, whole_number
from mltk_like.errors import SettingError
from mltk_like.loader import find_model, load_file
from mltk_like.model import Model

_WEIGHT_HELP = "how much more often your recordings are drawn than others (default 4; a third where a voice is learned)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help="a name or a .py file, with --run-its-code an archive; NAME-test is the dry run")
    parser.add_argument("--test", action="store_true", help="the dry run")
    parser.add_argument("-e", "--epochs", type=int, help="most epochs; shorthand for --set epochs=N")
    parser.add_argument("--resume", action="store_true", help="go on with the latest run that was interrupted")
    parser.add_argument(
        "--resume-from", metavar="RUN", help="fine-tune a run, archive or name, in a new run; see --negatives"
    )
    parser.add_argument("--workers", type=whole_number, help="worker processes for data; 0: none (default: one a core)")
    parser.add_argument("--weights", metavar="FILE", help="start from the weights of a .keras or .weights.h5 file")
    parser.add_argument(
        "--no-evaluate", action="store_true", help="leave out evaluation, the hours for it, and profile"
    )
    parser.add_argument("--strict-sources", action="store_true", help="a source that cannot be had is an error")
    parser.add_argument("--positives", metavar="DIR", help="your recordings of the keyword, one in a file")
    parser.add_argument(
        "--negatives", nargs="+", default=[], metavar="DIR", help="your recordings without it, any length"
    )
    parser.add_argument("--label", help="class of the positives (default: their sub-folder, or the only one detected)")
    parser.add_argument("--recordings-weight", type=float, metavar="W", help=_WEIGHT_HELP)
    parser.add_argument("--offline", action="store_true", help="use what is in the cache, download nothing")
    parser.add_argument("--dump-augmented", type=int, default=0, metavar="N", help="write N windows as WAV and PNG")
    parser.add_argument("--augment-copies", default="0", metavar="N", help="store N passes of windows; or 'auto'")
    parser.add_argument("--no-publish", action="store_true", help="leave the archive beside the model's file as it is")
    parser.add_argument("--cluster", metavar="ADDRESS", help="train on a Ray cluster: auto, HOST:PORT, ray://HOST:PORT")
    parser.add_argument("--stop", action="store_true", help="with --cluster: end the training there, keep what it has")
    parser.add_argument("--run-its-code", action="store_true", help="train an archive further, by the .py in it")
    add_set(parser)


def run(args: argparse.Namespace) -> int:
    """Train; the verb prints as it goes."""
    from mltk_like.verbs.train import carried_file, is_trained, train

    if is_trained(args.model):
        args.resume_from = args.resume_from or args.model
        args.model = carried_file(args.model, run=args.run_its_code)
    found = find_model(args.model)
    print(f"model {found.path.stem} from {found.where}: {found.path}")
    assignments = args.set + ([f"epochs={args.epochs}"] if args.epochs is not None else [])
    model = apply_set(load_file(found.path), assignments)
    if args.stop and not args.cluster:
        raise SettingError("--stop ends a training on a cluster", "give --cluster ADDRESS too; here Ctrl-C does it")
    if args.cluster:
        return _on_cluster(args, model, assignments, test=found.test or args.test)
    result = train(
        model,
        test=found.test or args.test,
        resume=args.resume,
        resume_from=args.resume_from,
        workers=args.workers,
        weights=args.weights,
        evaluate=not args.no_evaluate,
        strict_sources=args.strict_sources,
        positives=args.positives,
        negatives=args.negatives,
        label=args.label,
        recordings_weight=args.recordings_weight,
        offline=args.offline,
        dump_augmented=args.dump_augmented,
        augment_copies=args.augment_copies,
        publish=not args.no_publish,
    )
    print(result)
    return result.exit_code


def _on_cluster(args: argparse.Namespace, model: Model, assignments: list[str], *, test: bool) -> int:
    from mltk_like.verbs.train import archive_of, train_on_cluster

    if args.resume:
        raise SettingError(
            "--resume goes on with a run of this machine", "on a cluster the same command joins it again"
        )
    words = [word for text in assignments for word in ("--set", text)]
    words += [
        f"--{name}" for name in ("no-evaluate", "strict-sources", "offline") if vars(args)[name.replace("-", "_")]
    ]
    for name in ("workers", "label", "recordings-weight", "dump-augmented", "augment-copies"):
        value = vars(args)[name.replace("-", "_")]
        words += [] if value is None else [f"--{name}", str(value)]
    given = {"--positives": [args.positives], "--negatives": args.negatives, "--weights": [args.weights]}
    given["--resume-from"] = [archive_of(args.resume_from)] if args.resume_from else []
    recordings = {option: tuple(Path(path) for path in paths if path) for option, paths in given.items()}
    result = train_on_cluster(
        model,
        args.cluster,
        arguments=tuple(words),
        recordings=recordings,
        test=test,
        stop=args.stop,
        publish=not args.no_publish,
    )
    print(result)
    return result.exit_code
