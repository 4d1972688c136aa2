"""A trained model in one of its forms, ready to hear audio."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mltk_like.artifact import Artifact
from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.audio.frontend import AnySettings, frontend_from_parameters, has_frontend
from mltk_like.audio.recogniser import Recogniser, RecogniserSettings
from mltk_like.brought.reasons import cannot_hear
from mltk_like.errors import MltkLikeError, ModelError, SettingError, one_line
from mltk_like.evaluation.subject import Subject, make_scorer
from mltk_like.model import Model
from mltk_like.tflite import read_parameters
from mltk_like.verbs.shared.building import open_net
from mltk_like.verbs.shared.low_bit import low_bit_integers


def open_subject(artifact: Artifact, kind: str, model: Model | None = None) -> Subject:
    """A trained model in one form, with the front end and the recogniser that its own `.tflite` says.

    Args:
        artifact: the model; a bare `.tflite` has no float form, and 'keras' then means 'tflite'.
        kind: 'keras', 'tflite', 'tflm' or 'low-bit'.
        model: its specification, where it is at hand; a net with layers of its own may need it.

    Raises:
        ModelError: the model has not been trained, names no classes, cannot be run, or its net, its front end and its
            classes do not fit together.
        SettingError: its parameters cannot be.
        ToolError: TensorFlow or TFLM is needed and not installed.
    """
    data = artifact.tflite()
    parameters = read_parameters(data)
    frontend = front_end_of(artifact, data)
    kind = "tflite" if kind == "keras" and artifact.alone else kind
    net: Any = data
    if kind == "keras":
        net = open_net(artifact, model)
    if kind == "low-bit":
        net = low_bit_integers(artifact)
    subject = Subject(
        name=artifact.name,
        kind=kind,
        score=make_scorer(net, kind),
        classes=classes_of(artifact, parameters),
        frontend=frontend,
        recogniser=recogniser_of(artifact, parameters),
        gate=EnergyGateSettings.from_parameters(parameters),
    )
    _try(subject, artifact)
    return subject


def front_end_of(artifact: Artifact, data: bytes) -> AnySettings:
    """The front end of a trained model, whose `.tflite` is `data`.

    Raises:
        ModelError: it has no settings of one; whose model it looks like is said.
        SettingError: they cannot be.
    """
    parameters = read_parameters(data)
    if not has_frontend(parameters):
        raise cannot_hear(data, artifact.path)
    return frontend_from_parameters(parameters)


def recogniser_of(artifact: Artifact, parameters: Mapping[str, Any]) -> RecogniserSettings:
    """The recogniser that a trained model's parameters set. Raises SettingError, with its file, for what cannot be."""
    try:
        return RecogniserSettings.from_parameters(parameters)
    except SettingError as error:
        hint = "change it: python -m mltk_like update_params FILE NAME=VALUE --output CHANGED.tflite"
        raise SettingError(f"{artifact.path}: {error.message}", error.hint or hint) from error


def _try(subject: Subject, artifact: Artifact) -> None:
    """Hear one window, so that a file that does not fit together is found before hours are listened to.

    Raises:
        ModelError: the net cannot be run, or does not give a score for each class.
        SettingError: the thresholds are not those of these classes.
    """
    Recogniser(subject.recogniser, subject.classes)
    try:
        scores = subject.score(np.zeros((1, *subject.frontend.spectrogram_shape), np.int8))
    except MltkLikeError:
        raise
    except Exception as error:  # whatever Keras or NumPy makes of a net that does not fit
        raise ModelError(
            f"the net in {artifact.path} cannot be run: {one_line(error)}",
            "it is damaged, or the parameters in the .tflite are those of another net",
        ) from error
    if scores.shape != (1, len(subject.classes)):
        raise ModelError(
            f"the net in {artifact.path} gives {'x'.join(map(str, scores.shape[1:]))} scores "
            f"for {len(subject.classes)} classes",
            "the parameters in the .tflite are those of another net",
        )


def classes_of(artifact: Artifact, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a trained model's outputs. Raises ModelError where its parameters have none."""
    classes = parameters.get("classes")
    if not isinstance(classes, list) or not classes:
        raise ModelError(
            f"{artifact.path} names no classes", "its .tflite lacks the parameter 'classes': see update_params"
        )
    return tuple(str(name) for name in classes)
