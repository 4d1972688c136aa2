"""On which boards a model fits, and with what load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.errors import ModelError
from mltk_like.firmware import BOARDS, CORES, BoardFacts, Counts, count_model
from mltk_like.firmware.building import Progress
from mltk_like.model import Model
from mltk_like.verbs.profile.load import ESTIMATE, Span, cycles, load, percent
from mltk_like.verbs.profile.tables import csv_table, text_table
from mltk_like.verbs.shared.building import tflite_of

_STAND_IN = "cortex-m4"
"""Whose sizes stand for those of processors that nothing is compiled for: weights and memory are most of it."""
_KEYS = (
    "board", "chip", "processor", "clock_hz", "flash_bytes", "ram_bytes", "accelerator", "firmware_flash_bytes",
    "firmware_ram_bytes", "fits", "cpu_utilization_least", "cpu_utilization_most", "source",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class OnBoard:
    """A model on a board.

    Attributes:
        board: the board's facts.
        flash_bytes, ram_bytes: that the firmware takes.
        load: percent of its processor's time at its highest clock; None where that is not known.
    """

    board: BoardFacts
    flash_bytes: int
    ram_bytes: int
    load: Span | None

    @property
    def obstacle(self) -> str:
        """What of the board is too small: flash, RAM, clock; empty where it fits."""
        lacking = [
            name
            for name, lacks in (
                ("flash", self.flash_bytes > self.board.flash_bytes),
                ("RAM", self.ram_bytes > self.board.ram_bytes),
                ("clock", self.load is not None and self.load.least > 100),
            )
            if lacks
        ]
        return ", ".join(lacking)

    @property
    def fits(self) -> str:
        """`yes`, `no: RAM`, or `maybe: clock` where the load's range spans what the core has."""
        if self.obstacle:
            return f"no: {self.obstacle}"
        return "maybe: clock" if self.load is not None and self.load.most > 100 else "yes"


@dataclass(frozen=True, kw_only=True)
class BoardsProfile:
    """A model on all boards of the table, in its order."""

    name: str
    boards: tuple[OnBoard, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"name": self.name, "boards": [dict(zip(_KEYS, _values(one), strict=True)) for one in self.boards]}

    def to_csv(self) -> str:
        """A line for each board."""
        return csv_table(_KEYS, [_values(one) for one in self.boards])

    def __str__(self) -> str:
        header = ("Board", "Chip", "CPU", "Clock (hz)", "Flash", "RAM", "Accelerator", "Needs", "Fits", "CPU Util. (%)")
        rows = [_row(one) for one in self.boards]
        return "\n".join([f"Name: {self.name}", text_table(header, rows), "", ESTIMATE, _NOTES])


_NOTES = (
    "The firmware uses no accelerator. Needs: flash and RAM of the whole firmware for the processor, those of the "
    "Cortex-M4 where it is another than Arm's. Boards have other things to do: leave them some."
)


def profile_boards(
    model: Model | str | Path, *, build: bool = False, progress: Progress = lambda _: None
) -> BoardsProfile:
    """Count a model on every core that a board of the table has, and compare with what the boards have.

    Args:
        model: a specification, name, `.py`, run folder, archive or `.tflite`.
        build: use random weights in place of a trained model.
        progress: told of what takes long.

    Raises:
        ModelError: the model does not exist, has not been trained, cannot become C, or does not say what it hears.
        ToolError: CMake, the compiler for Arm or the emulator is not installed.
    """
    data, name = tflite_of(model, build=build)
    cores = dict.fromkeys(board.core for board in BOARDS if board.core)
    counts = {core: count_model(data, CORES[core], progress=progress) for core in cores}
    return BoardsProfile(name=name, boards=on_boards(counts))


def on_boards(counts: Mapping[str, Counts], boards: Sequence[BoardFacts] = BOARDS) -> tuple[OnBoard, ...]:
    """Counts by cores, compared with boards. Raises ModelError where there is no firmware for the model."""
    return tuple(_on_board(board, counts[board.core or _STAND_IN]) for board in boards)


def _on_board(board: BoardFacts, counts: Counts) -> OnBoard:
    if counts.flash_bytes is None or counts.ram_bytes is None or counts.second is None:
        raise ModelError(
            "this model does not say what it hears, so there is no firmware to compare with boards",
            "profile MODEL --target cortex-m4 counts the net alone",
        )
    found = load(cycles(counts.second, CORES[board.core]), board.clock_hz) if board.core else None
    return OnBoard(board=board, flash_bytes=counts.flash_bytes, ram_bytes=counts.ram_bytes, load=found)


def _values(one: OnBoard) -> tuple[Any, ...]:
    board = one.board
    ends = (None, None) if one.load is None else tuple(round(end, 2) for end in one.load)
    facts = (board.name, board.chip, board.processor, board.clock_hz, board.flash_bytes, board.ram_bytes)
    return (*facts, board.accelerator, one.flash_bytes, one.ram_bytes, one.fits, *ends, board.source)


def _row(one: OnBoard) -> tuple[str, ...]:
    board = one.board

    def kilo(size: int) -> str:
        return f"{size / 1024:.0f}K" if size < 10 * 2**20 else f"{size / 2**20:.0f}M"

    needs = f"{kilo(one.flash_bytes)}, {kilo(one.ram_bytes)}"
    used = "" if one.load is None else percent(one.load)
    memory = (kilo(board.flash_bytes), kilo(board.ram_bytes))
    return (
        board.name,
        board.chip,
        board.processor,
        f"{board.clock_hz / 1e6:.0f}M",
        *memory,
        board.accelerator,
        needs,
        one.fits,
        used,
    )
