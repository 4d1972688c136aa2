"""Boards that do not follow the protocol: each ends with one clear line, none holds the computer or fills its memory.

The board is one in memory, on a line of 9600 baud, and time is that of the line: what takes a minute there takes none
here, and what never ends is found.
"""

import random
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.audio.board import (
    Board,
    Frame,
    FrameReader,
    Tell,
    TextLine,
    encode_frame,
    greeting,
    limits,
    link,
    messages,
    port,
    session,
    transfer,
)
from mltk_like.audio.board.messages import Request, parse_report
from mltk_like.audio.board.port import Unplugged
from mltk_like.errors import DataError, MltkLikeError, ModelError

BYTES_PER_S = 960
TONE = (np.sin(np.arange(4000) / 5) * 9000).astype(np.int16)
NAMES = ("fake", "bell_detector", "bell", "_unknown_")
U32 = 2**32 - 1
Handler = Callable[["FakeBoard", Frame], None]


class Clock:
    """Time that passes only where something waits or travels. The end of the world ends what would never end."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.end = self.now + 7200

    def monotonic(self) -> float:
        return self.now

    def monotonic_ns(self) -> int:
        return int(self.now * 1e9)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        assert self.now < self.end, "the board holds the computer"


class FakeBoard:
    """A board that answers as the protocol wants, but for the requests that have a handler of their own.

    Also the line to it: `read`, `write`, `close` and `path` are those of `Port`.
    """

    path = "/dev/fake"

    def __init__(self, clock: Clock, **options: Any) -> None:
        self.clock = clock
        self.options = options
        self.handlers: dict[int, Handler] = options.get("on", {})
        self.idle: Callable[[FakeBoard], None] | None = options.get("idle")
        self.out = bytearray()
        self.reader = FrameReader()
        self.size = 0

    def read(self, timeout_s: float) -> bytes:
        if not self.out and self.idle is not None:
            self.idle(self)
        found = bytes(self.out[:4096])
        del self.out[:4096]
        self.clock.sleep(len(found) / BYTES_PER_S if found else max(timeout_s, 0.001))
        return found

    def write(self, data: bytes) -> None:
        self.clock.sleep(len(data) / BYTES_PER_S)
        for frame in self.reader.feed(data):
            assert isinstance(frame, Frame)
            handler = self.handlers.get(frame.type)
            if handler is None:
                self.answer(frame)
            else:
                handler(self, frame)

    def close(self) -> None:
        self.out.clear()

    def send(self, kind: int, payload: bytes = b"") -> None:
        self.out += encode_frame(Frame(type=kind, sequence=0, payload=payload[:512]))

    def reply(self, frame: Frame, data: bytes = b"", status: int = 0) -> None:
        self.send(0x80, struct.pack("<BHB", frame.type, frame.sequence, status) + data)

    def data_of(self, frame: Frame) -> tuple[bytes, int]:
        """Data and status of the lawful reply."""
        option, kind = self.options.get, frame.type
        if kind == Request.HELLO:
            fields = option("max", 512), option("ahead", 4), 7, option("slot", 0), option("rate", 16000), 49, 40, 0
            return struct.pack("<BHHIIIHHI", option("version", 1), *fields), 0
        if kind == Request.NAME:
            index = frame.payload[0]
            return (NAMES[index].encode(), 0) if index < len(NAMES) else (b"", 6)
        if kind == Request.BEGIN:
            self.size = struct.unpack("<BHII", frame.payload)[2]
            return struct.pack("<I", option("start", 0)), 0
        if kind == Request.DATA:
            return struct.pack("<I", struct.unpack_from("<HI", frame.payload)[1] + len(frame.payload) - 6), 0
        fixed = {
            Request.GET: lambda: struct.pack("<i", 1),
            Request.PROFILE: lambda: struct.pack("<IIII", option("layers", 2), 1000, 10, 10),
            Request.LAYER: lambda: struct.pack("<I", 1000) + b"conv",
            Request.END: lambda: struct.pack("<II", self.size, option("total", 0)),
            Request.DETECTIONS: lambda: struct.pack("<I", 5) + frame.payload + struct.pack("<IBB", 100, 0, 200) * 5,
        }
        return fixed[Request(kind)]() if kind in fixed else b"", 0

    def answer(self, frame: Frame) -> None:
        self.reply(frame, *self.data_of(frame))


Opened = Callable[..., Board]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Opens a session with a board of those options."""

    def opened(**options: Any) -> Board:
        clock = options.pop("clock", None) or Clock()
        for module in (link, limits, port, session, transfer):
            monkeypatch.setattr(module, "time", clock, raising=False)
        fake = options.pop("kind", FakeBoard)(clock, **options)
        monkeypatch.setattr(greeting, "Port", lambda *_: fake)
        monkeypatch.setattr(session, "reopen", lambda *_: fake)
        return Board("/dev/fake")

    return opened


