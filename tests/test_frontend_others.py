"""The front end beside two others of its family: equal, but for table entries that they round otherwise."""

from typing import Any
from unittest import mock

import frontend_reference
import numpy as np
import numpy.typing as npt
import pytest
from frontend_cases import any_settings, any_signal, some_signal
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.audio import Frontend, FrontendSettings

Ints = npt.NDArray[np.int64]
# The only settings that pymicro-features has.
PYMICRO = FrontendSettings(window_size_ms=30, filterbank_n_channels=40, noise_reduction_enable=True, pcan_enable=True)


def tensorflows_hann(size: int) -> Ints:
    """Window of TensorFlow's op, Q12: the cosine is not rounded to single precision before its use."""
    step = np.float64(np.float32(2 * np.pi / size))
    value = (0.5 - 0.5 * np.cos(step * (np.arange(size) + 0.5))).astype(np.float32)
    return np.floor(value.astype(np.float64) * 4096 + 0.5).astype(np.int64)


def single_precision_mel(hz: np.float32) -> np.float32:
    """Mel scale of pymicro-features: a logarithm in single precision."""
    return np.float32(1127.0 * float(np.log1p(np.float32(hz) / np.float32(700))))


def test_window_coefficients_that_differ_from_tensorflows() -> None:
    """None in most windows; one of 480 (30 ms at 16 kHz), which lies half-way between 53 and 54."""

    def different(size: int) -> list[tuple[int, ...]]:
        ours, theirs = frontend_reference.hann(size), tensorflows_hann(size)
        return [(int(i), int(ours[i]), int(theirs[i])) for i in np.flatnonzero(ours != theirs)]

    assert different(480) == [(17, 54, 53)]
    at_16_khz = {ms: different(16 * ms) for ms in range(1, 65)}
    assert [ms for ms, found in at_16_khz.items() if found] == [6, 18, 30, 42, 52, 54, 56]
    assert all(len(found) == 1 and abs(found[0][1] - found[0][2]) == 1 for found in at_16_khz.values() if found)
    assert not any(different(8 * ms) for ms in (10, 16, 20, 25, 30, 32, 40, 50, 64))


def op_columns(chosen: FrontendSettings, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.uint16]:
    tf = pytest.importorskip("tensorflow")
    from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op

    out: npt.NDArray[Any] = audio_microfrontend_op.audio_microfrontend(
        tf.constant(samples),
        sample_rate=chosen.sample_rate_hz,
        window_size=chosen.window_size_ms,
        window_step=chosen.window_step_ms,
        num_channels=chosen.filterbank_n_channels,
        upper_band_limit=chosen.filterbank_upper_band_limit,
        lower_band_limit=chosen.filterbank_lower_band_limit,
        smoothing_bits=chosen.noise_reduction_smoothing_bits,
        even_smoothing=chosen.noise_reduction_even_smoothing,
        odd_smoothing=chosen.noise_reduction_odd_smoothing,
        min_signal_remaining=chosen.noise_reduction_min_signal_remaining,
        enable_pcan=chosen.pcan_enable,
        pcan_strength=chosen.pcan_strength,
        pcan_offset=chosen.pcan_offset,
        gain_bits=chosen.pcan_gain_bits,
        enable_log=chosen.log_scale_enable,
        scale_shift=chosen.log_scale_shift,
    ).numpy()
    return out.astype(np.uint16)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # TensorFlow's own
@settings(deadline=None, max_examples=80)
@given(chosen=any_settings, kind=some_signal)
def test_equals_tensorflows_op(chosen: FrontendSettings, kind: tuple[str, int]) -> None:
    """Every cell; where a window coefficient differs, the reference with the op's window stands in for ours.

    The op refuses bands that reach the last FFT bin, which ours has room for.
    """
    tf = pytest.importorskip("tensorflow")
    chosen = chosen.copy(noise_reduction_enable=True, dc_notch_filter_enable=False)
    size = chosen.window_samples
    if np.array_equal(frontend_reference.hann(size), tensorflows_hann(size)):
        samples = any_signal(*kind, size + 40 * chosen.step_samples)
        expected = Frontend(chosen, "uint16")(samples)
    else:
        samples = any_signal(*kind, size + 8 * chosen.step_samples)
        with mock.patch.object(frontend_reference, "hann", tensorflows_hann):
            expected = frontend_reference.columns(chosen, samples)
    try:
        theirs = op_columns(chosen, samples)
    except tf.errors.InternalError:
        spacing = chosen.sample_rate_hz / chosen.fft_length
        assert chosen.filterbank_upper_band_limit > chosen.sample_rate_hz / 2 - spacing
        return
    np.testing.assert_array_equal(theirs, expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@settings(deadline=None, max_examples=30)
@given(kind=some_signal, bands=st.integers(8, 108))
def test_tensorflows_op_is_near_for_30_ms_windows(kind: tuple[str, int], bands: int) -> None:
    """Before the log no band is further than two units of the FFT's output, 64 units of a band each."""
    chosen = FrontendSettings(
        window_size_ms=30, filterbank_n_channels=bands, noise_reduction_enable=True, log_scale_enable=False
    )
    samples = any_signal(*kind, 16_000)
    ours, theirs = Frontend(chosen, "uint16")(samples).astype(int), op_columns(chosen, samples).astype(int)
    assert np.abs(ours - theirs).max() <= 128


def pymicro_columns(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    process = pytest.importorskip("pymicro_features").MicroFrontend().process_samples
    pieces = np.split(samples, range(160, len(samples), 160))
    answers = [process(piece.tobytes()).features for piece in pieces]
    return np.array([answer for answer in answers if answer]) / 0.0390625


@settings(deadline=None, max_examples=8)
@given(kind=some_signal, seed=st.integers(0, 2**32))
def test_equals_pymicro_features(kind: tuple[str, int], seed: int) -> None:
    """Every cell, with its mel scale; ours differ from it by 1/4096 of the energy of three FFT bins."""
    samples = np.concatenate([any_signal(*kind, 2000), any_signal("noise", seed, 1200)])
    ours = frontend_reference.mel_filters(PYMICRO)
    with mock.patch.object(frontend_reference, "mel", single_precision_mel):
        theirs = frontend_reference.mel_filters(PYMICRO)
        expected = frontend_reference.columns(PYMICRO, samples)
    assert sorted({int(fft_bin) for fft_bin in np.nonzero(ours != theirs)[1]}) == [149, 221, 225]
    assert np.abs(ours - theirs).max() == 1
    np.testing.assert_array_equal(pymicro_columns(samples), expected)
