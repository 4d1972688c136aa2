"""`--format c-array`: the `.tflite` as an array in C, for TensorFlow Lite Micro."""

from mltk_like.artifact import Artifact
from mltk_like.errors import MltkLikeError, ToolError
from mltk_like.tflite import Agreement, compare_engines, run_tflm, summarize_tflite
from mltk_like.tflite.c_array import header, op_resolver, operators_of, source
from mltk_like.tflite.c_text import Define
from mltk_like.verbs.export.defines import defines_of
from mltk_like.verbs.export.result import Written


def c_array(artifact: Artifact, prefix: str) -> Written:
    """The model as an aligned array in C, its parameters as `#define`s, an op resolver in C++."""
    data = artifact.tflite()
    summary = summarize_tflite(data, name=artifact.name)
    title = f"{summary.name}: {summary.description}" if summary.description else summary.name
    arena, activations = _memory(data)
    state = sum(layer.opcode == "var_handle" for layer in summary.layers)
    memory: dict[str, Define] = {
        **({"TENSOR_ARENA_SIZE": arena} if arena is not None else {}),
        **({"RESOURCE_VARIABLE_COUNT": state} if state else {}),
    }
    operators = operators_of(data)
    return Written(
        files={
            f"{prefix}.h": header(prefix, title, defines_of(data, memory)),
            f"{prefix}.c": source(prefix, data),
            f"{prefix}_ops.h": op_resolver(prefix, operators),
        },
        flash_bytes=len(data),
        arena_bytes=arena,
        activations_bytes=activations,
        operators=operators,
        agreement=_agreement(data),
    )


def _agreement(data: bytes) -> Agreement | None:
    """TFLM against LiteRT; None where they cannot be compared, which is no reason not to export."""
    try:
        return compare_engines(data)
    except MltkLikeError:
        return None


def _memory(data: bytes) -> tuple[int | None, int | None]:
    """Bytes of the tensor arena and of the activations in it; None where TFLM is not installed."""
    try:
        result = run_tflm(data, profile=False, repeat=1)
    except ToolError:
        return None, None
    return result.arena_bytes, result.activations_bytes
