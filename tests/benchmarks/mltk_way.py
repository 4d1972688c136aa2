"""How MLTK feeds a training, rebuilt from public packages: one process a job, everything anew for each clip.

`read wav -> place -> audiomentations -> microfrontend op -> int8`, the result pickled through a pipe, as MLTK's
`parallel_process` and its model file for "alexa" do. MLTK's own front end, too, allocates its tables in every call.
"""

import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RATE = 16000
WINDOW, WARM_UP = RATE * 12 // 10, RATE
STAGES = ("decode", "augment", "frontend")


def serve(pipe: Connection, noise: str, microphone: str) -> None:
    """A job: takes lists of paths, sends int8 batches and the CPU seconds of each stage, until it gets None."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    chain = augmentations(noise, microphone)
    while (paths := pipe.recv()) is not None:
        began = time.process_time()
        seconds = dict.fromkeys(STAGES, 0.0)
        batch = np.stack([window(path, chain, seconds, np.random.default_rng(len(path))) for path in paths])
        pipe.send((batch, seconds, time.process_time() - began))


def augmentations(noise: str, microphone: str) -> Any:
    """The chain of MLTK's "alexa" in today's names; its gain is 0.95 to 1.5 dB."""
    import audiomentations as am

    return am.Compose(
        [
            am.Gain(min_gain_db=0.95, max_gain_db=1.5, p=1.0),
            am.AddBackgroundNoise(
                microphone, min_absolute_rms_db=-75.0, max_absolute_rms_db=-60.0, noise_rms="absolute", p=1.0
            ),
            am.AddBackgroundNoise(noise, min_snr_db=-2.0, max_snr_db=35.0, noise_rms="relative", p=0.95),
            am.AddGaussianSNR(min_snr_db=30.0, max_snr_db=60.0, p=0.25),
        ]
    )


def window(path: str, chain: Any, seconds: dict[str, float], rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """One clip to one window, (118, 1, 108)."""
    import tensorflow as tf

    start = time.process_time()
    audio, _ = tf.audio.decode_wav(tf.io.read_file(path), desired_channels=1)
    samples = audio.numpy()[:, 0]
    decoded = time.process_time()
    scene = np.zeros(WARM_UP + WINDOW, dtype=np.float32)
    clip = trimmed(samples)[:WINDOW]
    first = WARM_UP + int(rng.uniform(0, 1) * (WINDOW - len(clip)))
    scene[first : first + len(clip)] = clip
    scene = np.clip(chain(scene, sample_rate=RATE), -1.0, 1.0)
    augmented = time.process_time()
    features = spectrogram(scene)
    times = (decoded - start, augmented - decoded, time.process_time() - augmented)
    for name, spent in zip(STAGES, times, strict=True):
        seconds[name] += spent
    return features


def trimmed(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """As MLTK's `adjust_length`: librosa's trim at 30 dB."""
    import librosa

    cut, _ = librosa.effects.trim(samples, top_db=30)
    return cut


def spectrogram(scene: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
    """The op with the settings of "alexa", then MLTK's dynamic int8 scale; without the DC notch, which the op lacks."""
    import tensorflow as tf
    from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op as op

    columns = op.audio_microfrontend(
        tf.constant((scene * 32767).astype(np.int16)),
        sample_rate=RATE,
        window_size=30,
        window_step=10,
        num_channels=108,
        min_signal_remaining=0.4,
        enable_log=True,
        out_type=tf.float32,
    ).numpy()[-118:]
    highest = columns.max()
    scaled = np.clip((columns - (highest - 40 * 64 / 8.686)) * (255 * 8.686 / 40 / 64) - 128, -128, 127)
    return scaled.astype(np.int8)[:, None, :]


def start(count: int, noise: Path, microphone: Path) -> list[tuple[Any, Connection]]:
    """So many jobs, each with its end of a pipe."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    jobs = []
    for _ in range(count):
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, str(noise), str(microphone)), daemon=True)
        process.start()
        jobs.append((process, ours))
    return jobs
