"""From a finished `.tflite` that takes whole windows to one that keeps rows and computes only what is new.

`to_streaming` is the way in. `graph` reads the file, `rules` say how each operator goes along time, `plan` finds how
many rows of each tensor must be kept, `build` writes the new file.
"""

from mltk_like.tflite.streaming.build import Streamed, to_streaming

__all__ = ["Streamed", "to_streaming"]
