"""What an export wrote, and the memory that it will take."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mltk_like.tflite import Agreement, format_units

_CORES = {"portable": "portable C", "dsp": "Cortex-M4, M7, M33", "mve": "Cortex-M55"}


@dataclass(frozen=True, kw_only=True)
class Written:
    """Content of files by name, and what they will take; see `ExportResult`."""

    files: Mapping[str, str | bytes]
    flash_bytes: int
    arena_bytes: int | None = None
    activations_bytes: int | None = None
    operators: tuple[str, ...] = ()
    agreement: Agreement | None = None
    arenas: Mapping[str, int] = field(default_factory=dict)
    state_bytes: int = 0
    page_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """Files that were written, and the memory that the model will take.

    Attributes:
        name: the model's name.
        format: one of `FORMATS`.
        files: in the order in which they were written.
        flash_bytes: of the model's array, of the constants of a net that is C, or of the tables of a net of few bits.
        arena_bytes: for "c-array", TFLM's tensor arena on this 64-bit machine, enough for any 32-bit one; for "c" and
            "cmake", the net's own for the kernels that take most; None where TFLM is not installed.
        activations_bytes: for "c-array": the part of it for tensors, the same on any machine.
        operators: TFLM's kernels that the model needs; for "c", the layers' kinds.
        agreement: TFLM against LiteRT on random inputs; None for other formats, where TFLM is not installed, and for
            models that are not run one row at a time.
        arenas: for "c": bytes of the arena by the kernels that are compiled ("portable", "dsp", "mve").
        state_bytes: for "c": what a streaming net keeps from one inference to the next.
        page_bytes: for "web": the size of the page; `flash_bytes` is that of the `.tflite`.
    """

    name: str
    format: str
    files: tuple[Path, ...]
    flash_bytes: int
    arena_bytes: int | None
    activations_bytes: int | None
    operators: tuple[str, ...]
    agreement: Agreement | None = None
    arenas: Mapping[str, int] = field(default_factory=dict)
    state_bytes: int = 0
    page_bytes: int = 0

    @property
    def exit_code(self) -> int:
        """0, or 1 where a microcontroller says something else than LiteRT."""
        return 0 if self.agreement is None or self.agreement.agrees else 1

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        agreement = self.agreement.to_dict() if self.agreement else None
        return {**asdict(self), "files": [str(path) for path in self.files], "agreement": agreement}

    def __str__(self) -> str:
        lines = [f"{self.name} as {self.format}: {', '.join(map(str, self.files))}"]
        lines += [f"flash, model (bytes):        {_bytes(self.flash_bytes)}"]
        if self.page_bytes:
            lines += [f"page (bytes):                {_bytes(self.page_bytes)}, to be opened in a browser"]
        if self.arena_bytes is not None and self.activations_bytes is not None:
            lines += [
                f"RAM, tensor arena (bytes):   {_bytes(self.arena_bytes)} at most",
                f"  of it for activations:     {_bytes(self.activations_bytes)}",
            ]
        for target, size in self.arenas.items():
            lines += [f"RAM, tensor arena (bytes):   {_bytes(size)} ({_CORES[target]})"]
        if self.state_bytes:
            lines += [f"RAM, kept state (bytes):     {_bytes(self.state_bytes)}"]
        if self.operators:
            lines += [f"operators: {', '.join(self.operators)}"]
        if self.agreement is not None:
            lines += [str(self.agreement)]
        return "\n".join(lines)


def _bytes(count: int) -> str:
    return format_units(count, digits=1, separator="")
