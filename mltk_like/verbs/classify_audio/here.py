"""A model that listens on this machine."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Literal

from mltk_like.audio.live import Listener
from mltk_like.audio.recogniser import Detection
from mltk_like.verbs.classify_audio.dump import Dumps, audio_dump, dump_spectrogram
from mltk_like.verbs.classify_audio.session import Listening, LiveModel, Lost
from mltk_like.verbs.shared.audio_sources import Source
from mltk_like.verbs.shared.engines import open_engine


@dataclass(frozen=True, kw_only=True)
class Ears:
    """How this machine listens.

    Attributes:
        engine: 'litert' or 'tflm'.
        sensitivity: of the activity sign, see `Listener`.
        simulated_ms: how long an inference is taken to last, see `Listener`.
        dumps: what to write down.
        only_here: options that were given and that a board with a model cannot follow.
    """

    engine: str
    sensitivity: float
    simulated_ms: float | Literal["measured"] | None
    dumps: Dumps
    only_here: tuple[str, ...] = ()


def listen_here(model: LiveModel, ears: Ears, open_ears: Callable[[], AbstractContextManager[Source]]) -> Listening:
    """What is heard in audio from anywhere.

    Args:
        model: what listens.
        ears: how.
        open_ears: opens the source of the audio, at the model's rate.

    Raises:
        SettingError, ModelError, DataError, ToolError: as the source, `open_engine`, `Listener` and the dumps do.
    """
    frontend, recogniser, dumps = model.frontend, model.recogniser, ears.dumps
    rate = frontend.sample_rate_hz
    with ExitStack() as stack:
        source = stack.enter_context(open_ears())
        engine = stack.enter_context(open_engine(ears.engine, model.tflite, frontend.spectrogram_shape))
        listener = Listener(
            frontend, recogniser, model.classes, engine, gate=model.gate,
            sensitivity=ears.sensitivity, simulated_ms=ears.simulated_ms,
        )  # fmt: skip
        dump = stack.enter_context(audio_dump(dumps.audio, rate, recogniser.volume_gain))
        for block in source.blocks:
            if dump is not None:
                dump.write(block)
            if lost_ms := source.take_lost_ms():
                yield Lost(time_ms=listener.heard_ms, lost_ms=lost_ms)
            for event in listener.push(block):
                if isinstance(event, Detection):
                    dump_spectrogram(dumps, event, listener.window, frontend)
                yield event
