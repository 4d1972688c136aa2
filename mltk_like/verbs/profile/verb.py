"""Time, operations and memory of each layer, on TensorFlow Lite Micro."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mltk_like.errors import ModelError
from mltk_like.model import Model
from mltk_like.tflite import ModelSummary, Waiting, format_units, run_tflm, summarize_tflite
from mltk_like.verbs.profile.tables import text_table
from mltk_like.verbs.shared.building import tflite_of

_REPEATS_S = 20.0
_FEW = 5


@dataclass(frozen=True, kw_only=True)
class LayerProfile:
    """One operator: index, name, operations, multiply-accumulates, fastest time in microseconds, shapes, options."""

    index: int
    opcode: str
    ops: int
    macs: int
    time_us: float
    input_shape: str
    output_shape: str
    options: str


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A model measured on the TensorFlow Lite Micro runner of this machine.

    Attributes:
        name: the model's name.
        input, output: shape and type.
        flash_bytes: size of the `.tflite`.
        arena_bytes: tensor arena used on this 64-bit host; proved by a second run with exactly this much.
        activations_bytes: the part of it that a microcontroller needs for activations, the same on every machine.
        ops, macs: counts of one inference, fused activations included.
        time_us: fastest inference.
        layers: each operator.
        engine: what ran, with its version.
        verified: the engine is the build whose interface was checked by hand.
        repeat: inferences that were timed; 0 where an older version did not note it.
    """

    name: str
    input: str
    output: str
    flash_bytes: int
    arena_bytes: int
    activations_bytes: int
    ops: int
    macs: int
    time_us: float
    layers: tuple[LayerProfile, ...]
    engine: str
    verified: bool
    repeat: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join([*_summary_lines(self), "", "Model layers", _table(self.layers)])


def profile(model: Model | str | Path, *, build: bool = False, repeat: int = 20, progress: bool = False) -> Profile:
    """Run a model on TensorFlow Lite Micro, in a process of its own, and time every layer.

    Times are those of this machine with TFLM's reference kernels: they rank the layers.

    Args:
        model: a specification, name, `.py`, run folder, archive or `.tflite`.
        build: use random weights in place of a trained model; needs no training and no data.
        repeat: inferences; the fastest counts. Of a model with which they would take more than 20 s there are fewer.
        progress: show how many inferences are done, where it takes long.

    Raises:
        ModelError: the model does not exist, has not been trained, or TFLM cannot run it.
        ToolError: TensorFlow Lite Micro is not there for this platform.
    """
    data, name = tflite_of(model, build=build)
    return profile_tflite(data, name, repeat=repeat, progress=progress)


def profile_tflite(data: bytes, name: str, *, repeat: int = 20, progress: bool = False) -> Profile:
    """Profile the content of a `.tflite` file. Raises as `profile` does."""
    summary = summarize_tflite(data, name=name)
    with _shown(progress) as waiting:
        result = run_tflm(data, profile=True, repeat=repeat, repeat_s=_REPEATS_S, waiting=waiting)
    if len(result.layers) != len(summary.layers):
        raise ModelError(f"TFLM ran {len(result.layers)} layers of {len(summary.layers)}", "please report this model")
    layers = tuple(
        LayerProfile(
            index=layer.index,
            opcode=layer.opcode,
            ops=layer.ops,
            macs=layer.macs,
            time_us=timed.time_us,
            input_shape=",".join(tensor.shape_text for tensor in layer.inputs),
            output_shape=",".join(tensor.shape_text for tensor in layer.outputs),
            options=layer.config,
        )
        for layer, timed in zip(summary.layers, result.layers, strict=True)
    )
    return Profile(
        name=name,
        input=_ends(summary, "inputs"),
        output=_ends(summary, "outputs"),
        flash_bytes=summary.flash_bytes,
        arena_bytes=result.arena_bytes,
        activations_bytes=result.activations_bytes,
        ops=summary.ops,
        macs=summary.macs,
        time_us=result.inference_min_us,
        layers=layers,
        engine=f"TensorFlow Lite Micro {result.version}, reference kernels on this machine",
        verified=result.verified,
        repeat=result.repeat,
    )


@contextmanager
def _shown(progress: bool) -> Iterator[Waiting]:
    """Shows how many inferences are done. How many there will be follows from the time of the first."""
    from tqdm.auto import tqdm

    form = "{desc}: {elapsed}, inferences done: {n_fmt}"
    # Of a quick model nothing is seen: the first call comes after a second.
    with tqdm(desc="profile", disable=not progress, leave=False, delay=1, bar_format=form) as bar:

        def waiting(done: int) -> None:
            bar.n = done
            bar.refresh()

        yield waiting


def _ends(summary: ModelSummary, which: str) -> str:
    return ", ".join(str(tensor) for tensor in getattr(summary, which))


def _summary_lines(result: Profile) -> list[str]:
    seconds = result.time_us / 1e6
    rows = [
        ("Name", result.name),
        ("Engine", result.engine + ("" if result.verified else " (unverified build)")),
        ("Input", result.input),
        ("Output", result.output),
        ("Flash, model file size (bytes)", format_units(result.flash_bytes, digits=1, separator="")),
        ("RAM, tensor arena (bytes)", format_units(result.arena_bytes, digits=1, separator="")),
        ("RAM, activations in it (bytes)", format_units(result.activations_bytes, digits=1, separator="")),
        ("Operation count", format_units(result.ops, digits=1, separator="")),
        ("Multiply-accumulate count", format_units(result.macs, digits=3, separator="")),
        ("Layer count", str(len(result.layers))),
        ("Time (ms)", f"{result.time_us / 1000:.3f}" + _of(result.repeat)),
        ("Ops/s", format_units(result.ops / seconds, digits=1, separator="")),
        ("MACs/s", format_units(result.macs / seconds, digits=1, separator="")),
        ("Inferences/s", format_units(1 / seconds, digits=1, separator="")),
    ]
    return ["Profiling summary", *(f"{name}: {value}" for name, value in rows)]


def _of(repeat: int) -> str:
    """How many inferences were timed, where they are so few that it matters."""
    return f" (the fastest of {repeat})" if 1 < repeat < _FEW else " (one inference)" if repeat == 1 else ""


def _table(layers: tuple[LayerProfile, ...]) -> str:
    """Index, operator, counts, time and its share, shapes, options."""
    total = sum(layer.time_us for layer in layers) or 1.0
    header = ("Index", "OpCode", "# Ops", "# MACs", "Time (us)", "Share", "Input shape", "Output shape", "Options")
    rows = [
        (
            str(layer.index),
            layer.opcode,
            format_units(layer.ops, digits=1, separator=""),
            format_units(layer.macs, digits=1, separator=""),
            f"{layer.time_us:.1f}",
            f"{100 * layer.time_us / total:.1f} %",
            layer.input_shape,
            layer.output_shape,
            layer.options,
        )
        for layer in layers
    ]
    return text_table(header, rows)
