"""Instructions of each layer, and of all that a listening firmware does, on an emulated core."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.firmware import Core, Counts, core_of, count_model
from mltk_like.firmware.building import Progress
from mltk_like.model import Model
from mltk_like.tflite import ModelSummary, format_units, summarize_tflite
from mltk_like.verbs.profile.load import ESTIMATE, Span, cycles, load, parse_clock, percent, seconds
from mltk_like.verbs.profile.tables import csv_table, text_table
from mltk_like.verbs.shared.building import tflite_of

_MOST_PERCENT = 100.0


@dataclass(frozen=True, kw_only=True)
class TargetProfile:
    """A model on a core.

    Attributes:
        summary: the model's layers and operations.
        core: where it was counted.
        counts: instructions, flash and RAM.
        clock_hz: at which time and load are told; None: they are not.
    """

    summary: ModelSummary
    core: Core
    counts: Counts
    clock_hz: float | None = None

    @property
    def cycles(self) -> Span:
        """Of an inference."""
        return cycles(self.counts.net.inference, self.core)

    @property
    def cycles_a_second(self) -> Span | None:
        """Of a second of audio; None where it is not known what the model hears."""
        return None if self.counts.second is None else cycles(self.counts.second, self.core)

    @property
    def load(self) -> Span | None:
        """Percent of the core's time at the clock; None without one, or without what the model hears."""
        second = self.cycles_a_second
        return None if second is None or self.clock_hz is None else load(second, self.clock_hz)

    def to_dict(self) -> dict[str, Any]:
        """JSON values. Ranges have two ends, the least first."""
        found, sound = self.counts, self.counts.sound
        return {
            "name": self.summary.name,
            "target": self.core.name,
            "machine": self.core.machine,
            "compiler": found.compiler,
            "macs": self.summary.macs,
            "ops": self.summary.ops,
            "instructions": found.net.inference,
            "instructions_a_second": found.second,
            "cycles_per_instruction": list(self.core.cycles),
            "cycles": [round(end) for end in self.cycles],
            "cycles_a_second": None if self.cycles_a_second is None else [round(end) for end in self.cycles_a_second],
            "clock_hz": self.clock_hz,
            "cpu_utilization": None if self.load is None else [round(end, 2) for end in self.load],
            "time_s": None if self.clock_hz is None else [end / self.clock_hz for end in self.cycles],
            "flash_bytes": found.flash_bytes,
            "ram_bytes": found.ram_bytes,
            "sound": None if sound is None else {**found.to_dict()["sound"], "rest": sound.rest},
            "stack_bytes": found.net.stack_bytes,
            "layers": [dict(zip(_KEYS, row, strict=True)) for row in self._layers()],
        }

    def to_csv(self) -> str:
        """The layers as comma-separated values."""
        return csv_table(_KEYS, self._layers())

    def _layers(self) -> list[tuple[Any, ...]]:
        return [
            (
                layer.index,
                layer.opcode,
                layer.ops,
                layer.macs,
                instructions,
                *(round(end) for end in cycles(instructions, self.core)),
                *((end / self.clock_hz if self.clock_hz else None) for end in cycles(instructions, self.core)),
                ",".join(tensor.shape_text for tensor in layer.inputs),
                ",".join(tensor.shape_text for tensor in layer.outputs),
                layer.config,
            )
            for layer, instructions in zip(self.summary.layers, self.counts.net.layers, strict=True)
        ]

    def __str__(self) -> str:
        lines = [f"{name}: {value}" for name, value in (*_net_rows(self), *_firmware_rows(self))]
        parts = ["Profiling Summary", *lines]
        if self.counts.sound is not None:
            parts += ["", "A second of audio", _second_table(self)]
        return "\n".join([*parts, "", "Model Layers", _layer_table(self), "", ESTIMATE])


def profile_target(
    model: Model | str | Path,
    target: str,
    *,
    clock: str | float | None = None,
    build: bool = False,
    progress: Progress = lambda _: None,
) -> TargetProfile:
    """Count a model's instructions on an emulated core.

    Args:
        model: a specification, name, `.py`, run folder, archive or `.tflite`.
        target: a core, as `cortex-m4` or `m4`.
        clock: of the core, in Hz or as `78MHz`, for time and load.
        build: use random weights in place of a trained model.
        progress: told of what takes long.

    Raises:
        SettingError: the core or the clock is none.
        ModelError: the model does not exist, has not been trained, or cannot become C.
        ToolError: CMake, the compiler for Arm or the emulator is not installed.
    """
    core = core_of(target)
    clock_hz = None if clock is None else parse_clock(str(clock))
    data, name = tflite_of(model, build=build)
    counts = count_model(data, core, progress=progress)
    return TargetProfile(summary=summarize_tflite(data, name=name), core=core, counts=counts, clock_hz=clock_hz)


