"""`view MODEL`."""

import argparse

from mltk_like.cli.options import MODEL_HELP, whole_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument("--tflite", action="store_true", help="the int8 model in place of the Keras net")
    parser.add_argument("--port", type=whole_number, default=0, metavar="N", help="of 127.0.0.1 (default: a free one)")
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")


def run(args: argparse.Namespace) -> int:
    """Serve the graph until Ctrl-C."""
    from mltk_like.verbs.view import view

    with view(args.model, tflite=args.tflite, port=args.port, browse=not args.no_browser) as (address, netron):
        print(f"{address} (Ctrl-C ends it)", flush=True)
        netron.wait()
    return 0
