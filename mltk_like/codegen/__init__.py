"""A `.tflite` as C that runs alone: the net's layers as constants, calls of kernels, and one arena."""
