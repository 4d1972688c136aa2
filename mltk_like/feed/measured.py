"""The scale of a front end's values, measured over the windows that a model is trained on."""

from typing import Any

import numpy as np

from mltk_like.audio.frontend import Frontend
from mltk_like.audio.spectrum import SpectrumSettings
from mltk_like.errors import SettingError
from mltk_like.feed.windows import SplitFiles, WindowMaker

WINDOWS = 2000
"""Windows that are measured, drawn evenly from the first pass; of shorter passes all."""
_SMALLEST_STD = 1e-3
_MOST_DEVIATIONS = 20.0


def check_standardize(model: Any) -> None:
    """Raise SettingError where `standardize` does not go with the front end of a model (with AudioDatasetMixin)."""
    if not model.standardize:
        return
    settings = model.frontend
    if not isinstance(settings, SpectrumSettings):
        raise SettingError(
            "standardize needs a front end whose values have a mean and a deviation",
            "set frontend = SpectrumSettings(...), or standardize = False",
        )
    if (settings.mean, settings.std) != (0.0, 1.0):
        raise SettingError(
            "standardize measures mean and deviation, and the front end gives them too",
            "leave frontend's mean and std out, or set standardize = False",
        )
    low, high = settings.scale_minimum, settings.scale_maximum
    if not -_MOST_DEVIATIONS <= low < 0 < high <= _MOST_DEVIATIONS:
        raise SettingError(
            f"scale_minimum is {low:g} and scale_maximum {high:g}: with standardize they are deviations from the mean",
            "set scale_minimum=-4.0 and scale_maximum=4.0 in frontend: nearly all values lie between them",
        )


def is_measured(model: Any) -> bool:
    """Whether there is nothing to measure: `standardize` is off or unknown, or mean and deviation of each value are
    known."""
    settings = getattr(model, "frontend", None)
    # Other front ends have no such scale, which a training says.
    if not getattr(model, "standardize", False) or not isinstance(settings, SpectrumSettings):
        return True
    return bool(settings.means and settings.stds)


def measured_scale(model: Any, files: SplitFiles) -> SpectrumSettings:
    """The front end with mean and deviation of each value of a frame, in single precision.

    They are those of the training windows as the net hears them, augmented, each frame of each window counted once.
    Given `means` or `stds` stay. A value that never changes has the deviation 0.001.

    Args:
        model: with AudioDatasetMixin and TrainMixin, `standardize` and SpectrumSettings.
        files: the training split.

    Raises:
        DataError: a clip cannot be used, or there is none.
    """
    settings: SpectrumSettings = model.frontend
    maker = WindowMaker(model, files)
    plain = Frontend(settings.copy(means=(), stds=()), "float32")
    total, squares, count = np.zeros(settings.frame_values), np.zeros(settings.frame_values), 0
    for index in np.linspace(0, len(maker), min(len(maker), WINDOWS), endpoint=False).astype(int).tolist():
        columns = plain(maker.window(index).scene, last=settings.spectrogram_shape[0])
        frames = columns.reshape(-1, settings.frame_values).astype(np.float64)
        total, squares, count = total + frames.sum(axis=0), squares + np.square(frames).sum(axis=0), count + len(frames)
    means = total / max(count, 1)
    stds = np.sqrt(np.maximum(squares / max(count, 1) - np.square(means), _SMALLEST_STD**2))
    single = [tuple(values.astype(np.float32).astype(float).tolist()) for values in (means, stds)]
    return settings.copy(means=settings.means or single[0], stds=settings.stds or single[1])
