"""A command line that cannot be understood, as one sentence and one hint in place of argparse's usage and message."""

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from mltk_like.errors import SettingError

# What Silicon Labs' MLTK has and this tool has not, and what does its work here.
_MLTK_VERBS = {
    "build": "summarize MODEL --build and profile MODEL --build build the net with random weights",
    "commander": "a board is reached over its serial line: classify_audio MODEL --device",
    "compile": "there are no accelerators here; export writes the model as C source for TensorFlow Lite Micro",
    "custom": "a model's file is plain Python: mltk_like.load_model opens it in a script of yours, with commands "
    "of its own",
    "ssh": "train MODEL --cluster ADDRESS trains on other machines",
    "classify_image": "images are not this tool's; classify_audio listens",
    "dump": "report MODEL shows the worst errors with their sound; data MODEL --export-features FILE writes features",
    "fingerprint_reader": "images are not this tool's; classify_audio listens",
    "program_app": "boards and their firmware are programmed by their makers' tools; export writes the source",
    "ssh-keygen": "train MODEL --cluster ADDRESS trains on other machines, and needs no key",
    "utest": "the tests run with pytest, in a copy of the sources",
}
_NO_ACCELERATORS = (
    "leave it out: there are no accelerators here; profile MODEL --target cortex-m55 counts instructions with the "
    "core's vector instructions, -m33 and -m4 with theirs, and profile MODEL --boards says what boards have"
)
_MLTK_OPTIONS = {
    "-a": _NO_ACCELERATORS,
    "--accelerator": _NO_ACCELERATORS,
    "--app": "leave it out: the programs come with the package, and a board's firmware is yours",
    "--clean": "leave it out: each training has a run folder of its own",
    "--device": "classify_audio, record, profile and evaluate take it; evaluate --device --upload sends a model",
    "--dump": "report MODEL shows the worst errors with their sound",
    "--estimates": "leave it out: profile MODEL --target cortex-m4 --clock 78MHz estimates cycles, time and load",
    "--full-summary": "leave it out: profile always shows every layer",
    "--no-gpu": "set CUDA_VISIBLE_DEVICES=-1 in the environment",
    "--port": "the serial line stands behind --device: --device /dev/ttyACM0; --device alone finds the only board",
    "--post": "leave it out: nothing is sent anywhere",
    "--resume-epoch": "--resume goes on from the last checkpoint",
    "--show": "leave it out: plots are files in the run folder",
}
# argparse's own messages, the same in all versions of Python that are supported, up to their last words.
_VALUE = re.compile(r"argument (?P<name>[^:]+): (?P<what>.*)", re.DOTALL)
_UNKNOWN = re.compile(r"invalid choice: '?(?P<given>.*?)'? \((?:choose from|maybe)", re.DOTALL)
_TYPE = re.compile(r"invalid (?P<type>\w+) value: (?P<given>.*)", re.DOTALL)
_MISSING = re.compile(r"the following arguments are required: (?P<names>.*)")
_AMBIGUOUS = re.compile(r"ambiguous option: (?P<given>\S+) could match (?P<options>.*)")
_TYPES = {"int": "a whole number", "float": "a number", "Path": "a path", "whole_number": "0, 1, 2, ..."}


