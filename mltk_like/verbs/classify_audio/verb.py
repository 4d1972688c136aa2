"""Listen with a trained model: to a file, a pipe, a microphone, or on a board."""

import shlex
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from mltk_like.artifact import Artifact
from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.audio.live import DEFAULT_SENSITIVITY
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.errors import ModelError, SettingError
from mltk_like.model import Model
from mltk_like.tflite import read_parameters
from mltk_like.verbs.classify_audio.boards import listen_on_board
from mltk_like.verbs.classify_audio.dump import Dumps
from mltk_like.verbs.classify_audio.here import Ears, listen_here
from mltk_like.verbs.classify_audio.session import LiveAudio, LiveModel, Place
from mltk_like.verbs.shared.audio_sources import PIPE, Source, open_source
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.shared.engines import ENGINES
from mltk_like.verbs.shared.subject import classes_of, front_end_of, recogniser_of

LEVELS = ("low", "medium", "high")
"""Sensitivities that `evaluate --target-false-accepts` stores in a model."""


def classify_audio(
    model: Model | str | Path,
    *,
    input: str | Path | None = None,
    microphone: str | None = None,
    device: str | None = None,
    rate_hz: int | None = None,
    settings: Mapping[str, Any] | None = None,
    sensitivity: float | str | None = None,
    gate: int | None = None,
    engine: str = "litert",
    simulate_latency: float | Literal["measured"] | None = None,
    dumps: Dumps | None = None,
) -> LiveAudio:
    """Listen with a model's int8 `.tflite`, as a device would: its front end and recogniser, the same arithmetic.

    Args:
        model: a specification, name, run folder, archive or `.tflite`.
        input: a sound file of any length, format and rate; '-': raw int16 samples on stdin; None: a microphone.
        microphone: number, name or part of the name of a microphone; None for the default one.
        device: serial line of a board that listens in place of this machine, or 'auto' for the only board; `input` is
            a sound file that is sent to it, None its own microphone. Of a board without a model the microphone is
            heard, and the net runs here.
        rate_hz: of the raw samples on stdin; None: the model's.
        settings: `RecogniserSettings` to change, for example {"detection_threshold": 200}, which holds for every class
            even where the model has a list of thresholds.
        sensitivity: 'low', 'medium' or 'high': the threshold that the model stores under that name; or a number, the
            sensitivity of the activity sign (see `Listener`).
        gate: threshold of the energy gate, least |sample| of 16 bits; 0: always open. None: the model's gate, if it has
            one.
        engine: 'litert' or 'tflm' (TensorFlow Lite Micro in a process of its own).
        simulate_latency: ms that an inference takes on the device, or "measured": as long as here. The audio then comes
            in real time and windows are taken only when the net is free. None: as fast as it goes.
        dumps: what to write down.

    Raises:
        SettingError: a value that cannot be.
        ModelError: the model has not been trained, cannot be run, or has no such sensitivity.

    Iterating raises besides:
        DataError: the audio cannot be read, or a dump cannot be written.
        ToolError: something for the microphone, the engine or the pictures is not installed.
    """
    _check_place(device, engine, input, elsewhere=(microphone, rate_hz))
    artifact = artifact_of(model)
    live, number, changes = prepared(artifact, settings, sensitivity, gate)
    ears = Ears(
        engine=engine, sensitivity=number, simulated_ms=simulate_latency, dumps=dumps or Dumps(),
        only_here=_only_here(engine, gate, simulate_latency),
    )  # fmt: skip
    place = Place(name=engine if device is None else "board")
    here = partial(listen_here, live, ears, _opened(live, ears, input, microphone, rate_hz))
    listen = here if device is None else partial(listen_on_board, device, live, ears, changes, input, place)
    return LiveAudio(name=artifact.name, model=live, place=place, listen=listen)


