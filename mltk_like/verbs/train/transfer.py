"""Begin a training with what another model has learnt."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mltk_like.model import Model
from mltk_like.nets.weights import WeightsReport, freeze_layers, load_weights
from mltk_like.verbs.shared.building import artifact_of

CARRIED = "mltk_like_carried"
"""Attribute of a net that holds the report of its weights, for the training's log."""


def load_weights_from(net: Any, model: Model | str | Path, *, freeze: Sequence[str] = ()) -> WeightsReport:
    """Copy a trained model's weights into the layers of `net` that have the same name and shape.

    For a model's `network()`:

        net = mobilenet_v2(self.input_shape, self.n_classes)
        mltk.load_weights_from(net, "keyword_spotting_mobilenetv2")
        return net

    Args:
        net: a Keras model; layers of another shape, such as the head for other classes, keep their initial values.
        model: the trained model: name, run folder, archive or specification. A name means the latest complete run, else
            the archive beside the model's file.
        freeze: patterns, as of file names, of layers that the training shall leave as they are, such as "b*" or "*";
            only layers that got weights are frozen.

    Returns:
        What was carried, what was not and why; prints as a table. The training's log has it too.

    Raises:
        ModelError: the model has not been trained, its archive is damaged, no layer fits, or a pattern matches none.
    """
    with artifact_of(model).keras_file() as file:
        report = load_weights(net, file)
    report = freeze_layers(net, report, freeze)
    setattr(net, CARRIED, report)
    return report
