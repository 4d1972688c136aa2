"""Google's speech embedding: 96 numbers for each 80 ms of sound, learned on speech of very many people.

J. Lin, K. Kilgour, D. Roblek, M. Sharifi, "Training Keyword Spotters with Limited and Synthesized Speech Data",
arXiv:2002.01322, section 3. It runs on the host alone, as a teacher: it is far too large for a microcontroller.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk_like.errors import DataError, ModelError
from mltk_like.quiet import quiet_output

SAMPLE_RATE_HZ = 16_000
WIDTH = 96
"""Numbers in one embedding."""

_STEP, _FFT = 160, 512  # samples: a frame each 10 ms
_BANDS, _FRAMES, _HOP = 32, 76, 8  # of one embedding: mel bands, frames, and frames to the next
_RANGE_DB = 80.0  # what is quieter than a window's loudest band by more counts as so quiet

Embeddings = npt.NDArray[np.float32]


def steps_in(samples: int) -> int:
    """Embeddings of a stretch of sound; 0 where it is too short for one (about 0.8 s)."""
    frames = (samples - _FFT) // _STEP + 1
    return max((frames - _FRAMES) // _HOP + 1, 0)


class SpeechEmbedding:
    """The embedding's two nets: sound to mel bands, and these to embeddings. Runs on one thread.

    Args:
        mel: `.tflite` file of the first.
        net: `.tflite` file of the second.

    Raises:
        ModelError: a file cannot be read, or is not one of these nets.
    """

    def __init__(self, mel: Path, net: Path) -> None:
        self._mel, self._net = _open(mel), _open(net)
        self._size = (0, 0)

    def __call__(self, sounds: npt.NDArray[np.float32]) -> Embeddings:
        """Embeddings of stretches of equal length.

        Args:
            sounds: float32 (n, samples), -1 to 1, 16 kHz.

        Returns:
            float32 (n, steps, 96); the last of the steps ends within 80 ms of the stretch's end.

        Raises:
            DataError: the stretches are too short for one embedding.
            ModelError: LiteRT cannot run the nets.
        """
        if not steps_in(sounds.shape[1]):
            raise DataError(f"{sounds.shape[1]} samples are too few for a speech embedding", "give 0.8 s or more")
        if self._size != sounds.shape:
            self._resize(*sounds.shape)
        # The first net takes sound as the numbers of 16-bit samples.
        whole = np.clip(np.rint(sounds * 32768.0), -32768, 32767).astype(np.float32)
        decibels = _run(self._mel, whole).reshape(len(sounds), -1, _BANDS)
        decibels = np.maximum(decibels, decibels.max(axis=(1, 2), keepdims=True) - _RANGE_DB)
        scaled = (decibels / 10.0 + 2.0).astype(np.float32)
        return _run(self._net, scaled[..., np.newaxis]).reshape(len(sounds), -1, WIDTH)

    def _resize(self, count: int, samples: int) -> None:
        frames = (samples - _FFT) // _STEP + 1
        for interpreter, shape in ((self._mel, (count, samples)), (self._net, (count, frames, _BANDS, 1))):
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], shape)
            interpreter.allocate_tensors()
        self._size = (count, samples)


def _open(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    try:
        with quiet_output():
            return Interpreter(model_content=path.read_bytes(), num_threads=1)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"cannot open the speech embedding {path}: {error}", "delete the file: it is fetched again"
        ) from error


def _run(interpreter: Any, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    result: npt.NDArray[np.float32] = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return result