class Parser(argparse.ArgumentParser):
    """An argument parser that raises SettingError where argparse prints its usage and ends the program."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong as SettingError."""
        raise SettingError(*_explained(self, message))

    @property
    def verb(self) -> str:
        """The verb that this is the parser of; of the whole program, its name."""
        return self.prog.split()[-1]

    def of(self, verb: str) -> "Parser":
        """The parser of one of its verbs."""
        found: Parser = _verbs(self)[verb]
        return found

    def take_late(self, args: argparse.Namespace, arguments: Sequence[str]) -> bool:
        """Give what nothing took to the argument that takes any number, as in `VERB MODEL --option FILE FILE`.

        argparse fills such an argument with what stands before the first option, and with nothing more.

        Returns:
            Whether there is such an argument, and no option among what is left.
        """
        many = next(
            (action.dest for action in self._actions if not action.option_strings and action.nargs in ("*", "+")), ""
        )
        if not many or any(text.startswith("-") and text != "-" for text in arguments):
            return False
        setattr(args, many, [*getattr(args, many), *arguments])
        return True

    def before_verb(self, option: str, verb: str | None) -> SettingError:
        """What to say of an option of the whole program's command line that stands before the verb, or without one."""
        name = option.partition("=")[0]
        if verb is not None:
            return self.of(verb).unknown([name])
        if name.lstrip("-") in _verbs(self):
            return SettingError(f"{name} is written without dashes", f"as in: mltk_like {name.lstrip('-')} --help")
        hint = _MLTK_OPTIONS.get(name) or "as in: mltk_like train MODEL --epochs 3; mltk_like --help lists the verbs"
        return SettingError(f"no verb is given, and {name} is an option", hint)

    def unknown(self, arguments: Sequence[str]) -> SettingError:
        """What to say of arguments that nothing takes; the first option among them, else the first."""
        option = next((text for text in arguments if text.startswith("-") and text != "-"), None)
        if option is None:
            return SettingError(f"{self.verb} takes nothing more: {arguments[0]!r}", _see(self))
        name = option.partition("=")[0]
        if name in self._option_string_actions:
            # The verb's parser would have taken it: it stands before the verb.
            return SettingError(f"{name} stands behind the verb", f"as in: mltk_like {self.verb} {name} ...")
        own = [text for text in self._option_string_actions if text.startswith("--")]
        hint = _MLTK_OPTIONS.get(name) or near(name, own) or _see(self)
        return SettingError(f"{self.verb} has no option {name!r}", hint)


def near(word: str, known: Sequence[str]) -> str:
    """'did you mean X?', or nothing where no known word is near."""
    import difflib

    found = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {found[0]}?" if found else ""


def _explained(parser: Parser, message: str) -> tuple[str, str]:
    """Message and hint in place of argparse's message."""
    if match := _MISSING.fullmatch(message):
        return _missing(parser, match["names"])
    if match := _AMBIGUOUS.fullmatch(message):
        return f"{match['given']} can be {match['options'].replace(', ', ' or ')}", "write it in full"
    if match := _VALUE.fullmatch(message):
        return _wrong_value(parser, match["name"], match["what"])
    return f"{parser.verb}: {' '.join(message.split())}", _see(parser)


def _missing(parser: Parser, names: str) -> tuple[str, str]:
    shown = ", ".join(name.split("/")[-1] if name.startswith("-") else name.upper() for name in names.split(", "))
    return f"{parser.verb} needs {shown}", _see(parser)


def _wrong_value(parser: Parser, names: str, what: str) -> tuple[str, str]:
    """An option, by its longest name, with a value that cannot be."""
    action = next((a for a in parser._actions if "/".join(a.option_strings) == names), None)
    name = names.split("/")[-1]
    if match := _UNKNOWN.match(what):
        return _no_choice(parser, name, match["given"], action)
    if match := _TYPE.fullmatch(what):
        return f"{name}: {match['given']} is not {_TYPES.get(match['type'], match['type'])}", _see(parser)
    if what.startswith("expected"):
        return f"{name} needs a value", _example(parser, name, action)
    if what.startswith("ignored explicit argument"):
        return f"{name} takes no value: {what.removeprefix('ignored explicit argument ')}", f"write {name} alone"
    if what.startswith("not allowed with argument "):
        other = what.removeprefix("not allowed with argument ").split("/")[-1]
        return f"{name} does not go with {other}", "leave one of them out"
    return f"{name}: {' '.join(what.split())}", _see(parser)


def _no_choice(parser: Parser, name: str, given: str, action: argparse.Action | None) -> tuple[str, str]:
    if name == "VERB":
        verbs = list(_verbs(parser))
        hint = _MLTK_VERBS.get(given) or near(given, verbs) or f"there are: {', '.join(verbs)}"
        return f"there is no verb {given!r}", hint
    choices = [str(choice) for choice in (action.choices or ())] if action else []
    return f"{name} cannot be {given!r}", near(given, choices) or f"give {' or '.join(choices)}"


def _verbs(parser: Parser) -> Mapping[str, Any]:
    return next(action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))


def _example(parser: Parser, name: str, action: argparse.Action | None) -> str:
    value: Any = (action.metavar or action.dest.upper()) if action else "VALUE"
    return f"as in: {name} {value}: {action.help}" if action and action.help else f"as in: {name} {value}"


def _see(parser: Parser) -> str:
    return f"{parser.prog} --help lists what there is"
