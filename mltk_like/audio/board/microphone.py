"""The microphone of a board as a stream of samples without gaps."""

import time
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.board.limits import strange
from mltk_like.audio.board.messages import AudioReport, Tell
from mltk_like.audio.board.session import Board
from mltk_like.audio.inputs import resampled
from mltk_like.errors import DataError

Int16 = NDArray[np.int16]

SILENT_S = 5.0
"""After so long without samples a board is given up."""
_LONGEST_GAP_S = 10.0
_BEHIND_S, _BEHIND = 1.0, 0.02  # how far a board may lag without having lost something: a start, and a slow clock


class Gapless:
    """Samples in the order of their numbers; those that the line lost are given as silence, so that times stay right.

    Where the board was reset or unplugged and came back, its stream goes on behind what was heard before.

    Args:
        rate_hz: of the board.

    Attributes:
        given: samples so far, silence included.
        lost: samples that the line lost, and those of the time in which the board was away.
    """

    def __init__(self, rate_hz: int) -> None:
        self.given = self.lost = 0
        self._rate_hz = rate_hz
        self._expected = 0  # number of the next sample
        self._last = time.monotonic()

    def take(self, report: AudioReport) -> Int16:
        """What a report adds, int16 (n,). Raises DataError where its number cannot be."""
        now, gap = time.monotonic(), report.first - self._expected
        if gap < 0:  # a stream of its own
            self.lost += round((now - self._last) * self._rate_hz)
            gap = 0
        if gap > _LONGEST_GAP_S * self._rate_hz:
            raise strange(f"the board's audio leaps by {gap / self._rate_hz:.0f} s")
        samples = np.concatenate([np.zeros(gap, np.int16), report.samples]) if gap else report.samples
        self._expected, self._last = report.first + len(report.samples), now
        self.lost += gap
        self.given += len(samples)
        return samples


class BoardMicrophone:
    """What a board hears, from `with` on; iterate over it once. At the end of the block the board is stopped.

    What the line loses, and a board that goes away and comes back, are as `Gapless` has them.

    Args:
        board: an open session.
        sample_rate_hz: rate of the samples in Hz; those of a board with another rate are resampled.

    Raises, while iterating:
        DataError: the board sends no samples for `SILENT_S`, went away, or says what cannot be.
    """

    def __init__(self, board: Board, sample_rate_hz: int) -> None:
        self._board = board
        self._rate_hz = sample_rate_hz
        self._samples = Gapless(board.info.sample_rate_hz)
        self._taken = 0  # of those lost
        self._begin = self._last = 0.0

    def __enter__(self) -> Self:
        self._board.start(Tell.AUDIO)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # One that went away has nothing to stop, and was waited for already.
        if kind is None or not issubclass(kind, DataError):
            with suppress(DataError):
                self._board.stop()

    def __iter__(self) -> Iterator[Int16]:
        return resampled(self._blocks(), self._board.info.sample_rate_hz, self._rate_hz)

    def take_lost_ms(self) -> int:
        """How much audio the line or the board has lost since the last call, in ms."""
        new, self._taken = self._samples.lost - self._taken, self._samples.lost
        return -(-new * 1000 // self._board.info.sample_rate_hz)

    def behind_ms(self) -> int:
        """By how much less was heard than time has passed, in ms; 0 while it is what lines and clocks explain.

        A board that is too busy, or a line that is too slow, leaves samples out without a word.
        """
        passed = self._last - self._begin
        behind = passed - self._samples.given / self._board.info.sample_rate_hz
        return round(1000 * behind) if behind > _BEHIND_S + _BEHIND * passed else 0

    def _blocks(self) -> Iterator[Int16]:
        self._begin = self._last = time.monotonic()
        for event in self._board.events(SILENT_S):
            if isinstance(event, AudioReport) and len(event.samples):
                self._last = time.monotonic()
                if not self._samples.given:
                    self._begin = self._last
                yield self._samples.take(event)
            elif time.monotonic() - self._last > SILENT_S:
                break
        raise DataError(
            f"the board at {self._board.path} sends no audio",
            "has it a microphone? An emulated board has none; one that sends by fits needs a faster line",
        )
