"""The float32 front end: near librosa and a reference written from the definition, the same bits whatever the use."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import spectrum_reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mltk_like.audio import Frontend, FrontendSettings, SpectrumSettings, frontend_from_parameters
from mltk_like.errors import DataError, SettingError

MFCC = SpectrumSettings(window_size_ms=30, window_step_ms=20, mfcc_count=10, scale_minimum=-300, scale_maximum=100)
SMART_LOCK = SpectrumSettings(
    sample_length_ms=375,
    window_step_ms=25,
    sample_scale="int16",
    filterbank_scale="htk",
    filterbank_normalize=False,
    log="ln",
    mfcc_count=20,
    scale_minimum=-500_000,
    scale_maximum=500_000,
)
BELL = SpectrumSettings(
    sample_length_ms=264,
    window_size_ms=16,
    window_step_ms=8,
    remove_mean=True,
    window_function="hamming",
    window_periodic=False,
    power=1,
    filterbank_scale="linear",
    filterbank_n_channels=48,
    filterbank_lower_band_limit=0.0,
    log="log1p",
    mean=0.2,
    std=0.4,
)


def drawn_settings(draw: st.DrawFn) -> SpectrumSettings:
    """Settings over the whole space that training uses."""
    window = draw(st.sampled_from([16, 20, 25, 30, 32, 64]))
    rate = draw(st.sampled_from([8000, 11025, 16000, 44100]))
    bands = draw(st.integers(1, 80))
    coefficients = draw(st.integers(0, bands))
    values = coefficients or bands
    try:
        return SpectrumSettings(
            sample_rate_hz=rate,
            window_size_ms=window,
            window_step_ms=draw(st.integers(5, window)),
            sample_scale=draw(st.sampled_from(["unit", "int16"])),
            pre_emphasis=draw(st.sampled_from([0.0, 0.5, 0.96875, 1.0])),
            remove_mean=draw(st.booleans()),
            window_function=draw(st.sampled_from(["hann", "hamming"])),
            window_periodic=draw(st.booleans()),
            power=draw(st.integers(1, 2)),
            filterbank_scale=draw(st.sampled_from(["slaney", "htk", "linear"])),
            filterbank_triangles=draw(st.sampled_from(["hz", "mel"])),
            filterbank_normalize=draw(st.booleans()),
            filterbank_n_channels=bands,
            filterbank_lower_band_limit=draw(st.floats(0, 400)),
            filterbank_upper_band_limit=draw(st.floats(1000, rate / 2)),
            log=draw(st.sampled_from(["none", "ln", "log1p", "db"])),
            log_floor=draw(st.sampled_from([1e-10, 1e-6, 1e-2, 1.0])),
            mfcc_count=coefficients,
            mfcc_first=draw(st.integers(0, 1)),
            cascade=draw(st.integers(1, 5)),
            cascade_slide=draw(st.booleans()),
            mean=draw(st.floats(-20, 20)),
            std=draw(st.floats(0.1, 20)),
            means=draw(st.just(()) | st.tuples(*[st.floats(-20, 20)] * values)),
            stds=draw(st.just(()) | st.tuples(*[st.floats(0.1, 20)] * values)),
        )
    except SettingError:
        assume(False)
        raise


any_settings = st.composite(drawn_settings)()


def noise(seed: int, count: int, rms: float = 3000.0) -> npt.NDArray[np.int16]:
    """White noise with a constant part: int16 (count,)."""
    samples = np.random.default_rng(seed).standard_normal(count) * rms + 200
    return samples.clip(-32768, 32767).astype(np.int16)


def padded_for_librosa(s: SpectrumSettings, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """librosa centres a window that is shorter than the FFT; ours begins at the frame's first sample."""
    before = (s.fft_length - s.frame_samples) // 2
    return np.pad(samples / 32768, (before, s.fft_length - s.frame_samples - before))


