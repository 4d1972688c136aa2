"""Frames of the board protocol among lines of text (docs/board_protocol.md).

A frame is START, a body in which the three marks are escaped, END. The marks are bytes that UTF-8 never uses, so that
whatever lies outside of frames is text. The body is version, type, sequence (2 bytes), length of the payload (2),
payload, CRC-32 (4) of all before it; numbers are little-endian.
"""

import re
import struct
import zlib
from dataclasses import dataclass

START, END, ESCAPE = 0xF5, 0xF6, 0xF7
ESCAPE_BIT = 0x20
VERSION = 1
MAX_PAYLOAD = 512

_HEADER = struct.Struct("<BBHH")
_CHECK = struct.Struct("<I")
_MARKS = re.compile(b"[\xf5-\xf7]")
_START_OR_END = re.compile(b"[\xf5\xf6]")
_ESCAPED = re.compile(b"\xf7(.?)", re.DOTALL)
_ESCAPES = frozenset(bytes([mark ^ ESCAPE_BIT]) for mark in (START, END, ESCAPE))
_LONGEST = 2 * (_HEADER.size + MAX_PAYLOAD + _CHECK.size)
_LONGEST_LINE = 4096


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One frame: what it is about, its number (0..65535, counted by the sender), and at most 512 bytes."""

    type: int
    sequence: int
    payload: bytes = b""
    version: int = VERSION


@dataclass(frozen=True, kw_only=True)
class TextLine:
    """A line that the board printed outside of frames, without its end."""

    text: str


def encode_frame(frame: Frame) -> bytes:
    """A frame as it goes over the line. Raises ValueError for a payload of more than 512 bytes."""
    if len(frame.payload) > MAX_PAYLOAD:
        raise ValueError(f"a payload has at most {MAX_PAYLOAD} bytes, not {len(frame.payload)}")
    body = _HEADER.pack(frame.version, frame.type, frame.sequence, len(frame.payload)) + frame.payload
    body += _CHECK.pack(zlib.crc32(body))
    escaped = _MARKS.sub(lambda mark: bytes([ESCAPE, mark[0][0] ^ ESCAPE_BIT]), body)
    return bytes([START]) + escaped + bytes([END])


class FrameReader:
    """Finds frames and lines in what a line brings, whatever was lost, changed or invented on the way.

    Attributes:
        damaged: frames and lines that were given up.
        missing: frames that the sequence numbers say were sent and that did not come.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self.missing = 0
        self._bytes = bytearray()
        self._line = bytearray()
        self._in_frame = False
        self._next: int | None = None

    def feed(self, data: bytes) -> list[Frame | TextLine]:
        """Take bytes as they come, in pieces of any size; returns what they complete, in order."""
        self._bytes += data
        found: list[Frame | TextLine] = []
        while self._bytes:
            if not self._in_frame:
                found += self._take_text()
                continue
            mark = _START_OR_END.search(self._bytes)
            if mark is None:
                if len(self._bytes) > _LONGEST:
                    self._give_up(len(self._bytes))
                break
            if mark[0][0] == START:  # the end of the one before was lost
                self._give_up(mark.start())
                continue
            frame = _decode(bytes(self._bytes[: mark.start()]))
            del self._bytes[: mark.end()]
            self._in_frame = False
            if frame is None:
                self.damaged += 1
            else:
                self._count(frame)
                found.append(frame)
        return found

    def reset(self) -> None:
        """Forget what is incomplete, as after the line was opened anew."""
        self._bytes.clear()
        self._line.clear()
        self._in_frame = False
        self._next = None

    def _give_up(self, length: int) -> None:
        del self._bytes[:length]
        self._in_frame = False
        self.damaged += 1

    def _count(self, frame: Frame) -> None:
        if self._next is not None:
            self.missing += (frame.sequence - self._next) % 65536
        self._next = (frame.sequence + 1) % 65536

    def _take_text(self) -> list[Frame | TextLine]:
        start = self._bytes.find(START)
        end = len(self._bytes) if start < 0 else start
        self._line += self._bytes[:end]
        del self._bytes[: end if start < 0 else end + 1]
        self._in_frame = start >= 0
        if END in self._line:  # a frame whose start was lost; text is what comes after it
            self._line = self._line.rpartition(bytes([END]))[2]
            self.damaged += 1
        *whole, rest = self._line.split(b"\n")
        self._line = bytearray(rest[-_LONGEST_LINE:])
        lines = [_text(bytes(line)) for line in whole]
        self.damaged += lines.count(None)
        return [TextLine(text=line) for line in lines if line]


def _text(line: bytes) -> str | None:
    """A line without its end; None where it cannot be one."""
    try:
        text = line.decode().rstrip("\r")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def _decode(escaped: bytes) -> Frame | None:
    """A frame's body; None for one that is damaged."""
    if any(byte not in _ESCAPES for byte in _ESCAPED.findall(escaped)):
        return None
    body = _ESCAPED.sub(lambda pair: bytes([pair[1][0] ^ ESCAPE_BIT]), escaped)
    length = len(body) - _HEADER.size - _CHECK.size
    if not 0 <= length <= MAX_PAYLOAD:
        return None
    version, kind, sequence, stated = _HEADER.unpack_from(body)
    if stated != length or _CHECK.unpack(body[-_CHECK.size :])[0] != zlib.crc32(body[: -_CHECK.size]):
        return None
    return Frame(version=version, type=kind, sequence=sequence, payload=body[_HEADER.size : -_CHECK.size])
