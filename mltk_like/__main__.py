"""`python -m mltk_like`, and the command `mltk_like`."""

import sys


def main() -> int:
    """Run the command line. Ctrl-C while its modules are imported ends it as it does later."""
    try:
        from mltk_like.cli import main as command_line

        return command_line()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