def prepared(
    artifact: Artifact,
    settings: Mapping[str, Any] | None = None,
    sensitivity: float | str | None = None,
    gate: int | None = None,
) -> tuple[LiveModel, float, dict[str, Any]]:
    """What listens, the sensitivity of its activity sign, and what was changed of its recogniser.

    Arguments and errors are those of `classify_audio`.
    """
    parameters = read_parameters(artifact.tflite())
    number, changes = _read_sensitivity(sensitivity, parameters, artifact)
    changes |= settings or {}
    return _live_model(artifact, parameters, changes, gate), number, changes


def _opened(
    live: LiveModel, ears: Ears, file: str | Path | None, microphone: str | None, rate_hz: int | None
) -> Callable[[], AbstractContextManager[Source]]:
    """Opens this machine's source of audio."""
    rate, real_time = live.frontend.sample_rate_hz, ears.simulated_ms is not None
    return partial(
        open_source, file=file, microphone=microphone, rate_hz=rate_hz, sample_rate_hz=rate, real_time=real_time
    )


def _only_here(engine: str, gate: int | None, simulate_latency: object) -> tuple[str, ...]:
    """Options that were given and that a board with a model cannot follow."""
    engines = ["--engine"] if engine != ENGINES[0] else []
    others = {"--gate": gate, "--simulate-latency": simulate_latency}
    return (*engines, *(name for name, value in others.items() if value is not None))


def _check_place(device: str | None, engine: str, file: str | Path | None, elsewhere: tuple[object, ...]) -> None:
    """Refuse engines that there are not, and for a board audio from elsewhere."""
    if engine not in ENGINES:
        raise SettingError(f"there is no engine {engine!r}", "there are: " + ", ".join(ENGINES))
    if device is not None and (any(value is not None for value in elsewhere) or str(file) == PIPE):
        raise SettingError(
            "a board listens to its own microphone or to a sound file",
            "leave out --device, or --microphone, --rate and --input -",
        )


def _live_model(
    artifact: Artifact, parameters: Mapping[str, Any], changes: Mapping[str, Any], threshold: int | None
) -> LiveModel:
    data = artifact.tflite()
    frontend = front_end_of(artifact, data)
    gate = EnergyGateSettings.from_parameters(parameters)
    if threshold is not None:
        gate = replace(gate or EnergyGateSettings(), threshold=threshold)
    return LiveModel(
        tflite=data,
        classes=classes_of(artifact, parameters),
        frontend=frontend,
        recogniser=_changed(recogniser_of(artifact, parameters), changes),
        gate=gate,
    )


def _changed(recogniser: RecogniserSettings, changes: Mapping[str, Any]) -> RecogniserSettings:
    if "detection_threshold" in changes and "detection_threshold_list" not in changes:
        changes = {**changes, "detection_threshold_list": ()}
    return recogniser.copy(**changes)


def _read_sensitivity(
    value: float | str | None, parameters: Mapping[str, Any], artifact: Artifact
) -> tuple[float, dict[str, Any]]:
    """Sensitivity of the activity sign, and changes of the recogniser."""
    own = parameters.get("sensitivity", DEFAULT_SENSITIVITY)
    if isinstance(own, bool) or not isinstance(own, int | float):
        raise SettingError(f"the parameter 'sensitivity' of {artifact.path} is {own!r}", "give a number: update_params")
    if value is None:
        return own, {}
    if value in LEVELS:
        stored = parameters.get(f"sensitivity.{value}.detection_threshold")
        if stored is None:
            command = shlex.join(
                ["python", "-m", "mltk_like", "evaluate", artifact.typed, "--target-false-accepts", "1"]
            )
            raise ModelError(
                f"{artifact.name} stores no sensitivity {value!r}", f"{command} stores it; or give a threshold"
            )
        return own, {"detection_threshold": stored}
    try:
        return float(value), {}
    except ValueError:
        raise SettingError(f"sensitivity cannot be {value!r}", "give low, medium, high or a number") from None
