"""A `.tflite` as C that runs alone: the net's layers as constants, calls of kernels, and one arena."""

from mltk_like.codegen.emit import NetSource, emit_net

__all__ = ["NetSource", "emit_net"]