def replying(data: bytes, status: int = 0) -> Handler:
    return lambda board, frame: board.reply(frame, data, status)


def detection(number: int) -> bytes:
    return struct.pack("<IIBB", number, 5, 0, 200)


def reporting(number: int) -> Handler:
    def handler(board: FakeBoard, frame: Frame) -> None:
        board.send(0x81, detection(number))
        board.answer(frame)

    return handler


def inject(board: Board) -> list:
    return board.inject(TONE)


# --- what a board says of itself


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max": 0}, "takes frames of 0 bytes; 32 are the least"),
        ({"max": 7}, "takes frames of 7 bytes"),
        ({"rate": 0}, "its sample rate is 0 Hz; 1000 to 768000 can be"),
        ({"rate": 1}, "its sample rate is 1 Hz"),
        ({"rate": U32}, "its sample rate is 4294967295 Hz"),
        ({"version": 9}, "version 9 of the protocol, which it was not offered"),
        ({"on": {Request.HELLO: replying(b"\1")}}, "reply is too short"),
        ({"on": {Request.HELLO: replying(b"\x09", 3)}}, "speaks version 9 of the protocol, this program version 1"),
        ({"on": {Request.HELLO: replying(b"", 4)}}, "reset again and again"),
        ({"on": {Request.HELLO: lambda board, frame: None}}, "does not answer"),
    ],
)
def test_a_greeting_that_cannot_be(opened: Opened, options: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        opened(**options)
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("options", [{"max": 1024}, {"max": 65535}, {"max": 33}, {"ahead": 0}, {"ahead": 65535}])
def test_what_is_more_than_needed_is_not_used(opened: Opened, options: dict[str, Any]) -> None:
    """Frames have 512 bytes at most, and 64 of them are ahead at most, whatever more the board could take."""
    longest = []

    def data(board: FakeBoard, frame: Frame) -> None:
        longest.append(len(frame.payload))
        board.answer(frame)

    with opened(on={Request.DATA: data}, **options) as board:
        assert board.inject(TONE) == []
    assert max(longest) == min(512, options.get("max", 512) // 2 * 2)


def test_names_that_come_too_slowly(opened: Opened) -> None:
    def slow(board: FakeBoard, frame: Frame) -> None:
        board.clock.sleep(0.49)
        board.reply(frame, b"name")

    with pytest.raises(DataError, match="did not tell its names within 60 s"):
        opened(on={Request.NAME: slow})


# --- detections


@pytest.mark.parametrize("total", [252, 10**6, U32])
def test_more_detections_than_there_can_be(opened: Opened, total: int) -> None:
    """250 ms of sound hold 251 detections at most."""
    with opened(total=total) as board, pytest.raises(DataError, match=f"{total} detections in what can hold 251"):
        inject(board)


@pytest.mark.parametrize("number", [251, 10**8, U32])
def test_a_detection_of_a_number_that_cannot_be(opened: Opened, number: int) -> None:
    with (
        opened(on={Request.DATA: reporting(number)}) as board,
        pytest.raises(DataError, match=f"{number + 1} detections in what can hold 251") as caught,
    ):
        inject(board)
    assert "docs/board_protocol.md" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (Request.DETECTIONS, b"abc", "reply is too short"),
        (Request.DETECTIONS, struct.pack("<II", 1, 0), "the line lost detections"),
        (Request.DETECTIONS, struct.pack("<III", U32, U32, 7) + b"ab", "4294967296 detections in what can hold 251"),
        (Request.DETECTIONS, struct.pack("<IIIBB", 1, 0, 100, 255, 200), "detected class 255 of 2"),
        (Request.END, b"a", "reply is too short"),
        (Request.BEGIN, b"a", "reply is too short"),
        (Request.BEGIN, struct.pack("<I", U32), "wants byte 4294967295 of 8000"),
    ],
)
def test_a_reply_that_cannot_be(opened: Opened, kind: Request, data: bytes, words: str) -> None:
    with opened(total=1, on={kind: replying(data)}) as board, pytest.raises(DataError, match=words):
        inject(board)


