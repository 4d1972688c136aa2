"""The front end: equal to recorded vectors and to a reference written from the definition, whatever the use."""

import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import frontend_reference
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mltk_like.audio import Frontend, FrontendSettings
from mltk_like.errors import DataError, SettingError

DATA = Path(__file__).parent / "data" / "frontend"
Case = tuple[dict[str, Any], npt.NDArray[np.int16], npt.NDArray[Any]]
ALEXA = FrontendSettings(
    sample_length_ms=1200,
    window_size_ms=30,
    filterbank_n_channels=108,
    noise_reduction_enable=True,
    noise_reduction_min_signal_remaining=0.4,
    dc_notch_filter_enable=True,
    quantize_dynamic_scale_enable=True,
)


def drawn_settings(draw: st.DrawFn) -> FrontendSettings:
    """Settings over the whole space that training uses, PCAN and log-free output included."""
    window = draw(st.sampled_from([16, 20, 25, 30, 32, 64]))
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


any_settings = st.composite(drawn_settings)()


def signal(seed: int, count: int) -> npt.NDArray[np.int16]:
    """Noise whose loudness jumps between silence and full scale, with runs of both extremes."""
    rng = np.random.default_rng(seed)
    loudness = np.repeat(10.0 ** rng.uniform(-1, 5, count // 200 + 1), 200)[:count]
    loudness[rng.random(count) < 0.001] = 1e9
    return np.clip(rng.standard_normal(count) * loudness, -32768, 32767).astype(np.int16)


def load(folder: Path, name: str) -> list[Case]:
    arrays = np.load(folder / f"{name}.npz")
    cases = json.loads((folder / f"{name}.json").read_text())
    return [(case, arrays[f"x{case['index']}"], arrays[f"y{case['index']}"]) for case in cases]


def check_vectors(cases: list[Case]) -> int:
    refused = 0
    for case, samples, expected in cases:
        values = case["settings"]
        if values["window_step_ms"] > values["window_size_ms"]:
            with pytest.raises(SettingError, match="window_step_ms"):
                FrontendSettings(**values)
            refused += 1
            continue
        result = Frontend(FrontendSettings(**values), case["dtype"])(samples)
        np.testing.assert_array_equal(result, expected, err_msg=f"case {case['index']}", strict=True)
    return refused


def test_recorded_vectors() -> None:
    cases = load(DATA, "golden")
    assert len(cases) > 40
    assert check_vectors(cases) == 0


@pytest.mark.skipif("MLTK_LIKE_GOLDEN" not in os.environ, reason="MLTK_LIKE_GOLDEN names no folder of vectors")
def test_all_recorded_vectors() -> None:
    cases = load(Path(os.environ["MLTK_LIKE_GOLDEN"]), "frontend")
    assert len(cases) == 140
    assert check_vectors(cases) == 4  # their step is longer than the window


@settings(deadline=None, max_examples=12)
@given(chosen=any_settings, seed=st.integers(0, 2**32), frames=st.integers(1, 9))
def test_equals_the_reference(chosen: FrontendSettings, seed: int, frames: int) -> None:
    samples = signal(seed, chosen.window_samples + (frames - 1) * chosen.step_samples)
    expected = frontend_reference.columns(chosen, samples)
    np.testing.assert_array_equal(Frontend(chosen, "uint16")(samples), expected, strict=True)
    quantised = frontend_reference.quantise(chosen, expected)
    np.testing.assert_array_equal(Frontend(chosen, "int8")(samples), quantised, strict=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # TensorFlow's own
@settings(deadline=None, max_examples=60)
@given(chosen=any_settings, seed=st.integers(0, 2**32))
def test_equals_tensorflows_op(chosen: FrontendSettings, seed: int) -> None:
    """Equal, but for 480-sample windows: there the op computes one window coefficient otherwise."""
    tf = pytest.importorskip("tensorflow")
    from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op

    chosen = chosen.copy(noise_reduction_enable=True, dc_notch_filter_enable=False)
    samples = signal(seed, chosen.window_samples + 40 * chosen.step_samples)
    theirs = audio_microfrontend_op.audio_microfrontend(
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
    different = np.mean(Frontend(chosen, "uint16")(samples) != theirs)
    assert different <= (0.15 if chosen.window_samples == 480 else 0)


@settings(deadline=None, max_examples=60)
@given(chosen=any_settings, seed=st.integers(0, 2**32), count=st.integers(1, 40_000))
def test_vector_path_equals_the_portable_path(chosen: FrontendSettings, seed: int, count: int) -> None:
    native = pytest.importorskip("mltk_like._native")
    core = native.FrontendCore(chosen)
    clips = signal(seed, count)[None]
    np.testing.assert_array_equal(core.columns(clips), core.columns(clips, portable=True))


@settings(deadline=None, max_examples=40)
@given(chosen=any_settings, seed=st.integers(0, 2**32), data=st.data())
def test_cutting_the_audio_changes_no_column(chosen: FrontendSettings, seed: int, data: st.DataObject) -> None:
    samples = signal(seed, data.draw(st.integers(chosen.window_samples, 20_000)))
    frontend = Frontend(chosen, "uint16")
    stream = frontend.stream()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(samples)), max_size=12)))
    pieces = [stream.push(piece) for piece in np.split(samples, cuts)]
    np.testing.assert_array_equal(np.concatenate(pieces), frontend(samples))
    stream.reset()
    np.testing.assert_array_equal(stream.push(samples), frontend(samples))


