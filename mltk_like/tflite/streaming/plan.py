"""Which rows of each tensor are new at each step, and which of the old ones must be kept for it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mltk_like.errors import ModelError
from mltk_like.tflite.streaming.graph import Node, Timeline, nodes
from mltk_like.tflite.streaming.rules import Reads, rule_of


@dataclass(frozen=True)
class Flow:
    """A tensor over time, in a stream.

    Attributes:
        time: of the tensor, in the graph of whole windows.
        fresh: rows that are computed at each step, the newest of the window.
        kept: rows before those that a later step needs again.
    """

    time: Timeline
    fresh: int
    kept: int

    @property
    def oldest(self) -> int:
        """The first row of the window that is there: kept or new."""
        return self.time.rows - self.fresh - self.kept


@dataclass(frozen=True)
class Plan:
    """A net, row by row.

    Attributes:
        rows: of the input, new at each step: the product of the strides in time.
        nodes: the operators, in order.
        reads: how each of them that has rows goes along them, None where it needs all; others are not in it.
        flows: of each tensor that has time.
    """

    rows: int
    nodes: tuple[Node, ...]
    reads: Mapping[int, Reads | None]
    flows: Mapping[int, Flow]

    def range_of(self, node: Node) -> tuple[int, int] | None:
        """First and last row of the window that an operator reads at a step; None: it reads no rows."""
        if node.index not in self.reads:
            return None
        reads = self.reads[node.index]
        if reads is None:
            return 0, self._rows_read(node) - 1
        out = self.flows[node.outputs[0]]
        first = reads.first + (out.time.rows - out.fresh) * reads.stride
        return first, reads.first + (out.time.rows - 1) * reads.stride + reads.span - 1

    def _rows_read(self, node: Node) -> int:
        return next(self.flows[number].time.rows for number in node.inputs if number in self.flows)


def make_plan(tree: Any) -> Plan:
    """How the net of a parsed model is run row by row.

    Raises:
        ModelError: it cannot be, and which layer is in the way.
    """
    found = nodes(tree)
    graph = tree.subgraphs[0]
    if len(graph.inputs) != 1:
        raise ModelError(f"the model has {len(graph.inputs)} inputs", "one is needed to run it row by row")
    times = {int(graph.inputs[0]): _of_input(graph)}
    reads: dict[int, Reads | None] = {}
    for node in found:
        _follow(node, times, reads)
    rows = math.lcm(*(time.stride for time in times.values()))
    window = times[int(graph.inputs[0])].rows
    if rows == window or all(one is None for one in reads.values()):
        raise ModelError("the net has no layer that keeps rows for later", "a stream saves nothing: run it as it is")
    if window % rows:
        raise ModelError(
            f"a window of {window} rows is no multiple of the {rows} that the net would take at a time",
            f"build the net for {window - window % rows} rows, or for {window + rows - window % rows}",
        )
    return _with_kept(Plan(rows, found, reads, _fresh(times, rows)), {int(i) for i in graph.outputs})


def _of_input(graph: Any) -> Timeline:
    tensor = graph.tensors[int(graph.inputs[0])]
    shape = () if tensor.shape is None else tuple(int(n) for n in tensor.shape)
    if len(shape) < 3 or shape[0] != 1 or shape[1] < 2:
        raise ModelError(
            f"the net takes {'x'.join(map(str, shape))}, which has no rows of time",
            "give it the shape (1, time, ...): the batch, then the rows of the window",
        )
    return Timeline(axis=1, rows=shape[1], stride=1)


def _follow(node: Node, times: dict[int, Timeline], reads: dict[int, Reads | None]) -> None:
    """Note how an operator reads rows, and the timelines of what it writes."""
    over_time = [number for number in node.inputs if number in times]
    if not over_time:
        return
    reads[node.index] = found = rule_of(node, times)
    of_window = [n for n in node.inputs if n >= 0 and n not in times and not node.is_constant(n)]
    if of_window:
        node.refuse(
            "puts what was made of the whole window to each row",
            "means over the whole window, as in squeeze-and-excitation, must come last",
        )
    if found is None:
        return
    for number in node.outputs:
        rows = node.shape(number)[found.axis]
        times[number] = Timeline(found.axis, rows, times[over_time[0]].stride * found.stride)


def _fresh(times: Mapping[int, Timeline], rows: int) -> dict[int, Flow]:
    return {number: Flow(time, min(rows // time.stride, time.rows), 0) for number, time in times.items()}


def _with_kept(plan: Plan, outputs: set[int]) -> Plan:
    """The plan with what must be kept: from the oldest row that anything reads."""
    oldest = {number: flow.time.rows - flow.fresh for number, flow in plan.flows.items()}
    for node in plan.nodes:
        found = plan.range_of(node)
        if found is None:
            continue
        for number in node.inputs:
            if number in oldest:
                oldest[number] = min(oldest[number], found[0])
    oldest |= dict.fromkeys(outputs & set(oldest), 0)
    flows = {
        number: Flow(flow.time, flow.fresh, flow.time.rows - flow.fresh - oldest[number])
        for number, flow in plan.flows.items()
    }
    return Plan(plan.rows, plan.nodes, plan.reads, flows)
