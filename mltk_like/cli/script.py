"""Running a model file itself: `python models/keyword_spotting_alexa.py --test`."""

import sys

from mltk_like.cli import main as command_line
from mltk_like.model import Model


def main(model: Model) -> None:
    """Do what `python -m mltk_like train FILE` does, with the options given to the file, and exit with its code.

    Does nothing while the file is merely loaded, as it is by the command that this starts and by the worker processes.
    """
    if type(model).__module__ == "__main__":
        sys.exit(command_line(["train", str(model.path), *sys.argv[1:]]))
