"""What an export wrote, and the memory that it will take."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mltk_like.codegen import NetSource
from mltk_like.tflite import Agreement, format_units
from mltk_like.verbs.export.measured import MEASURED_ON, Linked

_MOST_NAMED = 40  # files
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
    linked: Linked | None = None
    page_bytes: int = 0

    @classmethod
    def of_net(cls, net: NetSource, files: Mapping[str, str | bytes], linked: Linked | None = None) -> "Written":
        """Files of a net that is C, with what it takes."""
        return cls(
            files=files,
            flash_bytes=net.constant_bytes,
            arena_bytes=max(net.arena_bytes.values()),
            operators=tuple(sorted(set(net.layers))),
            arenas=net.arena_bytes,
            state_bytes=net.state_bytes,
            linked=linked,
        )


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """Files that were written, and the memory that the model will take.

    Attributes:
        name: the model's name.
        format: one of `FORMATS`.
        files: in the order in which they were written.
        flash_bytes: of the model's array, of the constants of a net that is C, or of the tables of a net of few bits.
        arena_bytes: for "c-array", TFLM's tensor arena on this 64-bit machine, enough for any 32-bit one; for a net
            that is C, its own for the kernels that take most; None where TFLM is not installed.
        activations_bytes: for "c-array": the part of it for tensors, the same on any machine.
        operators: TFLM's kernels that the model needs; for "c", the layers' kinds.
        agreement: TFLM against LiteRT on random inputs; None for other formats, where TFLM is not installed, and for
            models that are not run one row at a time.
        arenas: where the net is C: bytes of the arena by the kernels that are compiled ("portable", "dsp", "mve").
        state_bytes: where the net is C: what a streaming net keeps from one inference to the next.
        linked: of a folder for a board: what front end, net and recogniser take together on a Cortex-M4; None where no
            compiler for it is there, and for other formats.
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
    linked: Linked | None = None
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
        lines = [f"{self.name} as {self.format}: {self._where()}"]
        lines += [f"flash, model (bytes):        {_bytes(self.flash_bytes)}"]
        if self.page_bytes:
            lines += [f"page (bytes):                {_bytes(self.page_bytes)}, to be opened in a browser"]
        if self.arena_bytes is not None and self.activations_bytes is not None:
            lines += [
                f"RAM, tensor arena (bytes):   {_bytes(self.arena_bytes)} at most",
                f"  of it for activations:     {_bytes(self.activations_bytes)}",
            ]
        elif self.arena_bytes is not None and not self.arenas:
            lines += [f"RAM, tensor arena (bytes):   {_bytes(self.arena_bytes)} at most"]
        for target, size in self.arenas.items():
            lines += [f"RAM, tensor arena (bytes):   {_bytes(size)} ({_CORES[target]})"]
        if self.state_bytes:
            lines += [f"RAM, kept state (bytes):     {_bytes(self.state_bytes)}"]
        if self.linked is not None:
            lines += [f"flash, linked (bytes):       {_bytes(self.linked.flash_bytes)} ({MEASURED_ON}, all of it)"]
            lines += [
                f"RAM, linked (bytes):         {_bytes(self.linked.ram_bytes)} ({MEASURED_ON}, without the stack)"
            ]
        if self.operators:
            lines += [f"operators: {', '.join(self.operators)}"]
        if self.agreement is not None:
            lines += [str(self.agreement)]
        return "\n".join(lines)

    def _where(self) -> str:
        """The files, or the folder where there are many."""
        if len(self.files) <= _MOST_NAMED:
            return ", ".join(map(str, self.files))
        return f"{len(self.files)} files in {os.path.commonpath(self.files)}"


def _bytes(count: int) -> str:
    return format_units(count, digits=1, separator="")
