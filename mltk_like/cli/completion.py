"""Words of the command line by the Tab key, through argcomplete, where the shell asks for them."""

import argparse
import os
from collections.abc import Sequence
from typing import Any


def words_typed() -> Sequence[str]:
    """The words behind the program's name, as the shell gives them to who completes."""
    return os.environ.get("COMP_LINE", "").split()[1:]


def complete(parser: argparse.ArgumentParser) -> None:
    """Print what can follow and end the process; without argcomplete nothing is printed, and it goes on.

    Verbs and options complete by themselves, a model by the names that there are and by files.
    """
    try:
        import argcomplete
    except ImportError:
        return
    for action in _actions(parser):
        if action.dest == "model":
            action.completer = _models  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The parser's actions and those of its verbs."""
    found: list[argparse.Action] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [own for verb in action.choices.values() for own in verb._actions]
        else:
            found.append(action)
    return found


def _models(prefix: str, **given: Any) -> list[str]:
    import argcomplete

    from mltk_like.loader import list_models

    return [*list_models(), *argcomplete.completers.FilesCompleter()(prefix, **given)]