# --- progress


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (replying(struct.pack("<I", 0)), "did not take more of what is sent to it within 20 s"),
        (replying(struct.pack("<I", 0), 8), "did not take more of what is sent to it within 20 s"),
        (replying(struct.pack("<I", 3), 8), "did not take more"),
        (replying(struct.pack("<I", 8000)), "has byte 8000, and was sent"),
        (replying(b""), "reply is too short"),
        (replying(struct.pack("<I", 0), 77), "refused: status 77"),
        (replying(b"", 4), "went away again and again"),
        (lambda board, frame: None, "no longer answers"),
    ],
)
def test_a_transfer_that_does_not_go_on(opened: Opened, handler: Handler, words: str) -> None:
    with opened(on={Request.DATA: handler}) as board, pytest.raises(DataError, match=words):
        inject(board)


def test_replies_that_never_stop_and_say_nothing(opened: Opened) -> None:
    first: list[int] = []

    def keep(_: FakeBoard, frame: Frame) -> None:
        first.append(frame.sequence)

    def late(board: FakeBoard) -> None:
        for _ in range(3 if first else 0):
            board.send(0x80, struct.pack("<BHBI", Request.DATA, first[-1], 0, 0))

    with (
        opened(on={Request.DATA: keep}, idle=late) as board,
        pytest.raises(DataError, match="did not take more of what is sent to it"),
    ):
        inject(board)


def test_a_slow_board_is_waited_for(opened: Opened) -> None:
    """One that takes 64 bytes in 10 s is slow, not stuck."""
    place = 0

    def crawling(board: FakeBoard, frame: Frame) -> None:
        nonlocal place
        board.clock.sleep(10 / 4)
        offset = struct.unpack_from("<HI", frame.payload)[1]
        place = min(place + 64, offset + len(frame.payload) - 6) if offset <= place else place
        board.reply(frame, struct.pack("<I", place), 0 if offset <= place else 8)

    with opened(on={Request.DATA: crawling}, ahead=1) as board:
        assert board.inject(TONE[:500]) == []


# --- layers


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": 70_000}, "70000 layers; 2048 can be"),
        ({"layers": U32}, "4294967295 layers"),
        ({"on": {Request.LAYER: replying(b"")}}, "reply is too short"),
        ({"on": {Request.PROFILE: replying(b"")}}, "reply is too short"),
        ({"layers": 2048, "on": {Request.LAYER: lambda b, f: (b.clock.sleep(0.3), b.answer(f))}}, "within 120 s"),
    ],
)
def test_a_layer_table_that_cannot_be(opened: Opened, options: dict[str, Any], words: str) -> None:
    with opened(**options) as board, pytest.raises(DataError, match=words):
        board.profile()


# --- listening


def test_replies_that_nobody_asked_for_are_not_kept(opened: Opened) -> None:
    def flood(board: FakeBoard) -> None:
        for number in range(100):
            board.send(0x80, struct.pack("<BHB", 3, number, 0))
        board.send(0x81, detection(0))

    with opened() as board:
        board._link.port.idle = flood  # type: ignore[attr-defined]
        board.start(Tell.DETECTIONS)
        events = board.events(5)
        for _ in range(40):
            next(events)
        assert len(board._link._replies) <= limits.KEPT_REPLIES


def test_a_board_that_is_reset_again_and_again(opened: Opened) -> None:
    with opened() as board:
        board.start(Tell.DETECTIONS)
        board._link.port.idle = lambda fake: fake.out.extend(b"mltk board x\n")  # type: ignore[attr-defined]
        with pytest.raises(DataError, match="is reset again and again"):
            list(board.events(5))


# --- the fuzzers


@settings(deadline=None, max_examples=100)
@given(payload=st.binary(max_size=512), kind=st.integers(0, 255), version=st.integers(0, 255))
def test_any_frame_is_a_report_or_nothing(payload: bytes, kind: int, version: int) -> None:
    found = parse_report(Frame(type=kind, sequence=0, payload=payload, version=version))
    assert found is None or isinstance(found, messages.Reply | messages.BoardEvent)


