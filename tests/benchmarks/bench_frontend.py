"""Time of the front end beside others', in one process, one thread: `python bench_frontend.py`.

All get the same 2.2 s clip. TensorFlow's microfrontend op gets the same settings; the DC notch, where the settings ask
for it, runs in ours alone. pymicro-features has one set of settings, 40 bands, 30/10 ms, PCAN on: where ours differ,
its time is marked `~`. It takes 10 ms a call and answers with lists, which its time includes. All take turns of 50 ms;
the figures are medians of single calls, in processor time, which other programs disturb less. The lines for threads are
by the clock.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from mltk_like import _native
from mltk_like.audio import Frontend, FrontendSettings

Clip = npt.NDArray[np.int16]
Call = Callable[[], object]
RATE = 16000
TURN_S = 0.05
FORTY = FrontendSettings(
    sample_length_ms=2200, window_size_ms=30, filterbank_n_channels=40, noise_reduction_enable=True
)
ALEXA = FORTY.copy(
    filterbank_n_channels=108,
    noise_reduction_min_signal_remaining=0.4,
    dc_notch_filter_enable=True,
    quantize_dynamic_scale_enable=True,
)
SETTINGS = {
    "Alexa: 108 bands, 30/10 ms": ALEXA,
    "Alexa with PCAN": ALEXA.copy(pcan_enable=True),
    "40 bands, 30/20 ms": FORTY.copy(window_step_ms=20),
    "40 bands, 30/20 ms, PCAN": FORTY.copy(window_step_ms=20, pcan_enable=True),
    "40 bands, 30/10 ms, PCAN": FORTY.copy(pcan_enable=True),
}
PYMICRO = SETTINGS["40 bands, 30/10 ms, PCAN"]


def tensorflow_op(settings: FrontendSettings, clip: Clip) -> Call:
    """A call of TensorFlow's op with the same settings."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf
    from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op as op

    audio = tf.constant(clip)
    return lambda: op.audio_microfrontend(
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
        enable_pcan=settings.pcan_enable,
        enable_log=True,
        scale_shift=settings.log_scale_shift,
    )


def pymicro_features(clip: Clip) -> Call:
    """A call of pymicro-features' front end, which has no settings."""
    from pymicro_features import MicroFrontend  # type: ignore[import-untyped]

    pieces = [piece.tobytes() for piece in np.split(clip, len(clip) // 160)]

    def call() -> object:
        process = MicroFrontend().process_samples
        return [process(piece).features for piece in pieces]

    return call


def one_thread() -> None:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def milliseconds(calls: dict[str, Call], seconds: float) -> dict[str, float]:
    """Median processor time of each call; they take turns, each for about so many seconds in all."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(max(1, round(seconds / TURN_S))):
        for name, call in calls.items():
            call()
            end = time.perf_counter() + TURN_S
            while time.perf_counter() < end:
                start = time.process_time()
                call()
                times[name].append(time.process_time() - start)
    return {name: statistics.median(taken) * 1000 for name, taken in times.items()}


def compare(name: str, settings: FrontendSettings, clip: Clip, seconds: float, peers: bool) -> None:
    frontend, core = Frontend(settings, "uint16"), _native.FrontendCore(settings)
    calls: dict[str, Call] = {
        "ours": lambda: frontend(clip),
        "ours, portable path": lambda: core.columns(clip[None], portable=True),
    }
    if peers:
        calls["TensorFlow's op"] = tensorflow_op(settings, clip)
        calls["pymicro-features" if settings == PYMICRO else "~ pymicro-features"] = pymicro_features(clip)
    times = milliseconds(calls, seconds)
    ours = times["ours"]
    print(f"{name} ({settings.spectrogram_shape[0]} columns)")
    for who, taken in times.items():
        ratio = "" if who.startswith("ours") else f"   ours is {taken / ours:.1f} times as fast"
        print(f"    {who:20} {taken:7.3f} ms {1000 / taken:7.0f} clips/s{ratio}")
    if peers:
        faster = min(taken for who, taken in times.items() if not who.startswith("ours"))
        print(f"    beside the faster of the two: {faster / ours:.1f}")


def many_threads(clip: Clip, threads: int, seconds: float) -> None:
    """Clips a second with Alexa's settings when so many threads share one front end, beside one thread."""
    frontend = Frontend(ALEXA)
    clips = np.stack([clip] * 64)

    def clips_per_second(pool: ThreadPoolExecutor, n: int) -> float:
        start = time.perf_counter()
        list(pool.map(frontend, [clips] * n))
        return n * len(clips) / (time.perf_counter() - start)

    rates: dict[int, list[float]] = {1: [], threads: []}
    with ThreadPoolExecutor(threads) as pool:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for n, found in rates.items():
                found.append(clips_per_second(pool, n))
    for n, found in rates.items():
        print(f"Alexa, to int8, {n} thread{'s' * (n > 1)}: {statistics.median(found):.0f} clips/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each figure")
    parser.add_argument("--threads", type=int, default=2, help="threads of the last line")
    parser.add_argument("--alone", action="store_true", help="leave the others out")
    args = parser.parse_args()
    if not args.alone:
        one_thread()
    clip = (np.random.default_rng(0).standard_normal(RATE * 22 // 10) * 3000).astype(np.int16)
    for name, settings in SETTINGS.items():
        compare(name, settings, clip, args.seconds, not args.alone)
    many_threads(clip, args.threads, args.seconds)


if __name__ == "__main__":
    main()
