"""`python -m mltk_like`."""

import sys

from mltk_like.cli import main

if __name__ == "__main__":
    sys.exit(main())
