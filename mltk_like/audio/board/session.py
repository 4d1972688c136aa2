"""A board on a serial line: start and stop, settings, audio in place of its microphone, models, layer times."""

import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.board import transfer
from mltk_like.audio.board.detected import Detected
from mltk_like.audio.board.greeting import find_board, greet, open_board, refusal
from mltk_like.audio.board.limits import MAX_LAYERS, PROFILE_S, Deadline, Resets, most_detections, strange
from mltk_like.audio.board.link import Link, RefusedError, SessionLost
from mltk_like.audio.board.messages import (
    BoardEvent,
    BoardInfo,
    DetectionReport,
    Parameter,
    Request,
    Status,
    Tell,
    TextReport,
    Transfer,
    unpack,
)
from mltk_like.audio.board.port import BAUD_RATE, Unplugged, reopen
from mltk_like.audio.recogniser import Detection
from mltk_like.closing import Closing
from mltk_like.errors import DataError, ModelError, SettingError

_T = TypeVar("_T")

_BOOT_LINE = "mltk board "
_PROFILE_PATIENCE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class BoardLayer:
    """One operator on the board: place, name, time in microseconds."""

    index: int
    op: str
    time_us: float


@dataclass(frozen=True, kw_only=True)
class BoardProfile:
    """What the board measured of its model.

    Attributes:
        board, model: names.
        time_us: fastest inference.
        arena_bytes: working memory in use.
        model_bytes: size of the model.
        layers: time of each operator, in order.
    """

    board: str
    model: str
    time_us: float
    arena_bytes: int
    model_bytes: int
    layers: tuple[BoardLayer, ...]


