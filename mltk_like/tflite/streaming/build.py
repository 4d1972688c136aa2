"""The new `.tflite`: each operator on the rows that are new, and variables for those that are to be seen again."""

import copy
from dataclasses import dataclass
from typing import Any

from mltk_like.errors import ModelError
from mltk_like.tflite.model_file import parse, serialise
from mltk_like.tflite.streaming.graph import Node
from mltk_like.tflite.streaming.plan import Plan, make_plan
from mltk_like.tflite.streaming.writer import Writer

_RESHAPES = ("reshape", "squeeze", "expand_dims")


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """A net that keeps its own state.

    Attributes:
        model: content of the `.tflite`; parameters and description are those of the net it was made from.
        rows: new rows that each inference takes.
        window_rows: rows after which the outputs are those of the net of whole windows.
        state_bytes: of the rows that it keeps from one inference to the next.
    """

    model: bytes
    rows: int
    window_rows: int
    state_bytes: int


def to_streaming(model: bytes) -> Streamed:
    """Turn a net of whole windows into one that takes the new rows alone, with the same outputs to the bit.

    The window's first dimension after the batch is time. Each inference of the new net takes as many rows as the
    product of the strides in time, and gives what the old one gives for the window that ends with them. Its state
    begins with zeros, so outputs count once a whole window has been heard.

    Args:
        model: content of a `.tflite` file, whoever made it.

    Raises:
        ModelError: the file is damaged, or a layer cannot be run row by row, which is named with the reason.
    """
    tree = parse(model)
    try:
        return _streamed(tree)
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # Of an operator with the options of another, or fewer inputs or dimensions than it needs.
        raise ModelError(f"the .tflite file is damaged: {error}", "make or download it again") from error


def _streamed(tree: Any) -> Streamed:
    plan = make_plan(tree)
    graph = tree.subgraphs[0]
    rebuild = _Rebuild(tree, plan)
    for number in graph.inputs:
        rebuild.begin(int(number))
    for node in plan.nodes:
        rebuild.add(node)
    rebuild.end([int(i) for i in graph.inputs], [int(i) for i in graph.outputs])
    window = plan.flows[int(graph.inputs[0])].time.rows
    return Streamed(model=serialise(tree), rows=plan.rows, window_rows=window, state_bytes=rebuild.writer.state_bytes)


class _Rebuild:
    """Writes a plan's operators one by one.

    `_fresh` has the new rows of each tensor over time; `_known` the rows that are there, kept ones first.
    """

    def __init__(self, tree: Any, plan: Plan) -> None:
        self.writer = Writer(tree)
        self._plan = plan
        self._fresh: dict[int, int] = {}
        self._known: dict[int, int] = {}
        self._shapes = {
            int(i): tuple(int(n) for n in tensor.shape) for i, tensor in enumerate(tree.subgraphs[0].tensors)
            if tensor.shape is not None
        }  # fmt: skip

    def begin(self, number: int) -> None:
        """The input, which comes as its new rows."""
        self._arrived(number, self.writer.named_like(number, self._shape(number, self._plan.flows[number].fresh)))

    def add(self, node: Node) -> None:
        """One operator."""
        rows = self._plan.range_of(node)
        if rows is None:
            same = self.writer.same
            self.writer.again(node.operator, [*map(same, node.inputs)], [*map(same, node.outputs)])
            return
        inputs = [self._rows(n, node, *rows) if n in self._plan.flows else n for n in node.inputs]
        if self._only_crops(node):
            self._arrived(node.outputs[0], inputs[0])
            return
        inputs = [
            made if n in self._plan.flows else self.writer.same(made)
            for n, made in zip(node.inputs, inputs, strict=True)
        ]
        outputs = [self._output(number) for number in node.outputs]
        if node.op in _RESHAPES:
            self.writer.reshape(inputs[0], outputs[0])
        elif node.op == "strided_slice":
            self._slice(node, inputs[0], outputs[0])
        else:
            self.writer.again(node.operator, inputs, outputs)
        for number, made in zip(node.outputs, outputs, strict=True):
            if number in self._plan.flows:
                self._arrived(number, made)

    def end(self, inputs: list[int], outputs: list[int]) -> None:
        """The ends of the graph. An output over time is given whole."""
        made = [self._known[n] if n in self._plan.flows else self.writer.same(n) for n in outputs]
        self.writer.finish([self._fresh[number] for number in inputs], made)

    def _output(self, number: int) -> int:
        flow = self._plan.flows.get(number)
        if flow is None:
            return self.writer.same(number)
        return self.writer.named_like(number, self._shape(number, flow.fresh))

    def _arrived(self, number: int, made: int) -> None:
        """The new rows of a tensor are there: put them behind the kept ones, and keep what is needed next time."""
        flow = self._plan.flows[number]
        self._fresh[number] = self._known[number] = made
        if flow.kept == 0:
            return
        axis, kept = flow.time.axis, self._shape(number, flow.kept)
        handle, old = self.writer.variable(number, kept)
        self._known[number] = self.writer.like(number, self._shape(number, flow.kept + flow.fresh))
        self.writer.concatenate([old, made], self._known[number], axis)
        newest = made
        if flow.kept != flow.fresh:
            newest = self.writer.like(number, kept)
            self.writer.take_rows(self._known[number], newest, axis, flow.fresh)
        self.writer.assign(handle, newest)

    def _rows(self, number: int, node: Node, first: int, last: int) -> int:
        """Rows of the window of a tensor; what slides over rows may be given newer ones too, and leaves them out."""
        flow = self._plan.flows[number]
        reads = self._plan.reads[node.index]
        end = flow.time.rows - 1 if reads is not None and reads.slides else last
        newest = flow.time.rows - flow.fresh
        if (first, end) == (newest, flow.time.rows - 1):
            return self._fresh[number]
        if (first, end) == (flow.oldest, flow.time.rows - 1):
            return self._known[number]
        made = self.writer.like(number, self._shape(number, end - first + 1))
        self.writer.take_rows(self._known[number], made, flow.time.axis, first - flow.oldest)
        return made

    def _only_crops(self, node: Node) -> bool:
        """Whether a slice takes rows of the window one after the other, which are at hand as they are."""
        reads = self._plan.reads[node.index]
        if node.op != "strided_slice" or reads is None or reads.stride != 1:
            return False
        before, after = (list(node.shape(n)) for n in (node.inputs[0], node.outputs[0]))
        before[reads.axis] = after[reads.axis] = 0
        return before == after

    def _slice(self, node: Node, source: int, output: int) -> None:
        """A slice of dimensions beside time, or of every so many rows."""
        flow = self._plan.flows[node.outputs[0]]
        axis, options = flow.time.axis, copy.copy(node.options)
        begin, end, step = ([int(n) for n in node.numbers(place)] for place in (1, 2, 3))
        begin[axis], end[axis] = 0, self.writer.shape(source)[axis]
        options.beginMask, options.endMask = (mask & ~(1 << axis) for mask in (options.beginMask, options.endMask))
        inputs = [source, *(self.writer.numbers(values) for values in (begin, end, step))]
        self.writer.again(node.operator, inputs, [output], options)

    def _shape(self, number: int, rows: int) -> tuple[int, ...]:
        shape = list(self._shapes[number])
        shape[self._plan.flows[number].time.axis] = rows
        return tuple(shape)
