"""Boards on a serial line: the host's side of the protocol of docs/board_protocol.md."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.board.frames import Frame, FrameReader, TextLine, encode_frame
from mltk_like.audio.board.messages import (
    AudioReport,
    BoardEvent,
    BoardInfo,
    ColumnReport,
    DetectionReport,
    Parameter,
    ScoresReport,
    Tell,
    TextReport,
)
from mltk_like.audio.board.microphone import BoardMicrophone, Gapless
from mltk_like.audio.board.port import BAUD_RATE, port_names
from mltk_like.audio.board.session import Board, BoardLayer, BoardProfile
from mltk_like.audio.board.simulator import simulated_board
from mltk_like.audio.recogniser import Detection, RecogniserSettings
from mltk_like.errors import SettingError

__all__ = [
    "BAUD_RATE",
    "AudioReport",
    "Board",
    "BoardEvent",
    "BoardInfo",
    "BoardLayer",
    "BoardMicrophone",
    "BoardProfile",
    "ColumnReport",
    "DetectionReport",
    "Frame",
    "FrameReader",
    "Gapless",
    "Parameter",
    "ScoresReport",
    "Tell",
    "TextLine",
    "TextReport",
    "board_parameters",
    "board_profile",
    "classify_on_board",
    "encode_frame",
    "port_names",
    "simulated_board",
]


def board_profile(port: str) -> BoardProfile:
    """The layer table of the board on that line ('auto' finds one). Raises DataError and ToolError as `Board`."""
    with Board(port) as board:
        return board.profile()


def classify_on_board(
    port: str, samples: NDArray[np.int16], settings: RecogniserSettings | None = None
) -> list[Detection]:
    """What the board on that line detects in samples that it hears in place of its microphone.

    Args:
        port: serial line, or 'auto'.
        samples: int16 (n,) at the board's rate.
        settings: of its recogniser; None leaves them as they are.

    Raises:
        DataError, ToolError: as `Board`.
        SettingError: the board refuses the settings.
    """
    with Board(port) as board:
        if settings is not None:
            board.set_parameters(**board_parameters(settings))
        return board.inject(samples)


def board_parameters(settings: RecogniserSettings) -> dict[str, Any]:
    """What `Board.set_parameters` takes of the recogniser's settings.

    Raises:
        SettingError: a threshold for each class, which a board takes from its model alone.
    """
    if len(set(settings.detection_threshold_list)) > 1:
        raise SettingError(
            "a board takes one threshold for all classes", "upload the model: its parameters hold a threshold for each"
        )
    values = {parameter.name: getattr(settings, parameter.name) for parameter in Parameter}
    if settings.detection_threshold_list:
        values["detection_threshold"] = settings.detection_threshold_list[0]
    return values
