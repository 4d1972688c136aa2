"""`.tflite` files as objects: parse, serialise, and the names of the schema's enumerations.

The schema classes come from the `ai-edge-litert` package; they are imported on first use (about 30 ms, no TensorFlow).
"""

import functools
import inspect
from pathlib import Path
from typing import Any

import numpy as np

from mltk_like.errors import ModelError
from mltk_like.opening import read_file

_IDENTIFIER = b"TFL3"
# The schema asks for this alignment of weights; microcontroller kernels fault or slow down without it.
_BUFFER_ALIGNMENT = 16


def is_tflite(model: bytes) -> bool:
    """Whether it begins as a `.tflite` file does: with the file identifier of a flatbuffer."""
    return model[4:8] == _IDENTIFIER


def parse(model: bytes) -> Any:
    """The model as a `ModelT` object tree of the TensorFlow Lite schema.

    Raises:
        ModelError: the bytes are not a `.tflite` file, or a damaged one.
    """
    from ai_edge_litert import schema_py_generated as schema

    if not is_tflite(model):
        raise ModelError("this is not a .tflite file", "give a file that the quantize or train command wrote")
    try:
        tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    except Exception as error:
        # The generated reader follows offsets unchecked and documents no errors: any of them means bad bytes.
        raise ModelError(f"the .tflite file is damaged: {error}", "make or download it again") from error
    if not tree.subgraphs:
        raise ModelError("the .tflite file is damaged: it has no graph", "make or download it again")
    return tree


def read_model(model: bytes | Path) -> bytes:
    """Content of a model that is given as bytes or as a path. Raises ModelError when it cannot be read."""
    if isinstance(model, bytes):
        return model
    return read_file(model, "tflite")


def check_ends(tree: Any) -> None:
    """Raise ModelError where a model has no input or no output, or one that is none of its tensors."""
    graph = tree.subgraphs[0]
    for which, ends in (("input", graph.inputs), ("output", graph.outputs)):
        if ends is None or not len(ends):
            raise ModelError(f"the model has no {which}", "give a model that takes windows and gives scores")
        if not all(0 <= index < len(graph.tensors or []) for index in ends):
            raise ModelError("the .tflite file is damaged: index out of range", "make or download it again")


def serialise(tree: Any) -> bytes:
    """Bytes of a `ModelT` tree, each buffer aligned to 16 bytes within the file."""
    import flatbuffers

    class AlignedBuilder(flatbuffers.Builder):  # type: ignore[misc]
        def CreateNumpyVector(self, x: Any) -> int:
            if x.dtype != np.uint8:
                return int(super().CreateNumpyVector(x))
            self.StartVector(1, x.size, _BUFFER_ALIGNMENT)
            self.head -= x.size
            self.Bytes[self.head : self.head + x.size] = x.tobytes()
            self.vectorNumElems = x.size
            return int(self.EndVector())

    builder = AlignedBuilder(1024)
    builder.Finish(tree.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def buffer_data(tree: Any, index: int) -> bytes:
    """Content of a buffer, empty when it has none. Raises ModelError for an index out of range."""
    if not 0 <= index < len(tree.buffers or []):
        raise ModelError("the .tflite file is damaged: buffer index out of range", "make or download it again")
    data = tree.buffers[index].data
    return b"" if data is None else bytes(data)


@functools.cache
def enum_names(enumeration: str) -> dict[int, str]:
    """Number to name for an enumeration of the schema, such as `BuiltinOperator` or `Padding`."""
    from ai_edge_litert import schema_py_generated as schema

    members = inspect.getmembers(getattr(schema, enumeration), lambda value: isinstance(value, int))
    return {number: name for name, number in members}