class Board(Closing):
    """A session with a board; also a context manager. Raises on construction as `open`.

    When the board is reset or unplugged, it is found again and the work of the call begins anew; a model goes on where
    it was.

    Args:
        port: serial line, path of a pseudo-terminal, or 'auto': the only board on this computer's lines.
        baud_rate: bits a second.
        patience_s: how long a board that went away is waited for.
        restarts: how often a call begins anew.
    """

    def __init__(
        self, port: str = "auto", *, baud_rate: int = BAUD_RATE, patience_s: float = 5.0, restarts: int = 5
    ) -> None:
        self._baud_rate = baud_rate
        self._patience_s = patience_s
        self._restarts = restarts
        self._settings: dict[Parameter, int] = {}
        self._telling: Tell | None = None
        self._number = 0
        self._link, self.info = find_board(baud_rate) if port == "auto" else open_board(port, baud_rate)

    @property
    def path(self) -> str:
        """The line."""
        return self._link.port.path

    @property
    def damaged(self) -> int:
        """Frames and lines that came damaged."""
        return self._link.reader.damaged

    def close(self) -> None:
        """Close the line; the board goes on as it is."""
        self._link.port.close()

    def start(self, tell: Tell = Tell.DETECTIONS) -> None:
        """Begin to listen to the microphone and to report. Raises DataError."""
        self._telling = tell
        self._recovering(lambda: self._request(Request.START, bytes([tell])))

    def stop(self) -> None:
        """Stop listening. Raises DataError."""
        self._telling = None
        self._recovering(lambda: self._request(Request.STOP))

    def set_parameters(self, **values: float) -> None:
        """Change settings of the recogniser until the board is reset: the names of `Parameter`. All are taken, or none.

        Raises:
            SettingError: an unknown name, or a value that the board refuses.
            DataError: the board does not answer.
        """
        changed = dict(_raw(name, value) for name, value in values.items())
        self._recovering(lambda: self._set(changed))
        self._settings |= changed

    def parameters(self) -> dict[str, float]:
        """The settings that the board works with, by name. Raises DataError."""
        raw = {each: unpack("<i", self._get(each))[0] for each in Parameter}
        return {each.name: value / 1000 if each is Parameter.volume_gain else value for each, value in raw.items()}

    def inject(
        self,
        samples: NDArray[np.int16],
        *,
        tell: Tell = Tell.DETECTIONS,
        on_event: Callable[[BoardEvent], None] | None = None,
    ) -> list[Detection]:
        """Have the board classify samples in place of its microphone, as a stream of its own; then it is stopped.

        Args:
            samples: int16 (n,) at the board's rate.
            tell: what it reports meanwhile.
            on_event: called with each report. After a reset of the board they begin anew.

        Returns:
            The detections, complete; times count from the first sample.

        Raises:
            DataError: the board does not answer, or lost detections.
        """
        data = np.ascontiguousarray(samples, "<i2").tobytes()
        return self._recovering(lambda: self._inject(data, tell, on_event))

    def upload_model(self, model: bytes, progress: transfer.Progress | None = None) -> BoardInfo:
        """Put a `.tflite` into the board's slot and have it used; returns what the board then says of itself.

        Raises:
            ModelError: it does not fit the slot, or the board cannot run it.
            DataError: the board does not answer, or takes no models.
        """
        if 0 < self.info.slot_bytes < len(model):
            raise ModelError(
                f"the model has {len(model)} bytes, the board's slot {self.info.slot_bytes}", "use a smaller model"
            )

        def work() -> None:
            number = self._next_number()
            start = transfer.begin(self._link, Transfer.MODEL, number, model)
            transfer.send_all(self._link, self.info, number, model, start, progress)
            try:
                transfer.end(self._link, number)
            except RefusedError as error:
                if error.status != Status.FAILED:
                    raise
                raise ModelError(
                    "the board cannot run this model", "an operator, the memory or its parameters do not suit it"
                ) from error

        self._recovering(work)
        self.info = self._recovering(lambda: greet(self._link))
        return self.info

    def profile(self) -> BoardProfile:
        """Have the board time its model, layer by layer. Raises DataError."""
        return self._recovering(self._profile)

    def events(self, timeout_s: float | None = None) -> Iterator[BoardEvent]:
        """What the board reports after `start`, as it comes; ends after so long without a report.

        A board that was reset or unplugged is started again. Raises DataError when it stays away, or is reset again and
        again.
        """
        last = time.monotonic()
        resets = Resets()
        while timeout_s is None or time.monotonic() - last < timeout_s:
            while self._link.events:
                last = time.monotonic()
                event = self._link.events.popleft()
                yield event
                if isinstance(event, TextReport) and event.text.startswith(_BOOT_LINE):
                    resets.count()
                    self._recovering(self._restore)
            try:
                self._link.listen(0.1)
            except Unplugged:
                resets.count()
                self._recovering(self._reconnect)

    def _request(self, kind: Request, payload: bytes = b"", timeout_s: float | None = None) -> bytes:
        return self._link.request(kind, payload, timeout_s)

    def _get(self, parameter: Parameter) -> bytes:
        return self._recovering(lambda: self._request(Request.GET, bytes([parameter])))

    def _set(self, values: Mapping[Parameter, int]) -> None:
        payload = b"".join(struct.pack("<Bi", parameter, value) for parameter, value in values.items())
        try:
            self._request(Request.SET, payload)
        except RefusedError as error:
            named = ", ".join(f"{parameter.name}={value}" for parameter, value in values.items())
            raise SettingError(
                f"the board refuses {named}", "a value is out of range, or nothing could be detected"
            ) from error

    def _next_number(self) -> int:
        self._number = self._number % 65535 + 1
        return self._number

    def _inject(self, data: bytes, tell: Tell, on_event: Callable[[BoardEvent], None] | None) -> list[Detection]:
        found = Detected(self._link, most_detections(len(data) // 2, self.info.sample_rate_hz))

        def take() -> None:
            while self._link.events:
                event = self._link.events.popleft()
                if isinstance(event, DetectionReport):
                    found.add(event)
                if on_event is not None:
                    on_event(event)
            found.fetch_missing()

        self._telling = None
        self._request(Request.START, bytes([tell]))
        number = self._next_number()
        start = transfer.begin(self._link, Transfer.SAMPLES, number, data)
        self._link.events.clear()  # of the microphone
        transfer.send_all(self._link, self.info, number, data, start, lambda _: take())
        total = transfer.end(self._link, number)
        take()
        return [self._detection(each) for each in found.all(total)]

    def _detection(self, report: DetectionReport) -> Detection:
        if report.class_index >= len(self.info.classes):
            raise strange(f"the board detected class {report.class_index} of {len(self.info.classes)}")
        label = self.info.classes[report.class_index]
        return Detection(time_ms=report.time_ms, class_index=report.class_index, label=label, score=report.score)

    def _profile(self) -> BoardProfile:
        reply = self._request(Request.PROFILE, timeout_s=_PROFILE_PATIENCE_S)
        count, time_ns, arena, model = unpack("<IIII", reply)
        if count > MAX_LAYERS:
            raise strange(f"the board's model has {count} layers; {MAX_LAYERS} can be")
        deadline = Deadline("tell the times of its layers", PROFILE_S)
        rows = []
        for index in range(count):
            deadline.check()
            rows.append(self._request(Request.LAYER, struct.pack("<H", index)))
        return BoardProfile(
            board=self.info.name,
            model=self.info.model,
            time_us=time_ns / 1000,
            arena_bytes=arena,
            model_bytes=model,
            layers=tuple(
                BoardLayer(index=i, op=row[4:].decode(errors="replace"), time_us=unpack("<I", row)[0] / 1000)
                for i, row in enumerate(rows)
            ),
        )

    def _recovering(self, work: Callable[[], _T]) -> _T:
        """Do the work, anew where the board went away or was reset."""
        first: Callable[[], None] | None = None
        for _ in range(self._restarts + 1):
            try:
                if first is not None:
                    first()
                return work()
            except Unplugged:
                first = self._reconnect
            except SessionLost:
                first = self._restore
            except RefusedError as error:
                if error.status not in (Status.CHECK_SUM, Status.NO_TRANSFER):
                    raise refusal(error) from error
        raise DataError("the board went away again and again", "use a better cable, or a slower line")

    def _reconnect(self) -> None:
        path = self.path
        self._link.port.close()
        deadline = time.monotonic() + self._patience_s
        while True:
            port = reopen(path, self._baud_rate, max(deadline - time.monotonic(), 0))
            self._link = Link(port)
            try:
                return self._restore()
            except Unplugged:
                port.close()
                if time.monotonic() > deadline:
                    raise DataError(f"the board at {path} went away", "check the cable and start again") from None

    def _restore(self) -> None:
        """Bring a board that has forgotten everything to where it was."""
        self.info = greet(self._link)
        if self._settings:
            self._set(self._settings)
        if self._telling is not None:
            self._request(Request.START, bytes([self._telling]))


def _raw(name: str, value: float) -> tuple[Parameter, int]:
    """A parameter as it travels. Raises SettingError for an unknown name, or a value that no number here can hold."""
    if name not in Parameter.__members__:
        raise SettingError(f"a board has no parameter {name!r}", "known: " + ", ".join(Parameter.__members__))
    whole = round(value * 1000) if name == "volume_gain" else int(value)
    if not 0 <= whole < 2**31 or (name != "volume_gain" and whole != value):
        raise SettingError(f"{name} must be a whole number of 0 or more, given {value!r}")
    return Parameter[name], whole