@settings(deadline=None, max_examples=50)
@given(
    pieces=st.lists(st.binary(max_size=1200) | st.sampled_from([b"\xf5" * 3000, b"\xf5" + b"\xf7" * 3000, b"a" * 9000]))
)
def test_any_bytes_leave_little_behind(pieces: list[bytes]) -> None:
    reader = FrameReader()
    for piece in pieces:
        for item in reader.feed(piece):
            assert not isinstance(item, TextLine) or item.text.isprintable()
    assert len(reader._bytes) + len(reader._line) < 6000


class WildBoard(FakeBoard):
    """Answers most requests as it should, and the others in every way that it should not."""

    def __init__(self, clock: Clock, *, seed: int) -> None:
        super().__init__(clock)
        self.rng = random.Random(seed)
        rng = self.rng
        self.options = {
            key: rng.choice(values)
            for key, values in {
                "max": [512, 32, 70, 1024], "ahead": [4, 1, 0, 65535], "slot": [0, 10**6], "layers": [2, 2, 9, 2048],
                "total": [0] * 9 + [3, 4, U32], "start": [0] * 9 + [2, 8001],
            }.items()
        }  # fmt: skip
        self.wildness = rng.choice([0.005, 0.05, 0.4])

    def write(self, data: bytes) -> None:
        if self.rng.random() < self.wildness / 500:
            raise Unplugged
        super().write(data)

    def answer(self, frame: Frame) -> None:
        rng = self.rng
        if rng.random() > self.wildness:
            return super().answer(frame)
        data, status = self.data_of(frame)
        wild = {
            "silence": lambda: None,
            "cut": lambda: self.reply(frame, data[: rng.randrange(len(data) + 1)], status),
            "noise": lambda: self.reply(frame, rng.randbytes(rng.randrange(40)), status),
            "huge": lambda: self.reply(frame, b"\xff" * rng.choice([4, 8, 16, 500]), status),
            "zero": lambda: self.reply(frame, bytes(rng.choice([4, 8, 16])), rng.choice([0, 8])),
            "status": lambda: self.reply(frame, data, rng.randrange(14)),
            "twice": lambda: [self.reply(frame, data, status) for _ in range(rng.choice([2, 300]))],
            "other": lambda: self.send(rng.randrange(256), rng.randbytes(rng.randrange(60))),
            "report": lambda: self.send(rng.randrange(0x81, 0x85), detection(rng.choice([0, 9, U32]))),
            "bytes": lambda: self.out.extend(rng.randbytes(300)),
            "boot": lambda: self.out.extend(b"mltk board x\n"),
            "late": lambda: self.clock.sleep(rng.choice([0.6, 3.0])),
        }  # fmt: skip
        wild[rng.choice(list(wild))]()
        if rng.random() < 0.5:
            super().answer(frame)


def everything(board: Board) -> None:
    board.set_parameters(latency_ms=20)
    board.parameters()
    board.inject(TONE)
    board.profile()
    if board.info.slot_bytes:
        board.upload_model(bytes(3000))
    board.start(Tell.DETECTIONS | Tell.SCORES)
    for _ in zip(range(30), board.events(3), strict=False):
        pass
    board.stop()


def survives(opened: Opened, seed: int) -> str:
    """How a whole session with that wild board ends: well, or with one line and a hint."""
    clock = Clock()
    try:
        with opened(clock=clock, kind=WildBoard, seed=seed) as board:
            everything(board)
            assert len(board._link._replies) <= limits.KEPT_REPLIES
        return "well"
    except MltkLikeError as error:
        end = error
    assert isinstance(end, ModelError | DataError) or "refuses" in end.message, end
    assert end.message
    assert end.hint
    assert "\n" not in end.message
    return end.message


def test_sessions_with_wild_boards(opened: Opened) -> None:
    ends = [survives(opened, seed) for seed in range(40)]
    assert 0 < ends.count("well") < len(ends)


@pytest.mark.slow
def test_many_sessions_with_wild_boards(opened: Opened) -> None:
    ends = {survives(opened, seed) for seed in range(1000, 1600)}
    assert len(ends) > 12
