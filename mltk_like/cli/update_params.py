"""`update_params MODEL key=value ...`."""

import argparse
from pathlib import Path

from mltk_like.cli.options import MODEL_HELP


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument(
        "params",
        nargs="*",
        metavar="KEY=VALUE",
        help="parameters to set; KEY= alone removes one; none: as the model's file says today",
    )
    parser.add_argument("-p", "--params-path", type=Path, metavar="FILE", help="a .json file with parameters")
    parser.add_argument("--add", action="store_true", help="make parameters that neither the model nor the tool knows")
    parser.add_argument("-d", "--description", help="a new description")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the .tflite there; the model stays as it is"
    )


def run(args: argparse.Namespace) -> int:
    """Change parameters and show what changed."""
    from mltk_like.verbs.update_params import update_params

    print(
        update_params(
            args.model,
            args.params,
            params_path=args.params_path,
            description=args.description,
            add=args.add,
            output=args.output,
        )
    )
    return 0
