"""Running a model file itself: `python models/keyword_spotting_alexa.py --test`."""

import sys
from typing import NoReturn

from mltk_like.cli import main as command_line
from mltk_like.model import Model


def main(model: Model) -> NoReturn:
    """Do what `python -m mltk_like train FILE` does, with the options given to the file, and exit with its code."""
    sys.exit(command_line(["train", str(model.path), *sys.argv[1:]]))
