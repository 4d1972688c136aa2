"""What a board may say and how long it may take: a board is not trusted, and one that misbehaves cannot hold the host.

| limit | reason |
| --- | --- |
| `MIN_PAYLOAD` | SET of all six parameters takes 30 bytes |
| `MAX_AHEAD` | 32 kB under way fill any line, and stay far from where the numbers of frames begin anew |
| `MAX_LAYERS` | nets for microcontrollers have some hundred operators |
| `KEPT_REPLIES` | replies that nobody asked for; those to `MAX_AHEAD` frames must fit |
| `MAX_RESETS` in `RESETS_IN_S` | a board that is reset more often while it listens has a fault |
| `STALL_S` | without `STALL_BYTES` more in so long a transfer stands still: 600 baud bring 64 bytes in 1 s |
| `GREETING_S`, `PROFILE_S`, `LOG_S` | at 9600 baud 130 names take 10 s, 100 layers 10 s, 64 detections 1 s |

A board hears at most one detection a millisecond, as the smallest step of the recogniser is one (`most_detections`).
"""

import time
from collections import deque

from mltk_like.audio.board.frames import VERSION
from mltk_like.audio.board.messages import BoardInfo
from mltk_like.audio.rates import rate_fault
from mltk_like.errors import DataError

MIN_PAYLOAD = 32
MAX_AHEAD = 64
MAX_LAYERS = 2048
KEPT_REPLIES = 1024
MAX_RESETS = 5
RESETS_IN_S = 60.0
STALL_S = 20.0
STALL_BYTES = 64
GREETING_S = 60.0
PROFILE_S = 120.0
LOG_S = 60.0

_FIRMWARE = "its firmware does not follow the protocol: see docs/board_protocol.md, «Limits»"


class Deadline:
    """The end of a piece of work, however lively the board is meanwhile.

    Args:
        what: the work, as in "the board did not ... within 60 s".
        seconds: how long it may take from now on.
    """

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def renew(self) -> None:
        """Begin anew: something was done."""
        self._end = time.monotonic() + self._seconds

    def check(self) -> None:
        """Raises DataError when it is over."""
        if time.monotonic() > self._end:
            raise DataError(
                f"the board did not {self._what} within {self._seconds:g} s",
                "it is stuck or the line loses nearly everything: reset the board, use a better or a faster line",
            )


class Resets:
    """Counts resets of a board; those long ago do not count."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MAX_RESETS + 1)

    def count(self) -> None:
        """One more. Raises DataError when there were too many in too short a time."""
        self._times.append(time.monotonic())
        if len(self._times) > MAX_RESETS and self._times[-1] - self._times[0] < RESETS_IN_S:
            raise DataError("the board is reset again and again", "look at its power supply and its watchdog")


def strange(what: str) -> DataError:
    """The error for a board that says what no board can mean."""
    return DataError(what, _FIRMWARE)


def check_info(info: BoardInfo) -> None:
    """Raises DataError where what a board says of itself cannot be worked with."""
    if info.version != VERSION:
        raise strange(f"the board wants to speak version {info.version} of the protocol, which it was not offered")
    if info.max_payload < MIN_PAYLOAD:
        raise strange(f"the board takes frames of {info.max_payload} bytes; {MIN_PAYLOAD} are the least")
    if fault := rate_fault(info.sample_rate_hz):
        raise strange(f"the board cannot be what it says: {fault}")


def most_detections(samples: int, sample_rate_hz: int) -> int:
    """How many detections so many samples can lead to."""
    return samples * 1000 // sample_rate_hz + 1
