"""What TensorFlow Lite Micro (TFLM) puts into the tensors inside of a model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.tflite.model_file import check_ends, parse, serialise
from mltk_like.tflite.runner import run_tflm

_ARENA = 2**26  # bytes; roomy: what the model needs is asked elsewhere


def run_tflm_inside(model: bytes, inputs: NDArray[Any], tensors: Sequence[int]) -> Mapping[int, NDArray[Any]]:
    """What TFLM puts into tensors, (n, values) by number: they are made outputs of the model, so one run gives all.

    Args:
        model: content of a `.tflite` file.
        inputs: (n, *input shape without batch), in order; streaming models keep their state from row to row.
        tensors: numbers of tensors that operators write, of one dimension or more.

    Raises:
        DataError: inputs of another shape or type than the model's.
        ModelError: as `run_tflm`.
        ToolError: TFLM is not there for this platform.
    """
    tree = parse(model)
    check_ends(tree)
    graph = tree.subgraphs[0]
    first = int(graph.outputs[0])
    more = [int(one) for one in dict.fromkeys(tensors) if one != first]
    graph.outputs = [first, *more]
    result = run_tflm(serialise(tree), inputs, profile=False, repeat=1, arena_bytes=_ARENA)
    assert result.outputs is not None
    values = dict(zip((first, *more), (result.outputs, *result.further), strict=True))
    return {one: np.ascontiguousarray(values[one]).reshape(len(inputs), -1) for one in tensors}
