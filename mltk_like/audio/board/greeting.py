"""Finding a board, and what it says of itself."""

from collections.abc import Mapping
from dataclasses import replace

from mltk_like.audio.board.frames import VERSION
from mltk_like.audio.board.limits import GREETING_S, Deadline, check_info
from mltk_like.audio.board.link import REPLY_TIMEOUT_S, TRIES, Link, NoAnswer, RefusedError, SessionLost
from mltk_like.audio.board.messages import BoardInfo, Request, Status, parse_info
from mltk_like.audio.board.plain import PlainLine, described
from mltk_like.audio.board.port import Port, Unplugged, port_names
from mltk_like.audio.recogniser import MAX_CLASSES
from mltk_like.errors import DataError

_HELLO_TRIES = 3
_MOST_NAMES = 2 + MAX_CLASSES  # the board's and the model's too
_HINTS: Mapping[int, str] = {
    Status.UNSUPPORTED: "this board cannot do that",
    Status.REFUSED: "the value is out of the board's range",
    Status.FAILED: "the net failed on the board",
    Status.CHECK_SUM: "the data did not arrive whole; try again",
}


def find_board(baud_rate: int) -> tuple[Link, BoardInfo]:
    """The only board on this computer's serial lines. Raises DataError when there is none, or there are several."""
    found: list[tuple[Link, BoardInfo]] = []
    silent: list[str] = []
    closed: list[DataError] = []
    for name in port_names():
        try:
            port = Port(name, baud_rate)
        except DataError as error:
            closed.append(error)
            continue
        try:
            found.append(_open(port, reply_timeout_s=0.3, tries=4))
        except DataError:
            silent.append(name)
    if len(found) != 1:
        for link, _ in found:
            link.port.close()
        raise _several(found) if found else _none(silent, closed)
    return found[0]


def _several(found: list[tuple[Link, BoardInfo]]) -> DataError:
    listed = "; ".join(f"{link.port.path}: {info.name or 'no name'}, {info.what}" for link, info in found)
    return DataError(
        f"there are {len(found)} boards ({listed})", f"name the line of one, as in: --device {found[0][0].port.path}"
    )


def _none(silent: list[str], closed: list[DataError]) -> DataError:
    """What keeps a line from being opened is more likely the reason than a line on which nothing answers."""
    if closed:
        also = f"; no board answers on {', '.join(silent)}" if silent else ""
        return DataError("; ".join(error.message for error in closed) + also, closed[0].hint)
    if silent:
        return DataError(
            f"no board answers on any serial line ({', '.join(silent)})",
            "plug it in; where it is: check that its firmware speaks the protocol of docs/board_protocol.md",
        )
    return DataError("this computer has no serial line", "plug a board in, or name its line: --device /dev/ttyACM0")


def open_board(path: str, baud_rate: int) -> tuple[Link, BoardInfo]:
    """Open a line and begin a session. Raises DataError, and ToolError without pyserial."""
    return _open(Port(path, baud_rate))


def _open(port: Port, *, reply_timeout_s: float = REPLY_TIMEOUT_S, tries: int = TRIES) -> tuple[Link, BoardInfo]:
    """Begin a session on an open line; where that fails, the line is closed."""
    try:
        link = Link(port, reply_timeout_s, tries)
        try:
            return link, greet(link)
        except NoAnswer:
            # Firmware that streams without frames says what it is in lines of text.
            if (plain := described(link.events)) is None:
                raise
            return (link := Link(PlainLine(port, plain))), greet(link)
    except Unplugged as error:
        port.close()
        raise DataError(f"the board at {port.path} went away", "check the cable and start again") from error
    except DataError:
        port.close()
        raise


def greet(link: Link) -> BoardInfo:
    """Begin a session. Raises DataError when the board does not answer, or in other versions, or what cannot be."""
    link.events.clear()
    try:
        info, names = _greet(link)
    except RefusedError as error:
        if error.status != Status.VERSION or not error.data:
            raise refusal(error) from error
        raise DataError(
            f"the board speaks version {error.data[0]} of the protocol, this program version {VERSION}",
            "update the board's firmware, or mltk_like",
        ) from error
    check_info(info)
    board, model, *classes = [*names, "", ""][: max(len(names), 2)]
    return replace(info, name=board, model=model, classes=tuple(classes))


def _greet(link: Link) -> tuple[BoardInfo, list[str]]:
    for _ in range(_HELLO_TRIES):
        try:
            return parse_info(link.request(Request.HELLO, bytes([VERSION, VERSION]))), _names(link)
        except SessionLost:  # reset between the greeting and the names
            continue
    raise DataError("the board is reset again and again", "look at its power supply and its watchdog")


def _names(link: Link) -> list[str]:
    names: list[str] = []
    deadline = Deadline("tell its names", GREETING_S)
    for index in range(_MOST_NAMES):
        deadline.check()
        try:
            names.append(link.request(Request.NAME, bytes([index])).decode(errors="replace"))
        except RefusedError as error:
            if error.status == Status.NO_SUCH:
                break
            raise
    return names


def refusal(error: RefusedError) -> DataError:
    """A board's no, in words."""
    known = {status.value: status.name.lower().replace("_", " ") for status in Status}
    said = known.get(error.status, f"status {error.status}")
    return DataError(f"the board refused: {said}", _HINTS.get(error.status, "its firmware is of another version"))