_KEYS = (
    "index", "opcode", "ops", "macs", "instructions", "cycles_least", "cycles_most", "time_s_least", "time_s_most",
    "input_shape", "output_shape", "options",
)  # fmt: skip


def _units(value: float) -> str:
    return format_units(value, digits=1, separator="")


def _net_rows(found: TargetProfile) -> list[tuple[str, str]]:
    summary, net = found.summary, found.counts.net
    rows = [
        ("Name", summary.name),
        ("Target", f"{found.core.name}, emulated by QEMU as {found.core.machine}; GCC {found.counts.compiler}"),
        ("Input", ", ".join(map(str, summary.inputs))),
        ("Output", ", ".join(map(str, summary.outputs))),
        ("Operation Count", _units(summary.ops)),
        ("Multiply-Accumulate Count", _units(summary.macs)),
        ("Layer Count", str(len(summary.layers))),
        ("Instruction Count", format_units(net.inference, digits=2, separator="")),
    ]
    if summary.macs:
        rows.append(("Instructions per MAC", f"{net.inference / summary.macs:.2f}"))
    rows.append(("CPU Cycle Count", found.cycles.text()))
    if found.clock_hz is not None:
        time = found.cycles.times(1 / found.clock_hz)
        rows += [
            ("Clock Rate (hz)", _units(found.clock_hz)),
            ("Time (s)", seconds(time)),
            ("Inference/s", " .. ".join(f"{1 / end:.1f}" for end in reversed(time))),
        ]
    return rows


def _firmware_rows(found: TargetProfile) -> list[tuple[str, str]]:
    counts, second = found.counts, found.cycles_a_second
    if second is None:
        return [("Firmware", "none: the model does not say what it hears, so only the net was counted")]
    rows = []
    if counts.flash_bytes is not None and counts.ram_bytes is not None:
        rows += [
            ("Flash, whole firmware (bytes)", _units(counts.flash_bytes)),
            ("RAM, whole firmware (bytes)", _units(counts.ram_bytes)),
        ]
    rows.append(("Clock that it needs (hz)", second.text()))
    if found.load is not None:
        too_much = "" if found.load.most < _MOST_PERCENT else ": more than the core has"
        rows.append(("CPU Utilization (%)", percent(found.load) + too_much))
    return rows


def _second_table(found: TargetProfile) -> str:
    sound, net = found.counts.sound, found.counts.net
    assert sound is not None
    whole = found.counts.second or 1
    parts = [
        ("front end, a hop", sound.hops_a_second, sound.hop),
        ("window for the net", sound.windows_a_second, sound.window),
        ("net, an inference", sound.inferences_a_second, net.inference),
        ("recogniser and the rest", None, sound.rest),
        ("all", None, whole),
    ]
    rows = []
    for name, times, instructions in parts:
        second = instructions * (1.0 if times is None else times)
        once = ("", "") if times is None else (_units(instructions), f"{times:.4g}")
        rows.append((name, *once, _units(second), f"{100 * second / whole:.1f} %", cycles(second, found.core).text()))
    return text_table(("Part", "Instructions", "Times", "Instructions/s", "Share", "CPU Cycles/s"), rows)


def _layer_table(found: TargetProfile) -> str:
    whole = sum(found.counts.net.layers) or 1
    timed = found.clock_hz is not None
    header: tuple[str, ...] = ("Index", "OpCode", "# Ops", "# MACs", "Instructions", "Share", "CPU Cycles")
    header += ("Time (s)",) if timed else ()
    rows = []
    for layer, instructions in zip(found.summary.layers, found.counts.net.layers, strict=True):
        span = cycles(instructions, found.core)
        row: tuple[str, ...] = (
            str(layer.index),
            layer.opcode,
            _units(layer.ops),
            _units(layer.macs),
            _units(instructions),
        )
        row += (f"{100 * instructions / whole:.1f} %", span.text())
        if found.clock_hz is not None:
            row += (seconds(span.times(1 / found.clock_hz)),)
        shapes = (",".join(tensor.shape_text for tensor in tensors) for tensors in (layer.inputs, layer.outputs))
        rows.append((*row, *shapes, layer.config))
    return text_table((*header, "Input Shape", "Output Shape", "Options"), rows)