def test_shapes_types_and_last_columns() -> None:
    clips = np.stack([signal(seed, 35_200) for seed in range(3)])
    columns = Frontend(ALEXA, "uint16")(clips)
    assert columns.shape == (3, 218, 108)
    assert columns.dtype == np.uint16
    floats = Frontend(ALEXA, np.float32)(clips)
    np.testing.assert_array_equal(floats, columns.astype(np.float32), strict=True)
    frontend = Frontend(ALEXA)
    assert frontend(clips[0]).shape == (218, 108)
    np.testing.assert_array_equal(frontend(clips, last=118), frontend.quantise(columns[:, -118:]), strict=True)
    np.testing.assert_array_equal(frontend(clips[1], last=118), frontend.quantise(columns[1, -118:]), strict=True)
    assert ALEXA.spectrogram_shape == (118, 108)
    assert (ALEXA.fft_length, ALEXA.window_samples, ALEXA.step_samples, ALEXA.sample_length) == (512, 480, 160, 19200)


def test_windows_are_quantised_one_by_one() -> None:
    frontend = Frontend(ALEXA, "uint16")
    columns = frontend(signal(5, 48_000))
    starts = [0, 40, len(columns) - 118]
    expected = np.stack([frontend.quantise(columns[start : start + 118]) for start in starts])
    np.testing.assert_array_equal(frontend.windows(columns, starts), expected, strict=True)
    assert frontend.windows(columns, []).shape == (0, 118, 108)
    for bad in ([-1], [len(columns) - 117]):
        with pytest.raises(DataError, match="do not fit"):
            frontend.windows(columns, bad)


def test_float_samples_saturate() -> None:
    chosen = FrontendSettings(sample_length_ms=100)
    frontend = Frontend(chosen, "uint16")
    samples = signal(1, 1600)
    dtype: Any
    for dtype in (np.float32, np.float64):
        np.testing.assert_array_equal(frontend((samples / 32768).astype(dtype)), frontend(samples))
        odd = np.array([1.0, 2.0, np.inf, -1.0, -3.0, -np.inf, np.nan, 0.99999, -0.00004] * 60, dtype)
        meant = np.array([32767, 32767, 32767, -32768, -32768, -32768, 0, 32767, -1] * 60, np.int16)
        np.testing.assert_array_equal(frontend(odd), frontend(meant))


def test_one_object_in_many_threads() -> None:
    frontend = Frontend(ALEXA)
    clips = [signal(seed, 35_200) for seed in range(8)]
    expected = [frontend(clip) for clip in clips]
    with ThreadPoolExecutor(8) as pool:
        for result, wanted in zip(pool.map(frontend, clips * 20), expected * 20, strict=True):
            np.testing.assert_array_equal(result, wanted)


def test_one_stream_in_many_threads_loses_nothing() -> None:
    stream = Frontend(ALEXA).stream()
    piece = signal(2, 1600)
    with ThreadPoolExecutor(8) as pool:
        total = sum(len(columns) for columns in pool.map(lambda _: stream.push(piece), range(100)))
    assert total == (160_000 - 480) // 160 + 1


