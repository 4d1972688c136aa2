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
from frontend_cases import ALEXA, any_settings, any_signal, signal, some_signal
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mltk_like.audio import Frontend, FrontendSettings
from mltk_like.errors import DataError, SettingError
from mltk_like.tflite.parameters import read_parameters

DATA = Path(__file__).parent / "data" / "frontend"
FLOAT32_MIN = float(np.finfo(np.float32).tiny)
Case = tuple[dict[str, Any], npt.NDArray[np.int16], npt.NDArray[Any]]


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
@given(chosen=any_settings, kind=some_signal, frames=st.integers(1, 9))
def test_equals_the_reference(chosen: FrontendSettings, kind: tuple[str, int], frames: int) -> None:
    samples = any_signal(*kind, chosen.window_samples + (frames - 1) * chosen.step_samples)
    expected = frontend_reference.columns(chosen, samples)
    np.testing.assert_array_equal(Frontend(chosen, "uint16")(samples), expected, strict=True)
    quantised = frontend_reference.quantise(chosen, expected)
    np.testing.assert_array_equal(Frontend(chosen, "int8")(samples), quantised, strict=True)


@settings(deadline=None, max_examples=60)
@given(chosen=any_settings, kind=some_signal, count=st.integers(1, 40_000))
def test_vector_path_equals_the_portable_path(chosen: FrontendSettings, kind: tuple[str, int], count: int) -> None:
    native = pytest.importorskip("mltk_like._native")
    core = native.FrontendCore(chosen)
    clips = any_signal(*kind, count)[None]
    np.testing.assert_array_equal(core.columns(clips), core.columns(clips, portable=True))


@settings(deadline=None, max_examples=40)
@given(chosen=any_settings, kind=some_signal, data=st.data())
def test_cutting_the_audio_changes_no_column(
    chosen: FrontendSettings, kind: tuple[str, int], data: st.DataObject
) -> None:
    samples = any_signal(*kind, data.draw(st.integers(chosen.window_samples, 20_000)))
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


ALPHA, THRESHOLD = st.floats(0, 1, width=32), st.floats(0, 7.875, width=32)


@settings(deadline=None, max_examples=10)
@example(alphas=(0.5, 0.8), thresholds=(7.875, 0.8), bands=1)  # the average times either threshold passes 2^31
@example(alphas=(0.0, 0.5), thresholds=(7.875, 1.6), bands=1)
@given(alphas=st.tuples(ALPHA, ALPHA), thresholds=st.tuples(THRESHOLD, THRESHOLD), bands=st.integers(1, 40))
def test_activity_at_full_scale(alphas: tuple[float, float], thresholds: tuple[float, float], bands: int) -> None:
    """Half a minute of full scale, silence and full scale again, beside the same in integers without end."""
    chosen = FrontendSettings(
        sample_rate_hz=8000,
        window_size_ms=16,
        filterbank_n_channels=bands,
        filterbank_upper_band_limit=4000,
        activity_detection_enable=True,
        activity_detection_alpha_a=alphas[0],
        activity_detection_alpha_b=alphas[1],
        activity_detection_arm_threshold=thresholds[0],
        activity_detection_trip_threshold=thresholds[1],
    )
    loud = np.tile(np.repeat(np.array([32767, -32767], np.int16), 5), 30_000)
    samples = np.concatenate([loud, np.zeros(8000, np.int16), loud])
    trips = frontend_reference.activity(chosen, samples)
    stream, at, found, meant = Frontend(chosen).stream(), 0, [], []
    for piece in np.array_split(samples, 300):  # alternately more and fewer windows than go side by side
        for part in np.split(piece, [7 * len(piece) // 8]):
            columns = len(stream.push(part))
            found.append(stream.take_activity())
            meant.append(any(trips[at : at + columns]))
            at += columns
    assert at == len(trips)
    assert found == meant
    assert any(meant) or thresholds not in ((7.875, 0.8), (7.875, 1.6))


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


def mltk_entry(builder: Any, key: str, value: bool | int | float) -> int:
    """An entry as Silicon Labs' writer makes it: the smallest whole type, 32 bit floats but 64 for 0.0 and below."""
    if isinstance(value, bool):
        kind, field = 1, "Bool"
    elif isinstance(value, int):
        whole = [(2, "Int8", -128, 127), (3, "Uint8", 0, 255), (4, "Int16", -32768, 32767), (5, "Uint16", 0, 65535)]
        fitting = [(kind, field) for kind, field, low, high in whole if low <= value <= high]
        kind, field = fitting[0] if fitting else (6, "Int32")
    else:
        kind, field = (10, "Float32") if value >= FLOAT32_MIN else (11, "Float64")
    name = builder.CreateString(key)
    builder.StartObject(1)
    getattr(builder, f"Prepend{field}Slot")(0, value, 0)
    table = builder.EndObject()
    builder.StartObject(3)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUint8Slot(1, kind, 0)
    builder.PrependUOffsetTRelativeSlot(2, table, 0)
    return int(builder.EndObject())


def mltk_model(parameters: dict[str, Any]) -> bytes:
    """A `.tflite` of one empty graph whose metadata holds these parameters, field by field from both schemas."""
    import flatbuffers

    def vector(builder: Any, items: list[int]) -> int:
        builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            builder.PrependUOffsetTRelative(item)
        return int(builder.EndVector())

    def table(builder: Any, fields: int, **offsets: int) -> int:
        builder.StartObject(fields)
        for slot, offset in offsets.items():
            builder.PrependUOffsetTRelativeSlot(int(slot[1:]), offset, 0)
        return int(builder.EndObject())

    inner = flatbuffers.Builder(64)
    inner.ForceDefaults(True)
    entries = vector(inner, [mltk_entry(inner, key, value) for key, value in parameters.items()])
    inner.StartObject(2)
    inner.PrependUint8Slot(0, 1, 0)  # version of the dictionary
    inner.PrependUOffsetTRelativeSlot(1, entries, 0)
    inner.Finish(inner.EndObject())
    outer = flatbuffers.Builder(64)
    buffers = [table(outer, 1), table(outer, 1, _0=outer.CreateByteVector(bytes(inner.Output())))]
    name = outer.CreateString("SL_PARAMSv1")
    outer.StartObject(2)
    outer.PrependUOffsetTRelativeSlot(0, name, 0)
    outer.PrependUint32Slot(1, 1, 0)  # the buffer
    metadata = [int(outer.EndObject())]
    graphs = vector(outer, [table(outer, 5)])
    outer.Finish(table(outer, 8, _2=graphs, _4=vector(outer, buffers), _6=vector(outer, metadata)), b"TFL3")
    return bytes(outer.Output())


@settings(deadline=None, max_examples=30)
@given(chosen=any_settings)
def test_settings_of_any_mltk_model(chosen: FrontendSettings) -> None:
    stored = {
        key: float(np.float32(value)) if isinstance(value, float) and value >= FLOAT32_MIN else value
        for key, value in chosen.to_parameters().items()
    }
    read = read_parameters(mltk_model({"version": 1, **chosen.to_parameters(), "latency_ms": 200}))
    assert FrontendSettings.from_parameters(read).to_parameters() == stored


def test_parameters_that_contradict_are_refused() -> None:
    with pytest.raises(SettingError, match="no front-end settings"):
        FrontendSettings.from_parameters({"volume_gain": 0})
    with pytest.raises(SettingError, match=r"fe\.fft_length is 1024"):
        FrontendSettings.from_parameters({**ALEXA.to_parameters(), "fe.fft_length": 1024})
