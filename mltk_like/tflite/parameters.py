"""Parameters, description and size of a `.tflite` file: read, replace, shorten. Works on any such file.

Parameters lie in the model's metadata under the name that Silicon Labs' MLTK uses, so both tools read each other's
models.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mltk_like.tflite.dictionary import Value, decode, encode
from mltk_like.tflite.model_file import buffer_data, parse, serialise

__all__ = ["Value", "compact", "decode", "encode", "read_description", "read_parameters", "write_parameters"]

_METADATA_NAME = "SL_PARAMSv1"


def read_parameters(model: bytes) -> dict[str, Value]:
    """Parameters of a `.tflite` file, in stored order; empty when it has none.

    Raises:
        ModelError: the file or its parameters are damaged.
    """
    return parameters_of(parse(model))


def parameters_of(tree: Any) -> dict[str, Value]:
    """As `read_parameters`, for a parsed model."""
    entry = _find_metadata(tree)
    return {} if entry is None else decode(buffer_data(tree, entry.buffer))


def write_parameters(model: bytes, parameters: Mapping[str, Value], *, description: str | None = None) -> bytes:
    """The model with its parameters replaced by these; all else is kept.

    Args:
        model: a `.tflite` file.
        parameters: name to value, see `encode` for the types.
        description: replaces the model's description; None keeps it.

    Raises:
        ModelError: the file is damaged.
        SettingError: a value cannot be stored.
    """
    tree = parse(model)
    _set_metadata(tree, encode(parameters))
    if description is not None:
        tree.description = description
    return serialise(tree)


def read_description(model: bytes) -> str:
    """Description of a `.tflite` file, empty when it has none. Raises ModelError for a damaged file."""
    return description_of(parse(model))


def description_of(tree: Any) -> str:
    """As `read_description`, for a parsed model."""
    return (tree.description or b"").decode(errors="replace")


def compact(model: bytes) -> bytes:
    """The model without tensor names and signatures, which take about 14 kB in a 56-layer model.

    Interpreters find tensors by number, so the outputs are unchanged; only name-based access
    (`get_signature_runner`) is lost. Raises ModelError for a damaged file.
    """
    tree = parse(model)
    tree.signatureDefs = None
    for graph in tree.subgraphs:
        for tensor in graph.tensors or []:
            tensor.name = None
    return serialise(tree)


def _find_metadata(tree: Any) -> Any:
    return next((entry for entry in tree.metadata or [] if entry.name == _METADATA_NAME.encode()), None)


def _set_metadata(tree: Any, data: bytes) -> None:
    from ai_edge_litert import schema_py_generated as schema

    # Metadata buffers can be shared with others, so the new data gets a buffer of its own when in doubt.
    buffer = schema.BufferT(data=np.frombuffer(data, np.uint8))
    entry = _find_metadata(tree)
    if entry is not None and _is_sole_user(tree, entry):
        tree.buffers[entry.buffer] = buffer
        return
    tree.buffers = [*(tree.buffers or []), buffer]
    if entry is None:
        entry = schema.MetadataT(name=_METADATA_NAME)
        tree.metadata = [*(tree.metadata or []), entry]
    entry.buffer = len(tree.buffers) - 1


def _is_sole_user(tree: Any, entry: Any) -> bool:
    tensor_buffers = {tensor.buffer for graph in tree.subgraphs for tensor in graph.tensors or []}
    others = {other.buffer for other in tree.metadata if other is not entry}
    # Buffer 0 is the empty one that every tensor without data points to.
    return 0 < entry.buffer < len(tree.buffers) and entry.buffer not in tensor_buffers | others