def librosa_mel_db(s: SpectrumSettings, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    librosa = pytest.importorskip("librosa")
    power = librosa.feature.melspectrogram(
        y=padded_for_librosa(s, samples),
        sr=s.sample_rate_hz,
        n_fft=s.fft_length,
        win_length=s.frame_samples,
        hop_length=s.hop_samples,
        center=False,
        n_mels=s.filterbank_n_channels,
        fmin=s.filterbank_lower_band_limit,
        fmax=s.filterbank_upper_band_limit,
        htk=s.filterbank_scale == "htk",
        norm="slaney" if s.filterbank_normalize else None,
        dtype=np.float64,
    )
    decibels: npt.NDArray[np.float64] = librosa.power_to_db(power, amin=s.log_floor, top_db=None)
    return decibels


@pytest.mark.slow  # the import of librosa
@settings(deadline=None, max_examples=40)
@given(
    scale=st.sampled_from(["slaney", "htk"]),
    normalize=st.booleans(),
    window=st.sampled_from([20, 25, 32]),
    bands=st.integers(5, 60),
    limits=st.tuples(st.floats(0, 300), st.floats(3000, 8000)),
    coefficients=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)
def test_equals_librosa(
    scale: Any, normalize: bool, window: int, bands: int, limits: tuple[float, float], coefficients: int, seed: int
) -> None:
    librosa = pytest.importorskip("librosa")
    try:
        chosen = SpectrumSettings(
            window_size_ms=window,
            filterbank_scale=scale,
            filterbank_normalize=normalize,
            filterbank_n_channels=bands,
            filterbank_lower_band_limit=limits[0],
            filterbank_upper_band_limit=limits[1],
        )
    except SettingError:  # librosa only warns of bands without a bin
        assume(False)
        raise
    samples = noise(seed, 4000)
    decibels = librosa_mel_db(chosen, samples)
    np.testing.assert_allclose(Frontend(chosen, "float32")(samples), decibels.T, rtol=0, atol=1e-3)
    cepstra = librosa.feature.mfcc(S=decibels, n_mfcc=coefficients)
    ours = Frontend(chosen.copy(mfcc_count=coefficients), "float32")(samples)
    np.testing.assert_allclose(ours, cepstra.T, rtol=0, atol=5e-3)


@settings(deadline=None, max_examples=80)
@given(chosen=any_settings, seed=st.integers(0, 2**32), frames=st.integers(1, 12))
def test_equals_the_reference(chosen: SpectrumSettings, seed: int, frames: int) -> None:
    samples = noise(seed, chosen.window_samples + (frames - 1) * chosen.step_samples)
    expected = spectrum_reference.columns(chosen, samples)
    assert expected.shape == (frames, chosen.spectrogram_shape[1])
    found = Frontend(chosen, "float32")(samples)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=spectrum_reference.tolerance(chosen, expected))


@settings(deadline=None, max_examples=60)
@given(chosen=any_settings, seed=st.integers(0, 2**32), count=st.integers(1, 30_000))
def test_vector_path_equals_the_portable_path(chosen: SpectrumSettings, seed: int, count: int) -> None:
    native = pytest.importorskip("mltk_like._native")
    core = native.SpectrumCore(chosen)
    clips = noise(seed, count)[None]
    assert core.columns(clips).tobytes() == core.columns(clips, portable=True).tobytes()


@settings(deadline=None, max_examples=40)
@given(chosen=any_settings, seed=st.integers(0, 2**32), data=st.data())
def test_cutting_the_audio_changes_no_column(chosen: SpectrumSettings, seed: int, data: st.DataObject) -> None:
    samples = noise(seed, data.draw(st.integers(chosen.window_samples, 20_000)))
    frontend = Frontend(chosen, "float32")
    stream = frontend.stream()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(samples)), max_size=12)))
    pieces = [stream.push(piece) for piece in np.split(samples, cuts)]
    np.testing.assert_array_equal(np.concatenate(pieces), frontend(samples), strict=True)
    stream.reset()
    np.testing.assert_array_equal(stream.push(samples), frontend(samples))
    assert not stream.take_activity()


def test_shapes_of_well_known_front_ends() -> None:
    assert SMART_LOCK.spectrogram_shape == (15, 20)
    assert SMART_LOCK.copy(cascade=15).spectrogram_shape == (1, 300)
    assert BELL.spectrogram_shape == (32, 48)
    assert (BELL.frame_samples, BELL.hop_samples, BELL.fft_length) == (256, 128, 256)
    assert MFCC.spectrogram_shape == (49, 10)
    assert MFCC.copy(cascade=7).spectrogram_shape == (43, 70)
    assert MFCC.copy(cascade=7, cascade_slide=False).spectrogram_shape == (7, 70)


def test_log_spectrum_of_the_bell() -> None:
    samples = noise(1, BELL.sample_length)
    frames = np.lib.stride_tricks.sliding_window_view(samples / 32768, 256)[::128]
    centred = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.log(1 + np.abs(np.fft.rfft(centred * np.hamming(256)))[:, :48])
    np.testing.assert_allclose(Frontend(BELL, "float32")(samples), (spectrum - 0.2) / 0.4, rtol=0, atol=1e-5)


