"""What the frames of the board protocol say: codes, and payloads as values."""

import enum
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.board.frames import Frame
from mltk_like.errors import DataError


class Request(enum.IntEnum):
    """Frames from the host."""

    HELLO = 0x01
    NAME = 0x02
    START = 0x03
    STOP = 0x04
    SET = 0x05
    GET = 0x06
    PROFILE = 0x07
    LAYER = 0x08
    DETECTIONS = 0x09
    BEGIN = 0x10
    DATA = 0x11
    END = 0x12
    ABORT = 0x13


class Report(enum.IntEnum):
    """Frames from the board."""

    REPLY = 0x80
    DETECTION = 0x81
    SCORES = 0x82
    AUDIO = 0x83
    COLUMN = 0x84


class Status(enum.IntEnum):
    """How a request went."""

    OK = 0
    UNKNOWN_REQUEST = 1
    MALFORMED = 2
    VERSION = 3
    NO_HELLO = 4
    REFUSED = 5
    NO_SUCH = 6
    NO_TRANSFER = 7
    OUT_OF_ORDER = 8
    CHECK_SUM = 9
    UNSUPPORTED = 10
    FAILED = 11


class Tell(enum.IntFlag):
    """What the board shall report."""

    NOTHING = 0
    DETECTIONS = 1
    SCORES = 2
    AUDIO = 4
    COLUMNS = 8
    TEXT = 16


class Parameter(enum.IntEnum):
    """Settings that can be changed on the board; named as in RecogniserSettings. The gain travels in thousandths."""

    detection_threshold = 0
    latency_ms = 1
    minimum_count = 2
    average_window_duration_ms = 3
    suppression_ms = 4
    volume_gain = 5


class Transfer(enum.IntEnum):
    """What is sent in pieces."""

    SAMPLES = 1
    MODEL = 2


@dataclass(frozen=True, kw_only=True)
class BoardInfo:
    """What a board says of itself.

    Attributes:
        version: of the protocol that it will speak.
        max_payload: bytes of a frame's payload that it takes.
        frames_ahead: frames of data that may be under way unanswered.
        boot: another number after each reset.
        slot_bytes: room for a model; 0: none can be uploaded.
        sample_rate_hz: of its front end, or of its microphone where it has no model.
        columns, bands: of its net's window; 0 of a board without a model, which only tells what its microphone hears.
        model_check: CRC-32 of the bytes of its model; 0: it does not say.
        name: the board's.
        model: name of the model that it runs.
        classes: its classes, in the order of the scores.
    """

    version: int
    max_payload: int
    frames_ahead: int
    boot: int
    slot_bytes: int
    sample_rate_hz: int
    columns: int
    bands: int
    model_check: int = 0
    name: str = ""
    model: str = ""
    classes: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """Its model, or that it has none, for people."""
        return f"model {self.model}" if self.columns else "a microphone without a model"


@dataclass(frozen=True, kw_only=True)
class DetectionReport:
    """Detection number so-and-so since the stream began, at a time since then."""

    number: int
    time_ms: int
    class_index: int
    score: int


@dataclass(frozen=True, kw_only=True)
class ScoresReport:
    """Scores of one inference, uint8 (classes,)."""

    time_ms: int
    scores: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class AudioReport:
    """What the board hears, int16 (samples,); `first` counts samples since the stream began."""

    first: int
    samples: NDArray[np.int16]


@dataclass(frozen=True, kw_only=True)
class ColumnReport:
    """A column of the spectrogram from band `first_band` on; wide ones come in several parts."""

    column: int
    first_band: int
    values: NDArray[np.uint16] | NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class TextReport:
    """A line of text."""

    text: str


BoardEvent = DetectionReport | ScoresReport | AudioReport | ColumnReport | TextReport


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The board's answer to the request of that type and number."""

    request: int
    sequence: int
    status: int
    data: bytes


_REPLY = struct.Struct("<BHB")
_INFO = struct.Struct("<BHHIIIHH")
_DETECTION = struct.Struct("<IIBB")
_LOGGED = struct.Struct("<IBB")
_COLUMN = struct.Struct("<IHB")


def parse_report(frame: Frame) -> BoardEvent | Reply | None:
    """The value that a frame from the board holds; None for a kind that this version does not know, or too short."""
    payload = frame.payload
    try:
        if frame.type == Report.REPLY:
            request, sequence, status = _REPLY.unpack_from(payload)
            return Reply(request=request, sequence=sequence, status=status, data=payload[_REPLY.size :])
        if frame.type == Report.DETECTION:
            number, time_ms, class_index, score = _DETECTION.unpack_from(payload)
            return DetectionReport(number=number, time_ms=time_ms, class_index=class_index, score=score)
        if frame.type in (Report.SCORES, Report.AUDIO):
            (place,) = struct.unpack_from("<I", payload)
            if frame.type == Report.SCORES:
                return ScoresReport(time_ms=place, scores=np.frombuffer(payload[4:], np.uint8))
            return AudioReport(first=place, samples=np.frombuffer(payload[4:], "<i2").astype(np.int16))
        if frame.type == Report.COLUMN:
            column, band, floating = _COLUMN.unpack_from(payload)
            kind = np.dtype("<f4" if floating else "<u2")
            values = np.frombuffer(payload[_COLUMN.size :], kind)
            return ColumnReport(column=column, first_band=band, values=values.astype(kind.newbyteorder("=")))
    except (struct.error, ValueError):  # of a later version
        return None
    return None


def unpack(layout: str, data: bytes) -> tuple[int, ...]:
    """Numbers at the beginning of a reply. Raises DataError when it is too short."""
    try:
        return struct.unpack_from(layout, data)
    except struct.error as error:
        raise DataError("the board's reply is too short", "its firmware does not follow the protocol") from error


def parse_info(data: bytes) -> BoardInfo:
    """The reply to HELLO. Raises DataError when it is too short."""
    version, payload, ahead, boot, slot, rate, columns, bands = unpack(_INFO.format, data)
    check = data[_INFO.size : _INFO.size + 4]  # absent in firmware that is older than the field
    return BoardInfo(
        version=version,
        max_payload=payload,
        frames_ahead=ahead,
        boot=boot,
        slot_bytes=slot,
        sample_rate_hz=rate,
        columns=columns,
        bands=bands,
        model_check=int.from_bytes(check, "little") if len(check) == 4 else 0,
    )


def parse_logged(data: bytes) -> list[DetectionReport]:
    """The reply to DETECTIONS. Raises DataError when it is too short."""
    _, first = unpack("<II", data)
    entries = data[8 : 8 + (len(data) - 8) // _LOGGED.size * _LOGGED.size]
    return [
        DetectionReport(number=first + i, time_ms=time_ms, class_index=class_index, score=score)
        for i, (time_ms, class_index, score) in enumerate(_LOGGED.iter_unpack(entries))
    ]
