"""What is judged: a net, in one of its forms, with the front end and the recogniser that it was made for."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.audio.frontend import AnySettings
from mltk_like.audio.recogniser import RecogniserSettings, scores_to_uint8
from mltk_like.errors import ModelError
from mltk_like.evaluation.streams import Scorer
from mltk_like.low_bit.integer_net import IntegerNet, run, scores
from mltk_like.quiet import quiet_output
from mltk_like.tflite import NetInput, TfliteModel, run_tflm

ENGINES: Mapping[str, str] = MappingProxyType(
    {
        "keras": "float (.keras)",
        "tflite": "int8 (.tflite)",
        "tflm": "int8 (.tflite) on TensorFlow Lite Micro",
        "low-bit": "integers of few bits",
    }
)
"""Form of a model and what it is called in reports."""

_KERAS_BATCH = 512
_TFLM_BATCH = 2048


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A net with all that turns audio into detections.

    Attributes:
        name: the model's name.
        kind: a key of `ENGINES`.
        score: the net.
        classes: names in the order of its outputs.
        frontend, recogniser: as its `.tflite` says.
        gate: its energy gate, if it has one.
    """

    name: str
    kind: str
    score: Scorer
    classes: tuple[str, ...]
    frontend: AnySettings
    recogniser: RecogniserSettings
    gate: EnergyGateSettings | None = None

    @property
    def keywords(self) -> tuple[str, ...]:
        """Classes that are detected."""
        return tuple(name for name in self.classes if not name.startswith("_"))

    def labels(self, wanted: str | None) -> tuple[str, ...]:
        """The keywords to judge: all, or the one wanted. Raises ModelError where the model does not detect it."""
        if wanted is None and self.keywords:
            return self.keywords
        if wanted not in self.keywords:
            raise ModelError(f"the model detects no {wanted!r}", "it detects: " + ", ".join(self.keywords))
        return (str(wanted),)

    def threshold(self, label: str) -> int:
        """The recogniser's own threshold for a class, 0..254."""
        levels = self.recogniser.detection_threshold_list
        return min(levels[self.classes.index(label)] if levels else self.recogniser.detection_threshold, 254)


def make_scorer(net: Any, kind: str = "tflite") -> Scorer:
    """Windows int8 (n, time, bands) -> scores uint8 (n, classes), of a Keras net, integers or a `.tflite`'s bytes.

    A `.tflite` that keeps its own state gives what it gives at the end of each window; windows that follow each other
    as in a stream cost it one inference each (`NetInput`).

    Args:
        net: what runs.
        kind: 'tflm' runs bytes on TensorFlow Lite Micro, in a process of its own.

    Raises:
        ModelError: TFLM cannot run the model. ToolError: it is not installed.
    """
    if isinstance(net, IntegerNet):
        return lambda windows: scores_to_uint8(scores(run(net, windows)))
    if isinstance(net, bytes):
        return _on_tflm(net) if kind == "tflm" else _on_litert(net)
    shape = net.input_shape[1:]

    def score(windows: NDArray[np.int8]) -> NDArray[np.uint8]:
        x = windows.reshape(-1, *shape)
        parts = [net(x[i : i + _KERAS_BATCH].astype(np.float32)).numpy() for i in range(0, len(x), _KERAS_BATCH)]
        return scores_to_uint8(np.concatenate(parts) if parts else np.zeros((0, net.output_shape[-1]), np.float32))

    return score


def _on_litert(data: bytes) -> Scorer:
    with quiet_output():
        model = TfliteModel(data)
    net_input = NetInput(data)

    def score(windows: NDArray[np.int8]) -> NDArray[np.uint8]:
        inputs, ends = net_input(windows)
        return scores_to_uint8(model.predict(inputs)[ends])

    return score


def _on_tflm(data: bytes) -> Scorer:
    # One run to learn the least arena; the others are then told.
    probe = run_tflm(data, profile=False, repeat=1)
    net_input = NetInput(data)
    with quiet_output():
        outputs = TfliteModel(data).output_shape[-1]

    def score(windows: NDArray[np.int8]) -> NDArray[np.uint8]:
        parts = [np.zeros((0, outputs), np.uint8)]
        for first in range(0, len(windows), _TFLM_BATCH):
            net_input.forget()  # each run is a process of its own
            inputs, ends = net_input(windows[first : first + _TFLM_BATCH])
            result = run_tflm(data, inputs, profile=False, repeat=1, arena_bytes=probe.arena_bytes)
            assert result.outputs is not None
            parts.append(scores_to_uint8(result.outputs[ends]).reshape(len(ends), outputs))
        return np.concatenate(parts)

    return score
