"""What a net that keeps rows saves, and the proof that it says what the net of whole windows says."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import CheckError, ToolError
from mltk_like.tflite.runner import TflmResult, run_tflm
from mltk_like.tflite.streaming.build import Streamed
from mltk_like.tflite.summary import summarize_tflite
from mltk_like.tflite.units import format_units

_STEPS = 50
_ARENA = 2**26  # bytes; roomy: what the model needs is asked elsewhere


@dataclass(frozen=True, kw_only=True)
class StreamingReport:
    """A net of whole windows beside the one that keeps rows.

    Attributes:
        rows: new rows that each inference takes.
        window_rows: rows of a window.
        macs: multiply-accumulates of an inference.
        whole_macs: the same of the net of whole windows.
        state_bytes: of the rows that are kept.
        activations_bytes: of the tensors between layers, in TensorFlow Lite Micro; None where it is not installed.
        whole_activations_bytes: the same of the net of whole windows.
        windows: of a stream of noise that gave the same bytes on TensorFlow Lite Micro; 0: it is not installed.
    """

    rows: int
    window_rows: int
    macs: int
    whole_macs: int
    state_bytes: int
    activations_bytes: int | None
    whole_activations_bytes: int | None
    windows: int

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        fewer = f", {self.whole_macs / self.macs:.1f} times fewer" if self.macs else ""
        text = (
            f"{self.rows} new of {self.window_rows} rows an inference: {format_units(self.macs)} MACs instead of "
            f"{format_units(self.whole_macs)}{fewer}; {self.state_bytes} bytes of state"
        )
        if self.windows == 0:
            return f"{text}\nnot compared with whole windows: TensorFlow Lite Micro is not installed"
        return (
            f"{text}, activations {self.activations_bytes} bytes instead of {self.whole_activations_bytes}\n"
            f"TensorFlow Lite Micro: the same bytes as on whole windows, {self.windows} of {self.windows}"
        )


def prove(model: bytes, streamed: Streamed) -> StreamingReport:
    """Run both nets on a stream of noise and compare every byte.

    Args:
        model: content of the `.tflite` of whole windows.
        streamed: what was made of it.

    Raises:
        CheckError: they differ.
        ModelError: TensorFlow Lite Micro cannot run one of them.
    """
    whole: TflmResult | None = None
    rows: TflmResult | None = None
    with suppress(ToolError):
        whole, rows = _run(model, streamed)
    return StreamingReport(
        rows=streamed.rows,
        window_rows=streamed.window_rows,
        macs=summarize_tflite(streamed.model).macs,
        whole_macs=summarize_tflite(model).macs,
        state_bytes=streamed.state_bytes,
        activations_bytes=None if rows is None else rows.activations_bytes,
        whole_activations_bytes=None if whole is None else whole.activations_bytes,
        windows=0 if whole is None else _STEPS + 1,
    )


def _run(model: bytes, streamed: Streamed) -> tuple[TflmResult, TflmResult]:
    noise = _noise(model, streamed)
    length, hop = streamed.window_rows, streamed.rows
    windows = np.stack([noise[first : first + length] for first in range(0, _STEPS * hop + 1, hop)])
    whole = run_tflm(model, windows, profile=False, repeat=1, arena_bytes=_ARENA)
    rows = run_tflm(
        streamed.model, noise.reshape(-1, hop, *noise.shape[1:]), profile=False, repeat=1, arena_bytes=_ARENA
    )
    assert whole.outputs is not None
    assert rows.outputs is not None
    differ = (whole.outputs != rows.outputs[length // hop - 1 :]).reshape(_STEPS + 1, -1).any(axis=1)
    if differ.any():
        raise CheckError(
            f"row by row the net says something else on {differ.sum()} of {_STEPS + 1} windows",
            "this is a mistake of ours: keep the net of whole windows, and report it with the file",
        )
    return whole, rows


def _noise(model: bytes, streamed: Streamed) -> NDArray[Any]:
    """Rows of any values: of the input's type, for the first window and the steps behind it."""
    tensor = summarize_tflite(model).inputs[0]
    rng, dtype = np.random.default_rng(0), np.dtype(tensor.dtype)
    shape = (streamed.window_rows + _STEPS * streamed.rows, *tensor.shape[2:])
    if dtype.kind not in "iu":
        return rng.standard_normal(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
