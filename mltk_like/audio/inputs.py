"""Audio that comes in pieces: raw samples through a pipe, and a recording at the pace of real time."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.rates import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, rate_fault
from mltk_like.audio.wav import to_int16
from mltk_like.errors import SettingError

Int16 = NDArray[np.int16]

_PIECE_MS = 10


def raw_audio(read: Callable[[], bytes], rate_hz: int, sample_rate_hz: int) -> Iterator[Int16]:
    """Samples from a pipe, as soon as they come, until it ends; half a sample at the end is dropped.

    Args:
        read: the next bytes of raw int16, little-endian, mono, any number of them; none at the end.
        rate_hz: rate of the samples in Hz.
        sample_rate_hz: rate of the result in Hz.

    Yields:
        int16 (n,), n > 0.

    Raises:
        SettingError: `rate_hz` is not from `LOWEST_RATE_HZ` to `HIGHEST_RATE_HZ`.
    """
    if rate_fault(rate_hz):
        raise SettingError(
            f"a sample rate of {rate_hz} Hz is out of range", f"give {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz"
        )
    yield from resampled(_whole_samples(read), rate_hz, sample_rate_hz)


def resampled(blocks: Iterable[Int16], rate_hz: int, sample_rate_hz: int) -> Iterator[Int16]:
    """Blocks at another rate (soxr, HQ), int16 (n,), n > 0; at the same rate they pass through."""
    if rate_hz == sample_rate_hz:
        yield from blocks
        return
    resampler = Resampler(rate_hz, sample_rate_hz)
    for block in blocks:
        yield from _filled(resampler.push(block))
    yield from _filled(resampler.end())


class Resampler:
    """Audio in pieces at another rate (soxr, HQ); at the same rate it passes through.

    Args:
        rate_hz: of what is pushed, in Hz.
        sample_rate_hz: of what comes out, in Hz.
    """

    def __init__(self, rate_hz: int, sample_rate_hz: int) -> None:
        self._stream: Any = None
        if rate_hz != sample_rate_hz:
            import soxr

            self._stream = soxr.ResampleStream(rate_hz, sample_rate_hz, 1, dtype="float32")

    def push(self, block: Int16) -> Int16:
        """The next samples, int16 (n,); returns what is ready, (m,), m >= 0."""
        if self._stream is None:
            return block
        return to_int16(self._stream.resample_chunk(block.astype(np.float32) / np.float32(32768)))

    def end(self) -> Int16:
        """What is left, (m,), once all has been pushed."""
        if self._stream is None:
            return np.zeros(0, np.int16)
        return to_int16(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))


def paced(
    blocks: Iterable[Int16],
    sample_rate_hz: int,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Int16]:
    """The same audio in pieces of 10 ms, none before its last sample would have been spoken.

    Args:
        blocks: int16 (n,).
        sample_rate_hz: in Hz.
        clock: seconds that go on.
        sleep: wait so many seconds.
    """
    size = max(1, sample_rate_hz * _PIECE_MS // 1000)
    begin, samples = clock(), 0
    for block in blocks:
        for piece in np.split(block, range(size, len(block), size)):
            samples += len(piece)
            wait = begin + samples / sample_rate_hz - clock()
            if wait > 0:
                sleep(wait)
            yield piece


def _whole_samples(read: Callable[[], bytes]) -> Iterator[Int16]:
    rest = b""
    while data := read():
        data = rest + data
        even = len(data) // 2 * 2
        rest = data[even:]
        if even:
            yield np.frombuffer(data[:even], "<i2").astype(np.int16, copy=False)


def _filled(block: Int16) -> Iterator[Int16]:
    if len(block):
        yield block
