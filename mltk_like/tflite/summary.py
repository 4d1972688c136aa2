"""What a `.tflite` file is made of: layers, cost, parameters. Read from the file alone, nothing is run."""

from dataclasses import asdict, dataclass
from typing import Any

from mltk_like.errors import ModelError
from mltk_like.tflite.dictionary import Value
from mltk_like.tflite.layers import LayerSummary, TensorSummary, read_layer, read_tensor
from mltk_like.tflite.model_file import parse
from mltk_like.tflite.parameters import description_of, parameters_of
from mltk_like.tflite.units import format_units

# Parameters that the page shows under a title of their own.
_TITLED = ("name", "version", "classes", "runtime_memory_size")


@dataclass(frozen=True, kw_only=True)
class ModelSummary:
    """A `.tflite` file at a glance; `str()` gives it as a page with a table of the layers.

    Attributes:
        name: name given by the caller, else the one in the parameters.
        version: version in the parameters, None when there is none.
        description: the model's own description.
        classes: names of the classes, in the order of the outputs.
        layers: operators of the main graph, in order of execution.
        macs: multiply-accumulates per inference.
        ops: operations per inference, fused activations included (the count of a profiling report).
        ops_without_activations: the same without those (the count that the page shows).
        arena_bytes: working memory that a microcontroller needs, as stored with the model; None when it is not.
        flash_bytes: size of the file.
        inputs: the model's inputs.
        outputs: the model's outputs.
        parameters: every stored parameter.
    """

    name: str
    version: int | None
    description: str
    classes: tuple[str, ...]
    layers: tuple[LayerSummary, ...]
    macs: int
    ops: int
    ops_without_activations: int
    arena_bytes: int | None
    flash_bytes: int
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]
    parameters: dict[str, Value]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; bytes parameters become hexadecimal text."""
        plain = asdict(self)
        plain["parameters"] = {
            name: value.hex() if isinstance(value, bytes) else value for name, value in self.parameters.items()
        }
        return plain

    def __str__(self) -> str:
        return "\n".join([_layer_table(self.layers), *_summary_lines(self)])


def summarize_tflite(model: bytes, *, name: str = "") -> ModelSummary:
    """Summarise a `.tflite` file.

    Args:
        model: content of the file; any model, ours or not.
        name: shown as the model's name; empty means the name in its parameters.

    Raises:
        ModelError: the file or its parameters are damaged.
    """
    tree = parse(model)
    graph = tree.subgraphs[0]
    layers = tuple(read_layer(tree, graph, index) for index in range(len(graph.operators or [])))
    parameters = parameters_of(tree)
    version, classes = parameters.get("version"), parameters.get("classes")
    arena_bytes = parameters.get("runtime_memory_size")
    ops = sum(layer.ops for layer in layers)
    return ModelSummary(
        name=name or str(parameters.get("name", "")),
        version=version if isinstance(version, int) else None,
        description=description_of(tree),
        classes=tuple(map(str, classes)) if isinstance(classes, list) else (),
        layers=layers,
        macs=sum(layer.macs for layer in layers),
        ops=ops,
        ops_without_activations=ops - sum(layer.activation_ops for layer in layers),
        arena_bytes=arena_bytes if isinstance(arena_bytes, int) else None,
        flash_bytes=len(model),
        inputs=_ends(graph, graph.inputs),
        outputs=_ends(graph, graph.outputs),
        parameters=parameters,
    )


def _ends(graph: Any, indices: Any) -> tuple[TensorSummary, ...]:
    if indices is None:
        return ()
    if not all(0 <= i < len(graph.tensors or []) for i in indices):
        raise ModelError("the .tflite file is damaged: index out of range", "make or download it again")
    return tuple(read_tensor(graph.tensors[i]) for i in indices)


def _layer_table(layers: tuple[LayerSummary, ...]) -> str:
    rows = [[["Index"], ["OpCode"], ["Input(s)"], ["Output(s)"], ["Config"]]]
    rows += [
        [[str(layer.index)], [layer.opcode], [*map(str, layer.inputs)], [*map(str, layer.outputs)], [layer.config]]
        for layer in layers
    ]
    widths = [max(len(line) for row in rows for line in (*row[column], "")) for column in range(5)]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    text = [_table_row(row, widths) for row in rows]
    return "\n".join([rule, text[0], rule, *text[1:], *([rule] if layers else [])])


def _table_row(cells: list[list[str]], widths: list[int]) -> str:
    """A row as high as its highest cell; the other cells are filled with blanks below."""
    lines = []
    for k in range(max(1, *map(len, cells))):
        texts = [cell[k] if k < len(cell) else "" for cell in cells]
        lines.append("| " + " | ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)) + " |")
    return "\n".join(lines)


def _summary_lines(summary: ModelSummary) -> list[str]:
    memory = "unknown" if summary.arena_bytes is None else format_units(summary.arena_bytes)
    lines = [
        f"Total MACs: {format_units(summary.macs)}",
        f"Total OPs: {format_units(summary.ops_without_activations)}",
        f"Name: {summary.name}",
        f"Version: {'unknown' if summary.version is None else summary.version}",
        f"Description: {summary.description}",
        f"Classes: {', '.join(summary.classes)}",
        f"Runtime memory size (RAM): {memory}",
    ]
    lines += [f"{name}: {_show(value)}" for name, value in summary.parameters.items() if name not in _TITLED]
    return [*lines, f".tflite file size: {format_units(summary.flash_bytes, digits=1, separator='')}B"]


def _show(value: Value) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
