"""Networks: functions that return an uncompiled Keras model. TensorFlow is imported when one is called."""

from mltk_like.nets.tenet import tenet, tenet6, tenet12

__all__ = ["tenet", "tenet6", "tenet12"]
