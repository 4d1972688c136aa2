"""Time of the front end beside TensorFlow's microfrontend op, in one process, one thread: `python bench_frontend.py`.

Both get the same 2.2 s clip and the same settings; ours also runs the DC notch where the settings ask for it, which the
op lacks. Medians of many calls; run it on a quiet machine.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mltk_like.audio import Frontend, FrontendSettings

RATE = 16000
SETTINGS = {
    "Alexa: 108 bands, 30/10 ms": FrontendSettings(
        sample_length_ms=2200,
        window_size_ms=30,
        filterbank_n_channels=108,
        noise_reduction_enable=True,
        noise_reduction_min_signal_remaining=0.4,
        dc_notch_filter_enable=True,
    ),
    "40 bands, 30/20 ms": FrontendSettings(
        sample_length_ms=2200,
        window_size_ms=30,
        window_step_ms=20,
        filterbank_n_channels=40,
        noise_reduction_enable=True,
    ),
}


def milliseconds(call: Callable[[], object], seconds: float) -> float:
    """Median time of a call, over about so many seconds."""
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def tensorflow_op(settings: FrontendSettings, clip: npt.NDArray[np.int16]) -> Callable[[], object]:
    """A call of TensorFlow's op with the same settings."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf
    from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op as op

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    audio = tf.constant(clip)

    def call() -> object:
        return op.audio_microfrontend(
            audio,
            sample_rate=settings.sample_rate_hz,
            window_size=settings.window_size_ms,
            window_step=settings.window_step_ms,
            num_channels=settings.filterbank_n_channels,
            upper_band_limit=settings.filterbank_upper_band_limit,
            lower_band_limit=settings.filterbank_lower_band_limit,
            smoothing_bits=settings.noise_reduction_smoothing_bits,
            even_smoothing=settings.noise_reduction_even_smoothing,
            odd_smoothing=settings.noise_reduction_odd_smoothing,
            min_signal_remaining=settings.noise_reduction_min_signal_remaining,
            enable_pcan=False,
            enable_log=True,
            scale_shift=settings.log_scale_shift,
        )

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each figure")
    parser.add_argument("--no-tensorflow", action="store_true", help="time ours alone")
    args = parser.parse_args()
    clip = (np.random.default_rng(0).standard_normal(RATE * 22 // 10) * 3000).astype(np.int16)
    for name, settings in SETTINGS.items():
        frontend = Frontend(settings, "uint16")
        ours = milliseconds(lambda frontend=frontend: frontend(clip), args.seconds)  # type: ignore[misc]
        frames = settings.spectrogram_shape[0]
        print(
            f"{name}: {frames} frames in {ours:.3f} ms, {ours / frames * 218:.3f} ms for 218, {1000 / ours:.0f} clips/s"
        )
        if not args.no_tensorflow:
            theirs = milliseconds(tensorflow_op(settings, clip), args.seconds)
            print(f"    TensorFlow's op: {theirs:.3f} ms, {1000 / theirs:.0f} clips/s; ratio {theirs / ours:.1f}")


if __name__ == "__main__":
    main()