def test_activity_is_reported_once() -> None:
    chosen = FrontendSettings(activity_detection_enable=True)
    stream = Frontend(chosen).stream()
    tone = (20_000 * np.sin(np.arange(8000) * 0.5)).astype(np.int16)
    stream.push(tone)
    assert not stream.take_activity()
    stream.push(np.zeros(4000, np.int16))
    stream.push(tone)
    assert stream.take_activity()
    assert not stream.take_activity()


def test_a_pickled_front_end_works_alike() -> None:
    frontend = Frontend(ALEXA, "float32")
    samples = signal(3, 19_200)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(frontend))(samples), frontend(samples), strict=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_rate_hz": 100}, r"sample_rate_hz is 100 Hz\nhint: use 1000 to 192000 Hz"),
        ({"window_size_ms": 25.5}, "window_size_ms must be a whole number"),
        ({"window_size_ms": 1000, "sample_length_ms": 500}, "longer than the clip"),
        ({"window_step_ms": 26}, r"window_step_ms is 26 ms.*\nhint: use 1 to 25 ms"),
        ({"window_size_ms": 1, "window_step_ms": 1, "sample_rate_hz": 8000}, "8 samples"),
        ({"filterbank_upper_band_limit": 8001.0}, "at most half the sample rate, 8000 Hz"),
        ({"filterbank_lower_band_limit": 7500.0}, "filterbank_lower_band_limit is 7500 Hz"),
        ({"filterbank_n_channels": 500}, "use at most 472, two for each FFT bin"),
        ({"noise_reduction_enable": 1}, "must be true or false"),
        ({"log_scale_shift": True}, "whole number"),
        ({"pcan_enable": True}, "pcan_enable needs noise_reduction_enable"),
        ({"pcan_enable": True, "noise_reduction_enable": True, "pcan_gain_bits": 12}, "use at least 15 bits"),
        ({"dc_notch_filter_coefficient": 1.0}, "dc_notch_filter_coefficient is 1"),
        ({"quantize_dynamic_scale_range_db": float("nan")}, "use 1 to 200 dB"),
        ({"filterbank_n_chanels": 3}, "did you mean 'filterbank_n_channels'"),
    ],
)
def test_bad_settings_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        FrontendSettings().copy(**changes)


def test_bad_audio_is_refused() -> None:
    frontend = Frontend(FrontendSettings())
    with pytest.raises(DataError, match="399 samples"):
        frontend(np.zeros(399, np.int16))
    with pytest.raises(DataError, match="int32"):
        frontend(np.zeros(400, np.int32))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="3 dimensions"):
        frontend(np.zeros((1, 1, 400), np.int16))
    with pytest.raises(DataError, match="last=2"):
        frontend(np.zeros(400, np.int16), last=2)
    with pytest.raises(DataError, match="one dimension"):
        frontend.stream().push(np.zeros((1, 400), np.int16))
    with pytest.raises(DataError, match="uint16"):
        frontend.quantise(np.zeros((4, 32), np.int8))
    with pytest.raises(SettingError, match="float16"):
        Frontend(FrontendSettings(), "float16")


@settings(deadline=None, max_examples=50)
@given(chosen=any_settings)
def test_parameters_round_trip(chosen: FrontendSettings) -> None:
    parameters = chosen.to_parameters()
    assert len(parameters) == 28
    assert list(parameters)[:3] == ["fe.sample_rate_hz", "fe.fft_length", "fe.sample_length_ms"]
    assert FrontendSettings.from_parameters({**parameters, "latency_ms": 200}) == chosen
    # A `.tflite` stores single precision; the front end computes from single precision, so nothing changes.
    stored = {k: float(np.float32(v)) if isinstance(v, float) else v for k, v in parameters.items()}
    samples = signal(0, chosen.window_samples * 3)
    restored = FrontendSettings.from_parameters(stored)
    np.testing.assert_array_equal(Frontend(restored)(samples), Frontend(chosen)(samples))


def test_parameters_that_contradict_are_refused() -> None:
    with pytest.raises(SettingError, match="no front-end settings"):
        FrontendSettings.from_parameters({"volume_gain": 0})
    with pytest.raises(SettingError, match=r"fe\.fft_length is 1024"):
        FrontendSettings.from_parameters({**ALEXA.to_parameters(), "fe.fft_length": 1024})
