"""Whether a `.tflite` says on TensorFlow Lite Micro (TFLM) what it says on LiteRT, which judges it.

Both run the same file and round in other places. Where more than rounding parts them, TFLM computes something else:
it takes the shapes of tensors from the file, for one, where LiteRT works them out.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.quiet import quiet_output
from mltk_like.tflite.interpreter import TfliteModel
from mltk_like.tflite.layers import LayerSummary, read_layer
from mltk_like.tflite.model_file import check_ends, parse, read_model, serialise
from mltk_like.tflite.net_input import NetInput
from mltk_like.tflite.runner import run_tflm

DECISION_BOUND = 0.01
"""Most of the windows on which the decisions of both may differ."""
OUTPUT_BOUND = 0.1
"""Most by which an output before the last softmax may differ on any window, as a share of what its type spans. Rounding
alone parts TFLM and the fast kernels of LiteRT by up to 0.05 there, on noise, in the models that ship and in those of
MLPerf Tiny, and TFLM and the reference kernels by 0.004. Softmax makes anything of that: 0.28 of a probability."""
TIE = 0.03
"""Classes that are nearer than this on TFLM, in the same measure, are a tie: which is ahead is for rounding to say."""

_RANDOM = 50
_ARENA = 2**26  # bytes; roomy: what the model needs is asked elsewhere
_LAYER_UNITS = 2  # of 256, by which rounding may part a layer's outputs
_LAYER_INPUTS = 200  # inferences for each layer, when one is looked for
_PLAIN = ("int8", "uint8", "int16", "int32", "float32")


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """TFLM against LiteRT.

    Attributes:
        windows: how many both were run on.
        decisions_differ: on how many the class that LiteRT puts first is behind on TFLM by more than `TIE`.
        largest_difference: of any output before the last softmax, on any window, as a share of what its type spans.
        first_layer: where they part first, such as `3 (space_to_batch_nd)`; none where they agree, or where only the
            fast kernels of LiteRT do it.
    """

    windows: int
    decisions_differ: int
    largest_difference: float
    first_layer: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether no more than rounding parts them."""
        return self.decisions_differ <= DECISION_BOUND * self.windows and self.largest_difference <= OUTPUT_BOUND

    @property
    def problem(self) -> str:
        """What is wrong, in one sentence; empty where they agree."""
        if self.agrees:
            return ""
        place = f"; the first layer that differs is {self.first_layer}" if self.first_layer else ""
        return f"on TensorFlow Lite Micro this model says something else than on LiteRT: {self.figures}{place}"

    @property
    def figures(self) -> str:
        """What was found, in words."""
        share = 100 * self.decisions_differ / max(self.windows, 1)
        return (
            f"decisions differ on {self.decisions_differ} of {self.windows} windows ({share:.1f} %), "
            f"outputs before softmax by {100 * self.largest_difference:.1f} % of their range at most"
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "agrees": self.agrees}

    def __str__(self) -> str:
        return self.problem or f"TensorFlow Lite Micro against LiteRT: {self.figures}"


def compare_engines(model: bytes | Path, windows: NDArray[Any] | None = None) -> Agreement:
    """Run a model on TFLM and on LiteRT, and compare.

    Args:
        model: content of a `.tflite` file, or its path.
        windows: as the front end gives them, int8 (n, time, 1, bands), to be run with the kernels of LiteRT that judge.
            None: 50 random inputs, with the reference kernels, since noise goes where no model was trained and makes
            much of each rounding.

    Raises:
        ModelError: one of them cannot run the model.
        DataError: windows of another type than the model's input.
        ToolError: TFLM is not there for this platform.
    """
    content = before_softmax(read_model(model))
    litert = TfliteModel(content, exact=windows is None)
    if windows is None:
        inputs, ends = random_inputs(litert), np.arange(_RANDOM)
    else:
        inputs, ends = NetInput(content)(windows)
        inputs = litert.quantize(inputs)
    expected = litert.predict(inputs)[ends].reshape(len(ends), -1)
    outputs = run_tflm(content, inputs, profile=False, repeat=1, arena_bytes=_ARENA).outputs
    assert outputs is not None
    found = outputs[ends].reshape(len(ends), -1)
    behind = _share(found.max(axis=1), found[np.arange(len(found)), expected.argmax(axis=1)])
    result = Agreement(
        windows=len(ends),
        decisions_differ=int((behind > TIE).sum()),
        largest_difference=float(_share(expected, found).max(initial=0.0)),
    )
    return result if result.agrees else replace(result, first_layer=_first_layer(content, inputs[:_LAYER_INPUTS]))


