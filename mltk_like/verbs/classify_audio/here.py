"""A model that listens on this machine."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mltk_like.audio.live import Listener
from mltk_like.audio.recogniser import Detection
from mltk_like.verbs.classify_audio.dump import Dumps, audio_dump, dump_spectrogram
from mltk_like.verbs.classify_audio.session import Listening, LiveModel, Lost
from mltk_like.verbs.shared.audio_sources import open_source
from mltk_like.verbs.shared.engines import open_engine


@dataclass(frozen=True, kw_only=True)
class Ears:
    """How this machine listens.

    Attributes:
        engine: 'litert' or 'tflm'.
        sensitivity: of the activity sign, see `Listener`.
        simulated_ms: how long an inference is taken to last, see `Listener`.
        dumps: what to write down.
    """

    engine: str
    sensitivity: float
    simulated_ms: float | Literal["measured"] | None
    dumps: Dumps


def listen_here(
    model: LiveModel, ears: Ears, *, file: str | Path | None, microphone: str | None, rate_hz: int | None
) -> Listening:
    """What is heard in a file, a pipe or a microphone, as in `open_source`.

    Raises:
        SettingError, ModelError, DataError, ToolError: as `open_source`, `open_engine`, `Listener` and the dumps do.
    """
    frontend, recogniser, dumps = model.frontend, model.recogniser, ears.dumps
    rate, real_time = frontend.sample_rate_hz, ears.simulated_ms is not None
    with ExitStack() as stack:
        source = stack.enter_context(
            open_source(file=file, microphone=microphone, rate_hz=rate_hz, sample_rate_hz=rate, real_time=real_time)
        )
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