def test_a_stacked_column_is_the_window_of_frames() -> None:
    samples = noise(2, 3 * SMART_LOCK.sample_length)
    frames = Frontend(SMART_LOCK, "uint8")(samples)
    sliding = Frontend(SMART_LOCK.copy(cascade=15), "uint8")(samples)
    assert sliding.shape == (31, 300)
    for i, column in enumerate(sliding):
        np.testing.assert_array_equal(column.reshape(15, 20), frames[i : i + 15])
    in_groups = Frontend(SMART_LOCK.copy(cascade=15, cascade_slide=False), "uint8")(samples)
    np.testing.assert_array_equal(in_groups, sliding[::15], strict=True)


@given(value=st.floats(-1e6, 1e6, width=32), low=st.integers(-1000, 0), span=st.integers(1, 1000))
def test_scale_to_eight_bits(value: float, low: int, span: int) -> None:
    frontend = Frontend(MFCC.copy(scale_minimum=low, scale_maximum=low + span), "uint8")
    exact = float(np.clip(255 * (value - low) / span, 0, 255))
    found = frontend.quantise(np.full((1, 1), value, np.float32))
    assert found.dtype == np.uint8
    assert abs(float(found[0, 0]) - exact) <= 0.5 + 1e-3


def test_ends_of_the_scale() -> None:
    values = np.array([[-300, 100, -1e30, 1e30, -np.inf, np.inf, np.nan, -100]], np.float32)
    expected = np.array([[0, 255, 0, 255, 0, 255, 0, 128]], np.uint8)
    np.testing.assert_array_equal(Frontend(MFCC, "uint8").quantise(values), expected, strict=True)
    np.testing.assert_array_equal(Frontend(MFCC, "int8").quantise(values), (expected ^ 128).view(np.int8), strict=True)


def test_types_windows_and_last_columns() -> None:
    clips = np.stack([noise(seed, 35_200) for seed in range(3)])
    columns = Frontend(MFCC, "float32")(clips)
    assert columns.shape == (3, 109, 10)
    assert columns.dtype == np.float32
    for dtype in ("int8", "uint8"):
        frontend = Frontend(MFCC, dtype)
        np.testing.assert_array_equal(frontend(clips, last=49), frontend.quantise(columns[:, -49:]), strict=True)
        expected = np.stack([frontend.quantise(columns[0, start : start + 49]) for start in (0, 60)])
        np.testing.assert_array_equal(frontend.windows(columns[0], [0, 60]), expected, strict=True)
        assert expected.std() > 10
        with pytest.raises(DataError, match="do not fit"):
            frontend.windows(columns[0], [61])
        with pytest.raises(DataError, match="give float32"):
            frontend.windows(columns[0].astype(np.float64), [0])
    with pytest.raises(DataError, match="479 samples, less than one window of 480\nhint: give at least 30 ms"):
        Frontend(MFCC)(clips[0, :479])


