"""The one way to the terminal. What is written comes out as text: it neither steers the terminal nor fails for want of
a character.

Names, labels, parameters and messages come from others: files, archives, boards, libraries. A control character in
them could overwrite a line, change the window's title or make text run backwards. `make_printable` puts a stream in
front of `sys.stdout` and `sys.stderr` that shows such a character as `\\x1b`; who prints need not think of it.
"""

import codecs
import io
import os
import re
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

# What tables and sentences of this package are drawn with, where it can only be said otherwise.
_PLAIN = {
    "─": "-", "│": "|", "├": "|", "┤": "|", "┌": "+", "┐": "+", "└": "+", "┘": "+", "█": "#", "░": ".", "●": "*",
    "“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "…": "...", "×": "x", "±": "+-", "→": "->",
    "µ": "u", "≤": "<=", "≥": ">=",
}  # fmt: skip
_HANDLER = "mltk_like.plain"
# C0, DEL and C1 but for line feed and tabulator; what separates lines; what turns the direction of text.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# tqdm moves between its bars by writes of nothing else, and begins a bar with a carriage return.
_MOVE = re.compile("\r|\n*(?:\x1b\\[A)*")


def visible(text: str) -> str:
    """Text in which every character that would steer a terminal is spelled out, such as `\\x1b` and `\\u202e`.

    Line feeds and tabulators stay.
    """
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def make_printable() -> None:
    """Have `sys.stdout` and `sys.stderr` print any text, and nothing but text; a second call changes nothing.

    What an encoding lacks comes out as something near it, or as `\\u97f3`. Warnings of numbers that overflow in this
    package or in NumPy are not shown: what became of the numbers is checked where they are used.
    """
    codecs.register_error(_HANDLER, _plain)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        # Notebooks and tests have streams of their own, which take any text.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)
        if stream is not None and not isinstance(stream, _Printable):
            setattr(sys, name, _Printable(stream, bars=name == "stderr"))
    if not sys.warnoptions and not hasattr(warnings.showwarning, "quiet"):
        warnings.showwarning = _without_numbers(warnings.showwarning)


def steered(stream: TextIO) -> TextIO:
    """The terminal behind a stream, for who draws on it: names and the like are to be made `visible` first."""
    return stream.stream if isinstance(stream, _Printable) else stream


def pass_on(text: str) -> None:
    """Print to `sys.stdout` what another run of this program printed, bars and all: it is printable already."""
    steered(sys.stdout).write(text)
    sys.stdout.flush()


def unwritable(stream: TextIO | None) -> OSError | None:
    """Why what was printed cannot be written: a disk that is full, a reader that has gone, a terminal that was closed.

    None: all of it has been, or there is no stream (`>&-`). A stream keeps what it could not write, so that the
    question can be asked again.
    """
    if stream is None:
        return None
    if isinstance(stream, _Printable) and stream.lost is not None:
        return stream.lost
    try:
        stream.flush()
    except OSError as error:
        return error
    except ValueError:
        return None  # closed by whoever calls
    return None


class _Printable:
    """A stream of text in front of another: what it is given is made visible, all else is the other's.

    Args:
        stream: the other.
        bars: progress bars are written to it, which move the cursor.
    """

    def __init__(self, stream: TextIO, *, bars: bool) -> None:
        self.stream = stream
        self.lost: OSError | None = None
        self._bars = bars

    def write(self, text: str) -> int:
        moved = _MOVE.match(text) if self._bars else None
        # A move is one only where nothing follows, or where it takes a bar back to its beginning.
        end = moved.end() if moved is not None and (moved[0] == "\r" or moved.end() == len(text)) else 0
        try:
            self.stream.write(text[:end] + visible(text[end:]))
        except OSError as error:
            # Of a stream without a buffer nothing is left that `unwritable` could try again.
            self.lost = error
            raise
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _without_numbers(shown: Any) -> Any:
    """`warnings.showwarning` without those of overflows and the like."""
    folders = [Path(__file__).parent]
    spec = find_spec("numpy")
    if spec is not None and spec.origin is not None:
        folders.append(Path(spec.origin).parent)
    inside = tuple(f"{folder}{os.sep}" for folder in folders)

    def show(message: Any, category: type[Warning], filename: str, *rest: Any, **options: Any) -> None:
        if not (issubclass(category, RuntimeWarning) and filename.startswith(inside)):
            shown(message, category, filename, *rest, **options)

    show.quiet = True  # type: ignore[attr-defined]
    return show


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    escaped = [_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text]
    return "".join(escaped), error.end
