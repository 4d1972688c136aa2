"""Requests to a board and their replies, over a line that may lose either; what the board reports meanwhile is kept."""

import time
from collections import deque

from mltk_like.audio.board.frames import Frame, FrameReader, TextLine, encode_frame
from mltk_like.audio.board.limits import KEPT_REPLIES
from mltk_like.audio.board.messages import BoardEvent, Reply, Request, Status, TextReport, parse_report
from mltk_like.audio.board.port import Line
from mltk_like.errors import DataError

REPLY_TIMEOUT_S = 0.5
TRIES = 10

_EVENTS_KEPT = 100_000


class SessionLost(Exception):
    """The board has been reset: it knows nothing of this session."""


class NoAnswer(DataError):
    """No reply came to a request, however often it was sent."""


class RefusedError(Exception):
    """The board answered with another status than OK.

    Attributes:
        status: what it said.
        data: the rest of its reply.
    """

    def __init__(self, status: int, data: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.data = data


class Link:
    """One open line to one board.

    Args:
        port: the line.
        reply_timeout_s: after this long without a reply a request is sent again.
        tries: so often.
    """

    def __init__(self, port: Line, reply_timeout_s: float = REPLY_TIMEOUT_S, tries: int = TRIES) -> None:
        self.port = port
        self.events: deque[BoardEvent] = deque(maxlen=_EVENTS_KEPT)
        self.reader = FrameReader()
        self._reply_timeout_s = reply_timeout_s
        self._tries = tries
        # Requests of an earlier program must not be taken for repeated ones of this one.
        self._sequence = time.monotonic_ns() // 1000 % 65536
        self._replies: deque[Reply] = deque(maxlen=KEPT_REPLIES)

    def request(self, kind: Request, payload: bytes = b"", timeout_s: float | None = None) -> bytes:
        """Send a request, again where no reply comes, and return the reply's data.

        Raises:
            RefusedError: the board said no.
            SessionLost: the board has been reset.
            NoAnswer: there was no reply.
            Unplugged: the line went away.
        """
        wait_s = self._reply_timeout_s if timeout_s is None else timeout_s
        sequence = self.next_sequence()
        for _ in range(self._tries):
            self.send(kind, sequence, payload)
            deadline = time.monotonic() + wait_s
            while (reply := self.wait_reply(deadline)) is not None:
                if (reply.request, reply.sequence) == (kind, sequence):
                    return _checked(reply)
        raise NoAnswer(
            f"the board at {self.port.path} does not answer",
            "check the cable, the baud rate, and that its firmware speaks this protocol (docs/board_protocol.md)",
        )

    def next_sequence(self) -> int:
        """A number for a new request."""
        self._sequence = (self._sequence + 1) % 65536
        return self._sequence

    def send(self, kind: Request, sequence: int, payload: bytes) -> None:
        """Send one frame. Raises Unplugged."""
        self.port.write(encode_frame(Frame(type=kind, sequence=sequence, payload=payload)))

    def wait_reply(self, deadline: float) -> Reply | None:
        """The next reply of any kind, None at the deadline (time.monotonic). Raises Unplugged."""
        while not self._replies:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.listen(left)
        return self._replies.popleft()

    def listen(self, timeout_s: float) -> None:
        """Take in what comes, waiting so long for the first byte of it. Raises Unplugged."""
        for item in self.reader.feed(self.port.read(timeout_s)):
            found = TextReport(text=item.text) if isinstance(item, TextLine) else parse_report(item)
            if isinstance(found, Reply):
                self._replies.append(found)
            elif found is not None:
                self.events.append(found)


def _checked(reply: Reply) -> bytes:
    if reply.status == Status.OK:
        return reply.data
    if reply.status == Status.NO_HELLO:
        raise SessionLost
    raise RefusedError(reply.status, reply.data)
