"""Why a `.tflite` cannot hear: it does not say what turns sound into its input. Whose it looks like, and what helps."""

from pathlib import Path

from mltk_like.brought.micro_wake_word import BANDS
from mltk_like.errors import ModelError
from mltk_like.tflite import ModelSummary, summarize_tflite
from mltk_like.tflite.memory import keeps_variables

_EMBEDDING = 96  # numbers of Google's speech embedding
_SETTINGS = (
    'python -m mltk_like update_params FILE.tflite fe.sample_rate_hz=16000 ... \'classes=["word", "_unknown_"]\''
)


def cannot_hear(model: bytes, path: Path) -> ModelError:
    """The error for a model whose parameters have no settings of a front end.

    Args:
        model: content of the `.tflite`.
        path: what the user gave.

    Raises:
        ModelError: the file is damaged.
    """
    summary = summarize_tflite(model)
    why, hint = _reason(summary, model, path)
    return ModelError(f"{path} cannot hear: {why}", hint)


def _reason(summary: ModelSummary, model: bytes, path: Path) -> tuple[str, str]:
    if not summary.inputs:
        return "it has no input", "make or download the file again"
    shape, dtype = summary.inputs[0].shape, summary.inputs[0].dtype
    takes = f"it takes {dtype} {summary.inputs[0].shape_text}"
    if len(shape) == 3 and shape[-1] == BANDS and keeps_variables(model):
        beside = path.with_suffix(".json")
        given = f"give {beside}" if beside.is_file() else "give the JSON manifest that came with it, in its place"
        return f"{takes} and keeps a state, as models of microWakeWord do, and their settings are in a manifest", given
    if len(shape) == 3 and shape[-1] == _EMBEDDING:
        return (
            f"{takes}, as the heads of openWakeWord do: {shape[1]} of Google's speech embeddings, which another net "
            "makes, of floats and too large for a microcontroller",
            "judge it with openWakeWord's own tools on the same recordings",
        )
    if summary.parameters:
        why = f"its parameters have no settings of a front end, and {takes}: it may be made for pictures or motion"
    elif len(shape) == 2 and shape[-1] > 1:
        why = (
            f"{takes} in a row and names no front end, as models of Edge Impulse do: their DSP block is not in the file"
        )
    else:
        why = f"it has no parameters that say what its front end and its classes are, and {takes}"
    if dtype not in ("int8", "uint8"):
        return why, "front ends here give int8: only a net that takes int8 or uint8 can be given their settings"
    return (
        why,
        f"where it was trained on a front end that is here (docs/bring_your_model.md), write its settings: {_SETTINGS}",
    )
