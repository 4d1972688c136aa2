"""Change the parameters that a `.tflite` carries, without a training."""

from mltk_like.verbs.update_params.verb import ParameterChanges, set_parameters, update_params

__all__ = ["ParameterChanges", "set_parameters", "update_params"]
