"""Settings and signals that tests of the front end draw from."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from hypothesis import assume
from hypothesis import strategies as st

from mltk_like.audio import FrontendSettings
from mltk_like.errors import SettingError

Samples = npt.NDArray[np.int16]
ALEXA = FrontendSettings(
    sample_length_ms=1200,
    window_size_ms=30,
    filterbank_n_channels=108,
    noise_reduction_enable=True,
    noise_reduction_min_signal_remaining=0.4,
    dc_notch_filter_enable=True,
    quantize_dynamic_scale_enable=True,
)


@st.composite
def _settings(draw: st.DrawFn) -> FrontendSettings:
    window = draw(st.sampled_from([16, 18, 20, 25, 30, 32, 64]))
    noise_reduction = draw(st.booleans())
    try:
        return FrontendSettings(
            sample_rate_hz=draw(st.sampled_from([8000, 11025, 16000])),
            window_size_ms=window,
            window_step_ms=draw(st.integers(5, min(window, 30))),
            filterbank_n_channels=draw(st.integers(1, 110)),
            filterbank_upper_band_limit=draw(st.floats(1000, 4000)),
            filterbank_lower_band_limit=draw(st.floats(0, 400)),
            noise_reduction_enable=noise_reduction,
            noise_reduction_smoothing_bits=draw(st.integers(4, 12)),
            noise_reduction_even_smoothing=draw(st.floats(0, 1)),
            noise_reduction_odd_smoothing=draw(st.floats(0, 0.2)),
            noise_reduction_min_signal_remaining=draw(st.floats(0, 1)),
            pcan_enable=noise_reduction and draw(st.booleans()),
            pcan_strength=draw(st.floats(0.1, 1.5)),
            log_scale_enable=draw(st.booleans()),
            log_scale_shift=draw(st.integers(0, 8)),
            dc_notch_filter_enable=draw(st.booleans()),
            dc_notch_filter_coefficient=draw(st.floats(0, 0.99)),
            quantize_dynamic_scale_enable=draw(st.booleans()),
        )
    except SettingError:
        assume(False)
        raise


any_settings = _settings()  # over the whole space that training uses, PCAN and log-free output included


def signal(seed: int, count: int) -> Samples:
    """Noise whose loudness jumps between silence and full scale, with runs of both extremes."""
    rng = np.random.default_rng(seed)
    loudness = np.repeat(10.0 ** rng.uniform(-1, 5, count // 200 + 1), 200)[:count]
    loudness[rng.random(count) < 0.001] = 1e9
    return np.clip(rng.standard_normal(count) * loudness, -32768, 32767).astype(np.int16)


def _square(seed: int, count: int) -> Samples:
    period = np.random.default_rng(seed).integers(2, 400)
    return np.where(np.arange(count) % period < period // 2, 32767, -32768).astype(np.int16)


def _impulses(seed: int, count: int) -> Samples:
    rng = np.random.default_rng(seed)
    samples: Samples = rng.choice([1, 32767, -32768], count).astype(np.int16)
    samples[rng.random(count) >= 0.003] = 0
    return samples


def _tone(seed: int, count: int) -> Samples:
    rng = np.random.default_rng(seed)
    level = 10 ** rng.uniform(0, np.log10(32767))
    wave: npt.NDArray[np.float64] = np.sin(np.arange(count) * rng.uniform(0, np.pi) + rng.uniform(0, 7))
    return np.rint(level * wave).astype(np.int16)


def _constant(seed: int, count: int) -> Samples:
    return np.full(count, np.random.default_rng(seed).integers(-32768, 32768), np.int16)


_SIGNALS: dict[str, Callable[[int, int], Samples]] = {
    "noise": signal,
    "silence": lambda _, count: np.zeros(count, np.int16),
    "lowest": lambda _, count: np.full(count, -32768, np.int16),
    "highest": lambda _, count: np.full(count, 32767, np.int16),
    "constant": _constant,
    "square": _square,
    "impulses": _impulses,
    "tone": _tone,
}
some_signal = st.tuples(st.sampled_from(sorted(_SIGNALS)), st.integers(0, 2**32))


def any_signal(kind: str, seed: int, count: int) -> Samples:
    """So many samples of a kind that `some_signal` draws."""
    return _SIGNALS[kind](seed, count)
