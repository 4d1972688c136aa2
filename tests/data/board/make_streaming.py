"""Writes streaming.tflite: a small mixed_net with random weights and its own state, 2 rows an inference.

Needs TensorFlow; run from the folder above tests: python tests/data/board/make_streaming.py
"""

from pathlib import Path

import numpy as np

from mltk_like.audio.frontend import Frontend
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.audio.settings import FrontendSettings
from mltk_like.nets import mixed_net
from mltk_like.quiet import import_tensorflow
from mltk_like.tflite import STREAMING_ROWS, write_parameters
from mltk_like.training.streaming import to_streaming_tflite

RECOGNISER = RecogniserSettings(
    latency_ms=40, minimum_count=2, average_window_duration_ms=130, detection_threshold=128, suppression_ms=200
)
FRONTEND = FrontendSettings(
    sample_length_ms=410, window_size_ms=30, window_step_ms=20, filterbank_n_channels=8, noise_reduction_enable=True
)

if __name__ == "__main__":
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(2)
    net = mixed_net((20, 1, 8), 2, stem=6, kernel=3, stride=2, blocks=((8, (3,)), (8, (3, 5))))
    rng = np.random.default_rng(3)
    for layer in net.layers:
        if layer.name.endswith("_bn"):
            layer.beta.assign(rng.uniform(0, 1, layer.beta.shape))
    sound = (rng.standard_normal((200, 6560)) * 10 ** rng.uniform(0.5, 4, (200, 1))).clip(-32768, 32767)
    windows = Frontend(FRONTEND, "int8")(sound.astype(np.int16))[:, :, np.newaxis]
    # Outputs around a half, as far apart as they come: both classes are detected now and then.
    *_, head = [layer for layer in net.layers if layer.get_weights()]
    before = keras.Model(net.input, head.output)(windows.astype(np.float32)).numpy()[:, 0, 0]
    kernel, bias = head.get_weights()
    factor = 3 / np.std(before[:, 0] - before[:, 1])
    head.set_weights([factor * kernel, bias - factor * (before.mean(axis=0) - bias)])
    parameters = {
        "name": "streaming", "classes": ["yes", "no"], **FRONTEND.to_parameters(), **RECOGNISER.to_parameters(),
        STREAMING_ROWS: 2,
    }  # fmt: skip
    data = write_parameters(to_streaming_tflite(net, windows), parameters)
    (Path(__file__).parent / "streaming.tflite").write_bytes(data)
