"""The command line: a thin shell over the verbs.

    python -m mltk_like VERB MODEL [options]

Exit codes: 0 fine, 1 a check failed, 2 the user can mend it, 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP (a closed terminal),
141 nobody reads the output any more.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from mltk_like.cli.usage import Parser
from mltk_like.errors import DataError, MltkLikeError
from mltk_like.paths import DISK_FULL, UNREACHABLE, disk_full, unreachable
from mltk_like.signals import Signals, exit_code
from mltk_like.terminal import make_printable, unwritable

_PIPE_CLOSED = 141  # as of a program that SIGPIPE ends

VERBS = {
    "new": "write a model file that trains as it is, for words of your own",
    "train": "train a model: data, training, conversion, evaluation, profile, archive",
    "data": "what there is of a model's data; get and make the rest",
    "evaluate": "judge a trained model on streams and windows",
    "report": "a page with everything about a trained model: errors, sounds, data, training, cost",
    "mine": "cut out what a model fires on in hours of sound, to train against",
    "summarize": "the layers, sizes and parameters of a model",
    "profile": "time, operations and memory of each layer on TensorFlow Lite Micro",
    "check": "whether float, int8, TensorFlow Lite Micro and the net as C say the same",
    "quantize": "convert a trained model to an int8 .tflite",
    "emulate": "run a model's firmware on an emulated chip, behind a serial line",
    "export": "write a trained model as C source for a firmware",
    "classify_audio": "listen with a trained model: to a file, a pipe, a microphone, or on a board",
    "update_params": "change the parameters that a .tflite carries",
    "synthesize": "speak words into WAV files, by many voices, with what sounds like them",
    "tune": "search settings: many trainings, here or on a cluster",
    "view_audio": "a page that shows audio as the net sees it",
    "record": "record examples of a sound, cut out and labelled",
    "import_mltk": "write a model file from one of Silicon Labs' MLTK, and say what does not carry over",
    "models": "list the models that a name reaches",
    "workbench": "a page to work with: runs, live view, clips, recordings, errors",
    "view": "the graph of a model in the browser",
    "tensorboard": "the curves of a model's trainings in the browser",
    "doctor": "what is installed here, and what mends what is not",
}

_OF_ALL = ("-h", "--help", "--version")

# What is printed where no verb is given: the way from a word to a detector.
_LEAD = (
    ('new hey_gecko --keywords "hey gecko" --quick', "write a model file for a word of yours"),
    ("train hey_gecko", "train it: minutes with --quick, else hours"),
    ("evaluate hey_gecko", "how often it misses the word, and hears it where it was not said"),
    ("classify_audio hey_gecko", "listen with it: to the microphone, or --input FILE.wav"),
    ("report hey_gecko", "one page with all of that, to show to others"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code. Errors of the user's are printed, not raised."""
    make_printable()
    arguments = list(sys.argv[1:] if argv is None else argv)
    with Signals() as signals:
        try:
            return _outcome(arguments)
        except BaseException as error:
            # What comes after an interrupt comes of it: an import that it broke off, a worker that got it too.
            end = error if isinstance(error, KeyboardInterrupt) else signals.came
            if end is None:
                raise
            _complain("interrupted")
            return exit_code(end)
        finally:
            if unwritable(sys.stdout):
                _close_stdout()


def _outcome(arguments: Sequence[str]) -> int:
    """What the verb returns, or the exit code of an error of the user's, which is printed."""
    try:
        return _run(arguments)
    except MltkLikeError as error:
        if "--debug" in arguments:
            raise
        return _say(error)
    except OSError as error:
        lost = unwritable(sys.stdout) or (error if isinstance(error, BrokenPipeError) else None)
        if not (lost or error.errno in DISK_FULL | UNREACHABLE) or "--debug" in arguments:
            raise
        if isinstance(lost, BrokenPipeError):
            return _PIPE_CLOSED
        if lost:
            return _say(_output_lost(lost))
        return _say(unreachable(error) if error.errno in UNREACHABLE else disk_full(error))


def _run(arguments: Sequence[str]) -> int:
    if "_ARGCOMPLETE" in os.environ:
        from mltk_like.cli.completion import complete, words_typed

        complete(parser_of(_verb_of(words_typed(), behind_options=False)))
    if not arguments:
        _lead()
        _flush()
        return 0
    try:
        args = _parsed(arguments)
        code: int = args.run(args)
    except SystemExit:
        # --help and --version are printed too.
        _flush()
        raise
    _flush()
    return code


def _lead() -> None:
    """Five lines that say where to begin."""
    width = max(len(command) for command, _ in _LEAD)
    for command, line in _LEAD:
        print(f"python -m mltk_like {command:<{width}}  {line}")


def _flush() -> None:
    """Print what is left. That a reader has gone ('| head') is no error here, for everything has been done."""
    lost = unwritable(sys.stdout)
    if lost is not None and not isinstance(lost, BrokenPipeError):
        raise lost


def _output_lost(error: OSError) -> DataError:
    return DataError(
        f"what is printed cannot be written: {error.strerror or error}",
        "send it elsewhere; what was done until now is kept",
    )


def _say(error: MltkLikeError) -> int:
    _complain(f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))
    return error.exit_code


def _complain(text: str) -> None:
    """Print to stderr. Where that cannot be written either, the exit code says it alone."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def _close_stdout() -> None:
    """Keep Python from complaining, when it ends, about what it cannot write to stdout."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return  # no file, in a notebook or a test


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments of the verb. Raises SettingError for what cannot be understood."""
    early = arguments[0].startswith("-") and arguments[0] not in _OF_ALL
    wanted = _verb_of(arguments, behind_options=early)
    parser = parser_of(wanted)
    if early:
        raise parser.before_verb(arguments[0], wanted)
    args, unknown = parser.parse_known_args(arguments)
    if unknown and not args.parser.take_late(args, unknown):
        raise args.parser.unknown(unknown)
    return args


def _verb_of(arguments: Sequence[str], *, behind_options: bool) -> str | None:
    """The first word; behind options, which may have values, the first that is a verb."""
    words = (text for text in arguments if not text.startswith("-"))
    return next((text for text in words if not behind_options or text in VERBS), None)


def parser_of(wanted: str | None) -> Parser:
    """The whole program's parser. Only the verb that is asked for is imported: the others are names and one line."""
    parser = Parser(
        prog="mltk_like", description="Keyword spotting for microcontrollers, from one short Python file each."
    )
    parser.add_argument("--version", action="version", version=f"mltk_like {_version()}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, line in VERBS.items():
        verb = verbs.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if name == wanted:
            module = importlib.import_module(f"mltk_like.cli.{name}")
            module.add_arguments(verb)
            verb.add_argument("--debug", action="store_true", help="show the traceback of an error")
            verb.set_defaults(run=module.run, parser=verb)
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("mltk_like")
    except PackageNotFoundError:
        return "(not installed)"
