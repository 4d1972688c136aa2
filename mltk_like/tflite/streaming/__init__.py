"""From a finished `.tflite` that takes whole windows to one that keeps rows and computes only what is new.

`to_streaming` is the way in, and `prove` compares what it made. `graph` reads the file, `rules` say how each operator
goes along time, `plan` finds how many rows of each tensor must be kept, `build` writes the new file with `writer`.
"""

from mltk_like.tflite.streaming.build import Streamed, to_streaming
from mltk_like.tflite.streaming.proof import StreamingReport, prove

__all__ = ["Streamed", "StreamingReport", "prove", "to_streaming"]
