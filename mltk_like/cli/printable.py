"""Output that never fails for want of a character: a locale without UTF-8, a file's name that is no text."""

import codecs
import io
from typing import TextIO

# What tables and sentences of this package are drawn with, where it can only be said otherwise.
_PLAIN = {
    "─": "-", "│": "|", "├": "|", "┤": "|", "┌": "+", "┐": "+", "└": "+", "┘": "+", "█": "#", "░": ".", "●": "*",
    "“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "…": "...", "×": "x", "±": "+-", "→": "->",
    "µ": "u", "≤": "<=", "≥": ">=",
}  # fmt: skip
_HANDLER = "mltk_like.plain"


def make_printable(*streams: TextIO) -> None:
    """Let streams print any text: what their encoding lacks comes out as something near it, or as `\\u97f3`."""
    codecs.register_error(_HANDLER, _plain)
    for stream in streams:
        # Notebooks and tests have streams of their own, which take any text.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def unwritable(stream: TextIO) -> OSError | None:
    """Why what was printed cannot be written: a disk that is full, a reader that has gone, a terminal that was closed.

    None: all of it has been. A stream keeps what it could not write, so that the question can be asked again.
    """
    try:
        stream.flush()
    except OSError as error:
        return error
    except ValueError:
        return None  # closed by whoever calls
    return None


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    escaped = [_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text]
    return "".join(escaped), error.end
