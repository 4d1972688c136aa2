"""Sending much to a board: pieces ahead of their replies, and back to where the board is when one is lost."""

import struct
import time
import zlib
from collections.abc import Callable

from mltk_like.audio.board.frames import MAX_PAYLOAD
from mltk_like.audio.board.limits import MAX_AHEAD, STALL_BYTES, STALL_S, Deadline, strange
from mltk_like.audio.board.link import REPLY_TIMEOUT_S, TRIES, Link, RefusedError, SessionLost
from mltk_like.audio.board.messages import BoardInfo, Reply, Request, Status, Transfer, unpack
from mltk_like.errors import DataError

_BEGIN = struct.Struct("<BHII")
_PIECE = struct.Struct("<HI")
_SMALLEST = 64  # bytes of a piece; on a noisy line short frames get through where long ones do not
_GROWTH = 8
_PATIENCE_S = 1.0  # of a board that works on what it was given, before it is asked again

Progress = Callable[[int], None]
"""Called with the number of bytes that have newly arrived."""


def begin(link: Link, kind: Transfer, number: int, data: bytes) -> int:
    """Announce a transfer; returns the byte from which the board wants it. Raises DataError and as `Link.request`."""
    reply = link.request(Request.BEGIN, _BEGIN.pack(kind, number, len(data), zlib.crc32(data)))
    start = unpack("<I", reply)[0]
    if start > len(data):
        raise strange(f"the board wants byte {start} of {len(data)}")
    return start


def send_all(link: Link, info: BoardInfo, number: int, data: bytes, start: int, progress: Progress | None) -> None:
    """Send what the board does not have yet, and see to it that it arrives.

    Raises:
        RefusedError: the board could not use it.
        SessionLost: the board has been reset.
        DataError: the board no longer answers, or takes less than `STALL_BYTES` in `STALL_S`.
        Unplugged: the line went away.
    """
    largest = piece = (min(info.max_payload, MAX_PAYLOAD) - _PIECE.size) // 2 * 2
    ahead = min(max(info.frames_ahead, 1), MAX_AHEAD)
    arrived = sent = furthest = mark = start
    deadline = Deadline("take more of what is sent to it", STALL_S)
    since = link.next_sequence()  # replies to pieces before this one are of no interest
    silent = 0
    while arrived < len(data):
        while sent < len(data) and sent - arrived < ahead * piece:
            link.send(Request.DATA, link.next_sequence(), _PIECE.pack(number, sent) + data[sent : sent + piece])
            sent = min(sent + piece, len(data))
        furthest = max(furthest, sent)
        reply = _next_reply(link, since, time.monotonic() + REPLY_TIMEOUT_S)
        silent = 0 if reply is not None else silent + 1
        if silent > TRIES:
            raise DataError("the board no longer answers", "check the cable and start again")
        position = arrived if reply is None else _position(reply)
        if position > furthest:
            raise strange(f"the board has byte {position}, and was sent {furthest}")
        if position >= mark + STALL_BYTES:
            mark = position
            deadline.renew()
        deadline.check()
        if position > arrived:
            piece = min(piece + _GROWTH, largest)
            if progress is not None:
                progress(position - arrived)
            arrived = position
        if reply is None or reply.status == Status.OUT_OF_ORDER:
            sent, since = arrived, link.next_sequence()
            piece = min(max(piece // 4 * 2, _SMALLEST), largest)


def end(link: Link, number: int) -> int:
    """Close a transfer; returns the detections that the samples led to. Raises as `Link.request`."""
    return unpack("<II", link.request(Request.END, struct.pack("<H", number), timeout_s=_PATIENCE_S))[1]


def _next_reply(link: Link, since: int, deadline: float) -> Reply | None:
    while (reply := link.wait_reply(deadline)) is not None:
        # Numbers count modulo 65536.
        if reply.request == Request.DATA and (reply.sequence - since) % 65536 < 32768:
            return reply
    return None


def _position(reply: Reply) -> int:
    if reply.status in (Status.NO_HELLO, Status.NO_TRANSFER):
        raise SessionLost
    if reply.status not in (Status.OK, Status.OUT_OF_ORDER):
        raise RefusedError(reply.status, reply.data)
    return unpack("<I", reply.data)[0]
