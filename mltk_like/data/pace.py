"""How slowly a server may answer. A time-out for silence alone lets a drip of single bytes hold a download for ever."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

LEAST_BYTES = 16 << 10
"""Less than this in `LEAST_IN_S` is no download: 270 bytes a second. A modem of the 1990s is ten times as fast."""
LEAST_IN_S = 60.0
ANSWER_IN_S = 120.0
"""For the beginning of an answer, with all redirects on the way to it."""

_CHUNK_BYTES = 1 << 15


class TooSlow(Exception):
    """A server sends, and does not get on; the text says how slow it is."""


def answer_in_time(ask: Callable[[], Any], seconds: float | None = None) -> Any:
    """What `ask` returns or raises.

    Args:
        ask: a request. Where it is given up, it goes on in a thread that ends with the program, and what it gets is
            closed.
        seconds: how long it may take; None: `ANSWER_IN_S`.

    Raises:
        TooSlow: there is no answer by then.
    """
    seconds = ANSWER_IN_S if seconds is None else seconds
    box: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
    given_up = threading.Event()

    def work() -> None:
        try:
            answer = ask()
        except BaseException as error:
            box.put((None, error))
            return
        box.put((answer, None))
        if given_up.is_set():
            answer.close()

    threading.Thread(target=work, daemon=True).start()
    try:
        answer, error = box.get(timeout=seconds)
    except queue.Empty:
        given_up.set()
        raise TooSlow(f"no whole answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return answer


def body_in_time(raw: Any) -> Iterator[bytes]:
    """The body of an answer, as it comes.

    Args:
        raw: `urllib3.HTTPResponse`, of which nothing was read.

    Raises:
        TooSlow: less than `LEAST_BYTES` came in `LEAST_IN_S`.
    """
    began, came = time.monotonic(), 0
    # decode_content=False: some servers call a .gz file an encoding, and then length and hash would not fit.
    while chunk := raw.read1(_CHUNK_BYTES, decode_content=False):
        yield chunk
        came += len(chunk)
        now = time.monotonic()
        if came >= LEAST_BYTES:
            began, came = now, 0
        elif now - began > LEAST_IN_S:
            raise TooSlow(f"too slow: less than {LEAST_BYTES / 1024:g} KiB came within {LEAST_IN_S:g} s")
