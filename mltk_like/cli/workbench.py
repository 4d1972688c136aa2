"""`workbench [MODEL|DIR]`."""

import argparse
import sys
import threading

from mltk_like.cli.options import whole_number
from mltk_like.signals import Stopped


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "what", nargs="?", metavar="MODEL|DIR", help="a folder to work in (default: this one), or a model to begin with"
    )
    parser.add_argument("--port", type=whole_number, default=0, metavar="N", help="(default: a free one)")
    parser.add_argument(
        "--host", metavar="NAME", help="serve to other machines, too, by this machine's name or address"
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    from mltk_like.verbs.workbench import LOCAL, is_local, workbench

    host = args.host or LOCAL
    with workbench(args.what, host=host, port=args.port, browse=not args.no_browser) as server:
        if not is_local(host):
            print(
                f"warning: other machines reach {host}, unencrypted; whoever has the address below can change files "
                "here, and browsers give it no microphone",
                file=sys.stderr,
            )
        try:
            print(f"{server.url} (Ctrl-C ends it)", flush=True)
            threading.Event().wait()
        except Stopped:
            raise
        except KeyboardInterrupt:
            pass
    return 0