def test_silence_and_odd_samples_give_finite_values() -> None:
    for chosen in (SMART_LOCK, BELL, MFCC):
        frontend = Frontend(chosen, "float32")
        assert np.isfinite(frontend(np.zeros(chosen.sample_length, np.int16))).all()
        odd = np.array([1.0, 2.0, np.inf, -1.0, -3.0, -np.inf, np.nan, 0.5] * (chosen.sample_length // 8), np.float32)
        meant = np.array([32767, 32767, 32767, -32768, -32768, -32768, 0, 16384] * (len(odd) // 8), np.int16)
        np.testing.assert_array_equal(frontend(odd), frontend(meant))


def test_one_object_in_many_threads() -> None:
    frontend = Frontend(MFCC, "float32")
    clips = [noise(seed, 16_000) for seed in range(8)]
    expected = [frontend(clip) for clip in clips]
    with ThreadPoolExecutor(8) as pool:
        for result, wanted in zip(pool.map(frontend, clips * 20), expected * 20, strict=True):
            np.testing.assert_array_equal(result, wanted)
        stream = frontend.stream()
        total = sum(len(columns) for columns in pool.map(lambda _: stream.push(clips[0][:1600]), range(100)))
    assert total == (160_000 - 480) // 320 + 1


def test_a_pickled_front_end_works_alike() -> None:
    frontend = Frontend(BELL, "uint8")
    samples = noise(3, 8000)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(frontend))(samples), frontend(samples), strict=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_rate_hz": 100}, r"sample_rate_hz is 100 Hz\nhint: use 1000 to 192000 Hz"),
        ({"window_size_ms": 25.5}, "window_size_ms must be a whole number"),
        ({"window_size_ms": 1000, "sample_length_ms": 500}, "longer than the clip"),
        ({"window_step_ms": 26}, r"window_step_ms is 26 ms.*\nhint: use 1 to 25 ms"),
        ({"sample_scale": "float"}, "sample_scale is 'float'\nhint: use one of 'unit', 'int16'"),
        ({"pre_emphasis": 1.5}, r"pre_emphasis is 1.5\nhint: use 0 to 1"),
        ({"filterbank_triangles": "bark"}, "use one of 'hz', 'mel'"),
        ({"remove_mean": 1}, "remove_mean must be true or false"),
        ({"window_function": 3}, "window_function is 3"),
        ({"power": 3}, "power is 3\nhint: use 1 to 2"),
        ({"filterbank_scale": "bark"}, "use one of 'slaney', 'htk', 'linear'"),
        ({"filterbank_upper_band_limit": 8001.0}, "at most half the sample rate, 8000 Hz"),
        ({"filterbank_lower_band_limit": 7600.0}, "filterbank_lower_band_limit is 7600 Hz"),
        ({"filterbank_n_channels": 250}, r"250 bands: band \d+, .* Hz, holds no FFT bin\nhint: .*31.25 Hz apart"),
        ({"filterbank_n_channels": 600}, "at most 512 on a mel scale"),
        ({"filterbank_scale": "linear", "filterbank_n_channels": 244}, "use at most 243, the FFT bins from 20 to"),
        ({"log": "log2"}, "log is 'log2'"),
        ({"log_floor": 0.0}, "log_floor is 0"),
        ({"mfcc_count": 41}, "41 coefficients from 0 on, of 40 bands\nhint: use at most 40"),
        ({"mfcc_count": 40, "mfcc_first": 1}, "use at most 39"),
        ({"cascade": 0}, "use 1 to 256 frames"),
        ({"cascade": 99}, "cascade is 99 frames, 16080 samples"),
        ({"std": 0.0}, "std is 0"),
        ({"mean": float("nan")}, "mean is nan"),
        ({"means": (1.0,) * 39}, "means are 39, and a frame has 40 values\nhint: give one for each, or none"),
        ({"mfcc_count": 2, "stds": [1.0, 0.0]}, r"stds\[1\] is 0"),
        ({"mfcc_count": 2, "stds": [1.0, True]}, r"stds\[1\] must be a number, not True"),
        ({"mfcc_count": 1, "means": 3.0}, "means must be a list of numbers, not 3.0"),
        ({"mfcc_count": 1, "means": [float("inf")]}, r"means\[0\] is inf"),
        ({"scale_maximum": -80.0}, "scale_minimum is -80 and scale_maximum -80"),
        ({"mfc_count": 3}, "did you mean 'mfcc_count'"),
    ],
)
def test_bad_settings_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        SpectrumSettings().copy(**changes)


@settings(deadline=None, max_examples=200)
@given(
    scale=st.sampled_from(["slaney", "htk", "linear"]),
    bands=st.integers(1, 513),
    window=st.integers(4, 128),
    limits=st.tuples(st.floats(0, 4000), st.floats(1, 8000)),
)
def test_python_and_the_core_refuse_the_same_banks(
    scale: Any, bands: int, window: int, limits: tuple[float, float]
) -> None:
    native = pytest.importorskip("mltk_like._native")
    values = {field: spec.default for field, spec in SpectrumSettings.__dataclass_fields__.items()}
    values |= {"filterbank_scale": scale, "filterbank_n_channels": bands, "window_size_ms": window, "window_step_ms": 4}
    values |= {"filterbank_lower_band_limit": limits[0], "filterbank_upper_band_limit": limits[1]}
    try:
        native.SpectrumCore(type("Values", (), values))
        accepted = True
    except ValueError:
        accepted = False
    try:
        SpectrumSettings(**values)
    except SettingError:
        assert not accepted
    else:
        assert accepted


def test_output_types() -> None:
    with pytest.raises(SettingError, match="no output type 'uint16'\nhint: use 'float32', 'int8' or 'uint8'"):
        Frontend(MFCC, "uint16")
    with pytest.raises(SettingError, match="no output type 'uint8'\nhint: use 'uint16', 'float32' or 'int8'"):
        Frontend(FrontendSettings(), "uint8")
    with pytest.raises(SettingError, match="cannot use these settings"):
        Frontend(FineSettings(filterbank_lower_band_limit=999.99999, filterbank_upper_band_limit=1000.0))


def in_single_precision(value: float | list[float]) -> float | list[float]:
    """As a `.tflite` keeps it."""
    return [float(np.float32(each)) for each in value] if isinstance(value, list) else float(np.float32(value))


class FineSettings(SpectrumSettings):
    """Settings that Python's checks let through."""

    def __post_init__(self) -> None:
        """Check nothing."""


@settings(deadline=None, max_examples=50)
@given(chosen=any_settings)
def test_parameters_round_trip(chosen: SpectrumSettings) -> None:
    parameters = chosen.to_parameters()
    assert parameters["spectrum.fft_length"] == chosen.fft_length
    given_lists = bool(chosen.means) + bool(chosen.stds)
    assert len(parameters) == len(SpectrumSettings.__dataclass_fields__) - 2 + given_lists + 1
    assert SpectrumSettings.from_parameters({**parameters, "latency_ms": 200}) == chosen
    assert frontend_from_parameters(parameters) == chosen
    # A `.tflite` stores single precision; the front end computes from single precision, so nothing changes.
    stored = {k: in_single_precision(v) if isinstance(v, float | list) else v for k, v in parameters.items()}
    samples = noise(0, chosen.window_samples * 3)
    restored = SpectrumSettings.from_parameters(stored)
    np.testing.assert_array_equal(Frontend(restored, "float32")(samples), Frontend(chosen, "float32")(samples))


def test_either_kind_is_read_from_parameters() -> None:
    fixed = FrontendSettings(window_size_ms=30)
    assert frontend_from_parameters(fixed.to_parameters()) == fixed
    with pytest.raises(SettingError, match=r"no front-end settings\nhint: .*'fe\.' or with 'spectrum\.'"):
        frontend_from_parameters({"volume_gain": 0})
    with pytest.raises(SettingError, match="settings of two front ends"):
        frontend_from_parameters({**fixed.to_parameters(), **MFCC.to_parameters()})
    with pytest.raises(SettingError, match=r"spectrum\.fft_length is 1024"):
        SpectrumSettings.from_parameters({**MFCC.to_parameters(), "spectrum.fft_length": 1024})


WAKE_WORD = SpectrumSettings(
    window_size_ms=64,
    window_step_ms=32,
    pre_emphasis=1 - 2**-5,
    window_function="hamming",
    window_periodic=False,
    filterbank_scale="htk",
    filterbank_triangles="mel",
    filterbank_normalize=False,
    filterbank_lower_band_limit=0.0,
    filterbank_upper_band_limit=8000.0,
    log_floor=1024 * 1e-30,
    mean=10 * np.log10(1024) - 52,
    std=64.0,
    scale_minimum=0.0,
    scale_maximum=1.0,
)
"""MLPerf Tiny's streaming wake word, as docs/front_end.md has it."""


def mlperf_tiny_features(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """(T, 40) in 0..1: the benchmark's formulas, step by step, in double precision."""
    signal = samples / 32768
    emphasised = signal - (1 - 2**-5) * np.concatenate([[0.0], signal[:-1]])
    frames = np.lib.stride_tricks.sliding_window_view(emphasised, 1024)[::512]
    power = np.abs(np.fft.rfft(frames * np.hamming(1024))) ** 2 / 1024

    def mel(hz: Any) -> Any:
        return 1127 * np.log(1 + hz / 700)

    bins = mel(np.linspace(0, 8000, 513)[1:, None])
    edges = np.linspace(mel(0), mel(8000), 42)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights = np.maximum(0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    bands = 10 * np.log10(np.maximum(power[:, 1:] @ weights, 1e-30))
    features: npt.NDArray[np.float64] = np.clip((bands + 52) / 64, 0, 1)
    return features


@pytest.mark.parametrize("level", [0.0, 3.0, 300.0, 9000.0])
def test_front_end_of_mlperf_tiny(level: float) -> None:
    """Its features on a scale of 1 / 255, but where rounding decides; quantised so, what is outside 0..1 is clipped."""
    samples = noise(7, 32_000, level) if level else np.zeros(32_000, np.int16)
    expected = 255 * mlperf_tiny_features(samples)
    found = Frontend(WAKE_WORD, "int8")(samples).astype(int) + 128
    assert np.abs(found - expected).max() <= 0.5 + 2e-3


def test_pre_emphasis_goes_on_from_frame_to_frame_and_begins_anew() -> None:
    chosen = MFCC.copy(pre_emphasis=0.9, window_step_ms=30, window_function="hamming")
    samples = noise(9, 4 * chosen.frame_samples)
    first, second = np.split(Frontend(chosen, "float32")(samples), 2)
    alone = Frontend(chosen, "float32")(samples[2 * chosen.frame_samples :])
    assert not np.array_equal(alone[0], second[0])
    np.testing.assert_array_equal(alone[1], second[1])
    stream = Frontend(chosen, "float32").stream()
    stream.push(samples)
    stream.reset()
    np.testing.assert_array_equal(stream.push(samples[: 2 * chosen.frame_samples]), first)
