"""A model that listens to audio which somebody else has, piece by piece."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.live import Listener, Step
from mltk_like.audio.recogniser import Detection
from mltk_like.closing import Closing
from mltk_like.model import Model
from mltk_like.verbs.classify_audio.verb import prepared
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.shared.engines import open_engine


class PushedAudio(Closing):
    """The loop of `classify_audio` for whoever has the samples: its events are the same for the same audio.

    Use it as a context manager.

        with PushedAudio("keyword_spotting_alexa") as listening:
            events = listening.push(samples)

    Args:
        model: a specification, name, run folder, archive or `.tflite`.
        settings: `RecogniserSettings` to change, as of `classify_audio`.
        engine: 'litert' or 'tflm'.

    Raises:
        SettingError, ModelError, ToolError: as `classify_audio` and its iteration do.
    """

    def __init__(
        self, model: Model | str | Path, *, settings: Mapping[str, Any] | None = None, engine: str = "litert"
    ) -> None:
        self.artifact = artifact_of(model)
        self.model, sensitivity, _ = prepared(self.artifact, settings)
        self._stack = ExitStack()
        frontend = self.model.frontend
        net = self._stack.enter_context(open_engine(engine, self.model.tflite, frontend.spectrogram_shape))
        self._listener = Listener(
            frontend, self.model.recogniser, self.model.classes, net, gate=self.model.gate, sensitivity=sensitivity
        )

    @property
    def sample_rate_hz(self) -> int:
        """Of what is pushed, in Hz."""
        return self.model.frontend.sample_rate_hz

    def push(self, samples: NDArray[np.int16]) -> list[Step | Detection]:
        """Hear the next samples, int16 (n,), any number; returns the steps and detections that they complete."""
        return list(self._listener.push(samples))

    def close(self) -> None:
        """End the engine."""
        self._stack.close()
