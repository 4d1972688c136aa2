"""Where the audio comes from: a file, a pipe, a microphone, or that of a board."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.board import Board, BoardMicrophone
from mltk_like.audio.inputs import paced
from mltk_like.audio.microphone import Microphone
from mltk_like.audio.piped import piped_audio
from mltk_like.audio.wav import sample_rate_hz as rate_of_file
from mltk_like.audio.wav import stream_audio
from mltk_like.errors import SettingError

PIPE = "-"
_BLOCK_S = 1.0
_READ_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Source:
    """Audio in pieces.

    Attributes:
        name: for people.
        blocks: int16 (n,), at the model's rate.
        take_lost_ms: how much audio was dropped since the last call, in ms.
        behind_ms: by how much less came than time has passed, in ms, of a source that keeps the pace of real time.
    """

    name: str
    blocks: Iterable[NDArray[np.int16]]
    take_lost_ms: Callable[[], int] = int  # int() is 0
    behind_ms: Callable[[], int] = int


@contextmanager
def board_source(board: Board, sample_rate_hz: int) -> Iterator[Source]:
    """The microphone of a board for the time of the block. Raises DataError as `BoardMicrophone`."""
    with BoardMicrophone(board, sample_rate_hz) as heard:
        name = board.info.name or board.path
        yield Source(name=name, blocks=heard, take_lost_ms=heard.take_lost_ms, behind_ms=heard.behind_ms)


@contextmanager
def open_source(
    *,
    file: str | Path | None,
    microphone: str | None,
    device: str | None = None,
    rate_hz: int | None,
    sample_rate_hz: int,
    real_time: bool,
) -> Iterator[Source]:
    """The audio for the time of the block.

    Args:
        file: a sound file; '-' for raw int16 samples, or a WAV file, on stdin; None for a microphone.
        microphone: as in `find_microphone`.
        device: serial line of a board whose microphone is heard, or 'auto'.
        rate_hz: of the raw samples; None: the model's.
        sample_rate_hz: the model's rate in Hz.
        real_time: give a file or a pipe no faster than it would have been spoken.

    Raises:
        SettingError: more than one of file, microphone and board, a rate without a pipe, or nothing is piped in.
        DataError: the file, the microphone or the board cannot be opened.
        ToolError: what microphones or boards need is not installed.
    """
    if sum(place is not None for place in (file, microphone, device)) > 1:
        raise SettingError("audio comes from one place", "give one of --input, --microphone and --device")
    if rate_hz is not None and str(file) != PIPE:
        raise SettingError("--rate goes with raw samples", "files and microphones tell their rate; add --input -")
    if device is not None:
        with Board(device) as board, board_source(board, sample_rate_hz) as source:
            yield source
        return
    if file is None:
        with Microphone(microphone, sample_rate_hz) as own:
            yield Source(name=own.info.name, blocks=own, take_lost_ms=own.take_lost_ms)
        return
    if str(file) == PIPE:
        if sys.stdin.isatty():
            raise SettingError("nothing is piped in", "as in: sox a.mp3 -t s16 -r 16000 -c 1 - | ... --input -")
        blocks = piped_audio(lambda: os.read(sys.stdin.fileno(), _READ_BYTES), rate_hz, sample_rate_hz)
    else:
        rate_of_file(file)  # an unreadable file is an error now, not at the first block
        blocks = stream_audio(file, sample_rate_hz, block_s=_BLOCK_S)
    yield Source(
        name="stdin" if str(file) == PIPE else str(file), blocks=paced(blocks, sample_rate_hz) if real_time else blocks
    )