def before_softmax(model: bytes) -> bytes:
    """The model with what goes into its last softmax as output; the model itself where it does not end with one.

    The values there span all of int8, whatever the weights are: softmax hides differences where it saturates, and
    where all classes are alike.
    """
    tree = parse(model)
    check_ends(tree)
    graph = tree.subgraphs[0]
    operators = graph.operators or []
    last = next((one for one in operators if one.outputs is not None and graph.outputs[0] in one.outputs), None)
    if last is None or read_layer(tree, graph, graph.operators.index(last)).opcode != "softmax":
        return model
    if last.inputs is None or not len(last.inputs):
        raise ModelError("the .tflite file is damaged: a softmax has no input", "make or download it again")
    graph.outputs = [last.inputs[0]]
    return serialise(tree)


def _share(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """How far two outputs are apart, as a share of what their type spans; real numbers as they are."""
    off = np.abs(first.astype(np.float64) - second.astype(np.float64))
    return off / (2.0 ** (8 * first.dtype.itemsize)) if first.dtype.kind in "iu" else off


def random_inputs(model: TfliteModel, count: int = _RANDOM) -> NDArray[Any]:
    """Inputs of a model's type: all of what whole numbers span, real ones of a normal distribution."""
    rng = np.random.default_rng(0)
    shape, dtype = (count, *model.input_shape[1:]), model.input_dtype
    if dtype.kind not in "iu":
        return rng.standard_normal(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def _first_layer(model: bytes, inputs: NDArray[Any]) -> str | None:
    """The first operator whose outputs differ from those of the reference kernels by more than rounding."""
    tree = parse(model)
    graph = tree.subgraphs[0]
    layers = [read_layer(tree, graph, index) for index in range(len(graph.operators))]
    plain = {i: graph.operators[i].outputs[0] for i, one in enumerate(layers) if one.outputs and _is_plain(one)}
    expected = _litert_layers(model, inputs, list(plain.values()))
    for index, tensor in plain.items():
        graph.outputs = [tensor]
        try:
            found = run_tflm(serialise(tree), inputs, profile=False, repeat=1, arena_bytes=_ARENA).outputs
        except ModelError:
            # TFLM keeps some tensors where they cannot be read; the next layer shows what they hold.
            continue
        assert found is not None
        wanted, given = expected[tensor], found.reshape(len(inputs), -1)
        if wanted.shape != given.shape or _share(wanted, given).max(initial=0.0) > _LAYER_UNITS / 256:
            return f"{index} ({layers[index].opcode})"
    return None


def _is_plain(layer: LayerSummary) -> bool:
    return layer.outputs[0].dtype in _PLAIN


def _litert_layers(model: bytes, inputs: NDArray[Any], tensors: list[int]) -> dict[int, NDArray[Any]]:
    """What the reference kernels put into tensors, (n, elements) by number of the tensor."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with quiet_output():
        interpreter = Interpreter(
            model_content=model,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
    rows: dict[int, list[NDArray[Any]]] = {tensor: [] for tensor in tensors}
    for row in inputs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], row[np.newaxis])
        interpreter.invoke()
        for tensor, found in rows.items():
            found.append(interpreter.get_tensor(tensor).ravel())
    return {tensor: np.stack(found) for tensor, found in rows.items()}
