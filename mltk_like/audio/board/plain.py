"""Firmware that streams its microphone without frames, spoken to as if it followed the board protocol.

What SensiML's data collection firmware does (its Simple Streaming Interface, version 1,
https://sensiml.com/documentation/simple-streaming-specification/introduction.html): the board prints a line of JSON
each second, such as `{"sample_rate":16000,"samples_per_packet":1,"version":1,"column_location":{"Microphone":0}}`,
until it is sent `connect`; from then on it sends int16, little-endian, and nothing else; `disconnect` stops it.
"""

import json
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass

from mltk_like.audio.board.frames import MAX_PAYLOAD, VERSION, Frame, FrameReader, encode_frame
from mltk_like.audio.board.messages import BoardEvent, Report, Request, Status, TextReport
from mltk_like.audio.board.port import Line
from mltk_like.errors import DataError

_INFO = struct.Struct("<BHHIIIHH")
_PIECE = (MAX_PAYLOAD - 4) // 2 * 2
# Firmware that waits a second for the end of what it is sent must not find `connect` behind something else.
_QUIET_S = 1.5
_LINE_S = 3.0
_KEY = b'"column_location"'


@dataclass(frozen=True, kw_only=True)
class Description:
    """What such a board says of itself: its rate in Hz, and the name of what it streams."""

    rate_hz: int
    name: str


def described(events: Iterable[BoardEvent]) -> Description | None:
    """The description among the lines that a board printed; None where there is none.

    Raises:
        DataError: it streams something else than one microphone, or in another version.
    """
    for event in events:
        try:
            values = json.loads(event.text) if isinstance(event, TextReport) else None
        except (ValueError, RecursionError):
            continue
        if isinstance(values, dict) and isinstance(values.get("column_location"), dict):
            return _description(values)
    return None


def _description(values: dict[str, object]) -> Description:
    columns, rate = list(values["column_location"]), values.get("sample_rate")  # type: ignore[call-overload]
    if values.get("version", 1) != 1:
        raise DataError(
            f"the board streams in version {values['version']} of its interface", "flash a firmware with version 1"
        )
    if len(columns) != 1 or isinstance(rate, bool) or not isinstance(rate, int) or not 0 < rate < 2**32:
        raise DataError(
            f"the board streams {', '.join(map(str, columns)) or 'nothing'} at {rate!r} Hz, and not one microphone",
            "flash a firmware that streams its microphone alone",
        )
    return Description(rate_hz=rate, name=f"{columns[0]} that streams")


class PlainLine:
    """The line to such a board, with the board protocol spoken on it: a board without a model."""

    def __init__(self, line: Line, description: Description) -> None:
        self.path = line.path
        self._line = line
        self._description = description
        self._requests = FrameReader()
        self._out = bytearray()
        self._sequence = 0
        self._samples: bytearray | None = None  # that are no whole frame yet; None: it does not stream
        self._first = 0

    def read(self, timeout_s: float) -> bytes:
        """Frames that the board would have sent. Raises Unplugged."""
        if not self._out:
            data = self._line.read(timeout_s)
            if self._samples is not None:
                self._samples += data
                self._frame()
        found = bytes(self._out)
        self._out.clear()
        return found

    def write(self, data: bytes) -> None:
        """Answer what the host asks. Raises Unplugged."""
        for frame in self._requests.feed(data):
            if isinstance(frame, Frame):
                status, answer = self._answer(frame)
                self._send(Report.REPLY, struct.pack("<BHB", frame.type, frame.sequence, status) + answer)

    def close(self) -> None:
        """Close the line; the board prints its description again."""
        self._line.close()

    def _answer(self, frame: Frame) -> tuple[Status, bytes]:
        if frame.type == Request.HELLO:
            return Status.OK, _INFO.pack(VERSION, MAX_PAYLOAD, 1, 0, 0, self._description.rate_hz, 0, 0)
        if frame.type == Request.NAME:
            named = frame.payload[:1] == b"\0"
            return (Status.OK, self._description.name.encode()) if named else (Status.NO_SUCH, b"")
        if frame.type == Request.START:
            self._connect()
            return Status.OK, b""
        if frame.type == Request.STOP:
            self._samples = None
            self._line.write(b"disconnect")
            return Status.OK, b""
        return Status.UNSUPPORTED, b""

    def _connect(self) -> None:
        """Behind a whole line and some quiet, so that what follows `connect` is samples."""
        deadline = time.monotonic() + _LINE_S
        quiet = time.monotonic() + _QUIET_S
        while (now := time.monotonic()) < deadline:
            if self._line.read(deadline - now).endswith(b"\n") and time.monotonic() > quiet:
                break
        self._line.write(b"connect")
        self._samples, self._first = bytearray(), 0

    def _frame(self) -> None:
        waiting = self._samples
        assert waiting is not None
        if self._first == 0 and b'{"'.startswith(waiting[:2]):  # one more description was under way
            end = waiting.find(b"\n")
            if end < 0 and len(waiting) < MAX_PAYLOAD:
                return
            del waiting[: end + 1]
        if _KEY in waiting:  # the board was reset, and prints again; a line that comes in two parts comes once more
            return self._connect()
        while len(waiting) >= 2:
            piece = bytes(waiting[: min(_PIECE, len(waiting) // 2 * 2)])
            del waiting[: len(piece)]
            self._send(Report.AUDIO, struct.pack("<I", self._first % 2**32) + piece)
            self._first += len(piece) // 2

    def _send(self, kind: Report, payload: bytes) -> None:
        self._out += encode_frame(Frame(type=kind, sequence=self._sequence, payload=payload))
        self._sequence = (self._sequence + 1) % 65536
