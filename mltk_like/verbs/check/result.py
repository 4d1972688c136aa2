"""What a check found: engines beside each other, what the model costs, and what is wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mltk_like.evaluation.comparison import ComparedFigure
from mltk_like.tflite import Agreement, format_units
from mltk_like.verbs.check.float_loss import FloatLoss
from mltk_like.verbs.check.same_bytes import SameBytes

TOLERANCE = 0.05
"""Most of the windows on which the int8 net may decide otherwise than the float one."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one inference takes, and the memory.

    Attributes:
        ops: operations.
        macs: multiply-accumulates.
        flash_bytes: of the `.tflite`.
        constant_bytes: of the net as C; None where it cannot become C.
        arena_bytes: of the net as C, by the kernels that are compiled ("portable", "dsp", "mve"); likewise empty.
        tflm_arena_bytes: TFLM's whole arena on this 64-bit machine; None where TFLM is not there.
        tflm_activations_bytes: the part of it for tensors.
    """

    ops: int
    macs: int
    flash_bytes: int
    constant_bytes: int | None = None
    arena_bytes: Mapping[str, int] = field(default_factory=dict)
    tflm_arena_bytes: int | None = None
    tflm_activations_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The same inputs through every engine that there is.

    Attributes:
        name: the model's name.
        inputs: what they were run on, such as `96 windows that were kept with the model`.
        tolerance: most of the windows on which the int8 net may decide otherwise than the float one.
        float_loss: the Keras net beside LiteRT.
        engines: LiteRT beside TensorFlow Lite Micro.
        on_host: TensorFlow Lite Micro beside the net as C on this machine.
        on_chip: the net as C here and on the emulated chip.
        skipped: by what was to be compared, why it was not.
        errors: why the net as C could not be compiled or run, though it should.
        chip: the core that was emulated.
        judged: figures of the evaluations that are stored with the model, float and int8.
        cost: what it takes.
    """

    name: str
    inputs: str
    tolerance: float
    cost: Cost
    float_loss: FloatLoss | None = None
    engines: Agreement | None = None
    on_host: SameBytes | None = None
    on_chip: SameBytes | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    chip: str | None = None
    judged: tuple[ComparedFigure, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, a sentence each."""
        return tuple(self._problems())

    @property
    def passed(self) -> bool:
        """Whether nothing is."""
        return not self.problems

    @property
    def exit_code(self) -> int:
        """0, or 1 where something is wrong."""
        return 0 if self.passed else 1

    def with_judged(self, judged: tuple[ComparedFigure, ...]) -> "CheckResult":
        """The same with figures of evaluations."""
        return replace(self, judged=judged)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        plain = asdict(self)
        if self.engines is not None:
            plain["engines"] = self.engines.to_dict()
        plain["rows"] = self.rows
        plain["judged"] = [{"name": one.name, "float": one.first, "int8": one.second} for one in self.judged]
        return {**plain, "passed": self.passed, "problems": list(self.problems)}

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Everything that was found, as a table: what, and how it is."""
        return [*self._engines(), *self._costs(), *((one.name, _both(one)) for one in self.judged)]

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.rows)
        lines = [f"{self.name}, on {self.inputs}", *(f"  {name.ljust(width)}  {text}" for name, text in self.rows)]
        return "\n".join([*lines, *(f"CHECK FAILED: {problem}" for problem in self.problems)])

    def _problems(self) -> Iterator[str]:
        if self.float_loss is not None and self.float_loss.share > self.tolerance:
            yield (
                f"the int8 model decides otherwise than the float one on {100 * self.float_loss.share:.1f} % of the "
                f"windows, more than {100 * self.tolerance:g} %"
            )
        if self.engines is not None and not self.engines.agrees:
            yield self.engines.problem
        yield from self.errors
        if self.on_host is not None and self.on_host.differ:
            yield f"the net as C gives other bytes than TensorFlow Lite Micro: {self.on_host}"
        if self.on_chip is not None and self.on_chip.differ:
            yield f"the net as C gives other bytes on {self.chip} than here: {self.on_chip}"

    def _engines(self) -> Iterator[tuple[str, str]]:
        found: dict[str, Any] = {
            "float and LiteRT": self.float_loss,
            "LiteRT and TFLM": None if self.engines is None else self.engines.figures,
            "TFLM and C here": self.on_host,
            f"C here and on {self.chip}": self.on_chip,
        }
        for name, one in found.items():
            if one is not None:
                yield name, str(one)
        for name, why in self.skipped.items():
            yield name, f"not compared: {why}"

    def _costs(self) -> Iterator[tuple[str, str]]:
        cost = self.cost
        yield "operations", f"{format_units(cost.ops)}, of them {format_units(cost.macs)} multiply-accumulates"
        yield (
            "flash",
            f"{cost.flash_bytes:,} bytes as a .tflite"
            + ("" if cost.constant_bytes is None else f", {cost.constant_bytes:,} bytes of constants as C"),
        )
        arenas = [f"{size:,} bytes as C ({name})" for name, size in cost.arena_bytes.items()]
        if cost.tflm_arena_bytes is not None:
            tensors = "" if cost.tflm_activations_bytes is None else f", {cost.tflm_activations_bytes:,} for tensors"
            arenas.append(f"{cost.tflm_arena_bytes:,} bytes on TFLM here{tensors}")
        if arenas:
            yield "arena", ", ".join(arenas)


def _both(one: ComparedFigure) -> str:
    return f"{_number(one.first)} float, {_number(one.second)} int8"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}"
