"""How far back a `.tflite` hears that keeps its own state: by following, value by value, how old what it holds is.

The nets of microWakeWord keep rows in variables (`READ_VARIABLE`, concatenation, slice, `ASSIGN_VARIABLE`). A variable
that only shifts forgets; one that is made from itself in another way, as in recurrent layers, never does.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.tflite.model_file import check_ends, parse
from mltk_like.tflite.streaming.graph import Node

Ages = NDArray[np.int32]
"""Of each value of a tensor: how many inferences ago the oldest input came that it depends on; -1: it needs none."""

_NEVER = -1
_MOST_INFERENCES = 1000
_MOST_VALUES = 1 << 20  # of all tensors; the nets of microWakeWord have some ten thousand
_SAME_ORDER = ("reshape", "squeeze", "expand_dims")
_ONE_BY_ONE = ("add", "sub", "mul", "div", "maximum", "minimum")
# Their state lies in tensors of their own, and all but the last never forget.
_HIDDEN = ("unidirectional_sequence_lstm", "unidirectional_sequence_rnn", "lstm", "rnn", "while", "if", "svdf")


def inferences_heard(model: bytes) -> int:
    """Inferences in a row, the present one among them, whose inputs an output depends on: 1 for a net without state.

    Args:
        model: content of a `.tflite` file.

    Raises:
        ModelError: the file is damaged, or the state never forgets, or is kept in a way that cannot be followed.
    """
    tree = parse(model)
    check_ends(tree)
    try:
        return _heard(tree)
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the .tflite file is damaged: {error}", "make or download it again") from error


def keeps_variables(model: bytes) -> bool:
    """Whether a `.tflite` keeps a state in variables. Raises ModelError where the file is damaged."""
    tree = parse(model)
    return any(node.op == "var_handle" for node in _nodes(tree))


def _nodes(tree: Any) -> list[Node]:
    return [Node(tree, index) for index in range(len(tree.subgraphs[0].operators or []))]


def _heard(tree: Any) -> int:
    graph, nodes = tree.subgraphs[0], _nodes(tree)
    hidden = next((node.op for node in nodes if node.op in _HIDDEN), None)
    if hidden is not None:
        raise ModelError(f"the net keeps a state in a layer {hidden}", "nets whose state is in variables can be run")
    values = sum(math.prod(node.shape(number)) for node in nodes for number in node.outputs)
    if values > _MOST_VALUES:
        raise ModelError(
            f"the net's tensors have {values} values", f"{_MOST_VALUES} are the most of a net with a state"
        )
    names = {node.outputs[0]: _variable(node) for node in nodes if node.op == "var_handle"}
    state: dict[str, Ages] = {}
    for _ in range(_MOST_INFERENCES):
        ages: dict[int, Ages] = {int(n): _all(nodes[0].shape(int(n)), 0) for n in graph.inputs}
        after = dict(state)
        for node in nodes:
            _follow(node, ages, names, state, after)
        if state.keys() == after.keys() and all((state[name] == kept).all() for name, kept in after.items()):
            return 1 + max(int(ages[int(n)].max(initial=_NEVER)) for n in graph.outputs if int(n) in ages)
        state = after
    raise ModelError(
        f"the net's state remembers more than {_MOST_INFERENCES} inferences, or never forgets",
        "nets whose state only shifts can be run; a recurrent layer (GRU, LSTM) is none",
    )


def _variable(node: Node) -> str:
    name = node.options.sharedName
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _follow(
    node: Node, ages: dict[int, Ages], names: Mapping[int, str], state: Mapping[str, Ages], after: dict[str, Ages]
) -> None:
    """One operator: the ages of what it writes, into `ages` or, for a variable, `after`."""
    if node.op in ("call_once", "var_handle"):
        return
    if node.op == "assign_variable":
        after[names[node.inputs[0]]] = _of(node, node.inputs[1], ages)
        return
    if node.op == "read_variable":
        kept = state.get(names[node.inputs[0]], _all(node.shape(node.outputs[0]), _NEVER))
        ages[node.outputs[0]] = np.where(kept == _NEVER, _NEVER, kept + 1).astype(np.int32)
        return
    for number, found in zip(node.outputs, _RULES.get(node.op, _mixed)(node, ages), strict=True):
        ages[number] = np.broadcast_to(found, node.shape(number))


def _of(node: Node, number: int, ages: Mapping[int, Ages]) -> Ages:
    found = ages.get(number)
    return _all(node.shape(number), _NEVER) if found is None else found


def _all(shape: tuple[int, ...], age: int) -> Ages:
    if math.prod(shape) > _MOST_VALUES:
        raise ValueError(f"a tensor has {math.prod(shape)} values")
    return np.full(shape, age, np.int32)


def _mixed(node: Node, ages: Mapping[int, Ages]) -> Iterator[Ages]:
    """Every output value may depend on every input value."""
    oldest = max((int(ages[number].max(initial=_NEVER)) for number in node.inputs if number in ages), default=_NEVER)
    return (np.full((1,) * len(node.shape(number)), oldest, np.int32) for number in node.outputs)


def _same_order(node: Node, ages: Mapping[int, Ages]) -> Iterator[Ages]:
    yield _of(node, node.inputs[0], ages).reshape(node.shape(node.outputs[0]))


def _one_by_one(node: Node, ages: Mapping[int, Ages]) -> Iterator[Ages]:
    yield np.maximum(_of(node, node.inputs[0], ages), _of(node, node.inputs[1], ages))


def _joined(node: Node, ages: Mapping[int, Ages]) -> Iterator[Ages]:
    yield np.concatenate([_of(node, number, ages) for number in node.inputs], axis=node.options.axis)


def _slice(node: Node, ages: Mapping[int, Ages]) -> Iterator[Ages]:
    options, source = node.options, _of(node, node.inputs[0], ages)
    fixed = all(node.is_constant(number) for number in node.inputs[1:4])
    if not fixed or options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask:
        yield from _mixed(node, ages)
        return
    begin, end, step = (node.numbers(place).tolist() for place in (1, 2, 3))
    yield source[
        tuple(
            slice(
                None if options.beginMask >> axis & 1 else begin[axis],
                None if options.endMask >> axis & 1 else end[axis],
                step[axis],
            )
            for axis in range(len(begin))
        )
    ]


def _split(node: Node, ages: Mapping[int, Ages]) -> Iterator[Ages]:
    source, along = (0, 2) if node.op == "split_v" else (1, 0)
    axis = int(node.numbers(along)[0])
    sizes = [node.shape(number)[axis] for number in node.outputs]
    yield from np.split(_of(node, node.inputs[source], ages), np.cumsum(sizes)[:-1], axis=axis)


_RULES: Mapping[str, Callable[[Node, Mapping[int, Ages]], Iterator[Ages]]] = MappingProxyType(
    {
        **dict.fromkeys(_SAME_ORDER, _same_order),
        **dict.fromkeys(_ONE_BY_ONE, _one_by_one),
        "concatenation": _joined,
        "strided_slice": _slice,
        "split": _split,
        "split_v": _split,
    }
)
