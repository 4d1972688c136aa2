"""Time of the float32 front end beside librosa's MFCC, in one process, one thread: `python bench_spectrum.py`.

Both get the same clip of 1 s and make the same 13 coefficients of 40 mel bands, 25/10 ms (librosa from float32, ours
from int16), or the 40 bands in dB. Medians of many calls; run it on a quiet machine.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import librosa
import numpy as np

from mltk_like.audio import Frontend, SpectrumSettings

RATE = 16000
BANDS = SpectrumSettings(filterbank_lower_band_limit=0.0, filterbank_upper_band_limit=8000.0)


def clips_per_second(call: Callable[[], object], seconds: float) -> float:
    """From the median time of a call, over about so many seconds."""
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1 / statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each figure")
    seconds = parser.parse_args().seconds
    clip = (np.random.default_rng(0).standard_normal(RATE) * 3000).astype(np.int16)
    samples = (clip / 32768).astype(np.float32)
    shape = {"sr": RATE, "n_mels": 40, "n_fft": 512, "win_length": 400, "hop_length": 160, "center": False}
    theirs: dict[str, Callable[[], object]] = {
        "40 bands, 13 MFCC": lambda: librosa.feature.mfcc(y=samples, n_mfcc=13, **shape),
        "40 bands in dB": lambda: librosa.power_to_db(librosa.feature.melspectrogram(y=samples, **shape), top_db=None),
    }
    for (name, call), chosen in zip(theirs.items(), (BANDS.copy(mfcc_count=13), BANDS), strict=True):
        frontend = Frontend(chosen, "float32")
        core = frontend._core
        ours = clips_per_second(lambda frontend=frontend: frontend(clip), seconds)  # type: ignore[misc]
        plain = clips_per_second(lambda core=core: core.columns(clip[None], portable=True), seconds)  # type: ignore[misc]
        other = clips_per_second(call, seconds)
        print(f"{name}: {ours:.0f} clips/s, portable path {plain:.0f}, librosa {other:.0f}; ratio {ours / other:.1f}")


if __name__ == "__main__":
    main()
