"""The layers, sizes and parameters of a model."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.artifact import FILES, model_of
from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.audio.frontend import frontend_from_parameters
from mltk_like.audio.steps import FrontendSteps, frontend_steps
from mltk_like.errors import ModelError
from mltk_like.metrics.dataset_plots import plot_filters
from mltk_like.mixins import AudioDatasetMixin
from mltk_like.model import Model, require
from mltk_like.tflite import ModelSummary, read_parameters, summarize_tflite
from mltk_like.verbs.shared.building import artifact_of, build_net, build_tflite, open_net, specification_in

_WIDTH = 110


@dataclass(frozen=True, kw_only=True)
class KerasSummary:
    """The layers of a float net.

    Attributes:
        name: the model's name.
        table: Keras' own table.
        parameters: number of weights.
        layers: (name, type, output shape, parameters) of each.
    """

    name: str
    table: str
    parameters: int
    layers: tuple[tuple[str, str, str, int], ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        keys = ("name", "type", "output_shape", "parameters")
        return {
            "name": self.name,
            "parameters": self.parameters,
            "layers": [dict(zip(keys, layer, strict=True)) for layer in self.layers],
        }

    def __str__(self) -> str:
        return self.table


def summarize(model: Model | str | Path, *, tflite: bool = False, build: bool = False) -> ModelSummary | KerasSummary:
    """Summarize a model: Keras layers, or with `tflite` the operators, MACs, OPs, memory and embedded parameters.

    Args:
        model: a specification, name, `.py`, run folder, archive or `.tflite`.
        tflite: the int8 model (always, where a bare `.tflite` is given).
        build: build the net with random weights in place of opening a trained one.

    Raises:
        ModelError: it does not exist, or has not been trained and `build` is false.
        ToolError: TensorFlow is needed and not installed.
    """
    if build:
        specification = model if isinstance(model, Model) else model_of(model)
        if tflite:
            return summarize_tflite(build_tflite(specification), name=specification.name)
        return keras_summary(build_net(specification), specification.name)
    artifact = artifact_of(model)
    if tflite or artifact.alone:
        return summarize_tflite(artifact.tflite(), name=artifact.name)
    return keras_summary(open_net(artifact, specification_in(model)), artifact.name)


def steps_of(model: Model | str | Path) -> FrontendSteps:
    """The steps of a model's front end, from samples to features, with the shape of what each gives.

    Args:
        model: a specification, name, `.py`, run folder, archive or `.tflite`.

    Raises:
        ModelError: it does not exist, or hears no audio.
        SettingError: a `.tflite` without settings of a front end.
    """
    if not isinstance(model, Model) and str(model).endswith(FILES):
        # Those of the .tflite, so that no code is needed.
        parameters = read_parameters(artifact_of(model).tflite())
        return frontend_steps(frontend_from_parameters(parameters), EnergyGateSettings.from_parameters(parameters))
    specification = model if isinstance(model, Model) else model_of(model)
    require(specification, AudioDatasetMixin, "summarize --frontend")
    assert isinstance(specification, AudioDatasetMixin)
    return frontend_steps(specification.frontend, EnergyGateSettings.from_parameters(specification.parameters))


@contextmanager
def _terminal_of(columns: int) -> Iterator[None]:
    """Keras prints its table by rich, which cuts lines at what it takes for the terminal's width."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        yield
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before


def keras_summary(net: Any, name: str) -> KerasSummary:
    """The layers of a net as a table and as values."""
    text = io.StringIO()
    with _terminal_of(_WIDTH):
        net.summary(line_length=_WIDTH, print_fn=lambda line: text.write(f"{line}\n"))
    layers = tuple(
        (layer.name, type(layer).__name__, str(tuple(layer.output.shape)), int(layer.count_params()))
        for layer in net.layers
    )
    return KerasSummary(name=name, table=text.getvalue().rstrip(), parameters=int(net.count_params()), layers=layers)


def filters_png(model: Model | str | Path) -> bytes:
    """The filters of the first convolution of a trained model, as a PNG.

    Raises:
        ModelError: the model does not exist, has not been trained or has no convolution.
        ToolError: TensorFlow or matplotlib is not installed.
    """
    artifact = artifact_of(model)
    net = open_net(artifact, specification_in(model))
    layer = next((layer for layer in net.layers if type(layer).__name__ == "Conv2D"), None)
    if layer is None:
        raise ModelError(f"{artifact.name} has no convolution", "there are no filters to show")
    return plot_filters(layer.get_weights()[0], f"{artifact.name}: filters of {layer.name}")
