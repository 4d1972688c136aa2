"""Models that keep their own state: what runs them row by row gives what whole windows give, from training to the live
loop."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from numpy.typing import NDArray

import mltk_like as mltk
from mltk_like.audio import FrontendSettings, RecogniserSettings
from mltk_like.audio.live import Listener
from mltk_like.audio.live import Step as LiveStep
from mltk_like.audio.recogniser import Detection, scores_to_uint8
from mltk_like.audio.wav import write_wav
from mltk_like.errors import CheckError, ModelError, SettingError
from mltk_like.evaluation.streams import StreamScorer, quiet_room
from mltk_like.evaluation.subject import make_scorer
from mltk_like.low_bit import LowBit
from mltk_like.nets import mixed_net
from mltk_like.quiet import import_tensorflow
from mltk_like.tflite import STREAMING_ROWS, NetInput, TfliteModel, read_parameters, summarize_tflite, write_parameters
from mltk_like.training.product import check_streaming, check_streaming_settings, make_tflite
from mltk_like.verbs.shared.building import build_net
from mltk_like.verbs.shared.engines import open_engine

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS

FRONTEND = FrontendSettings(
    sample_length_ms=412, window_size_ms=32, window_step_ms=20, filterbank_n_channels=16, noise_reduction_enable=True
)
RECOGNISER = RecogniserSettings(
    latency_ms=40, minimum_count=1, average_window_duration_ms=200, detection_threshold=150, suppression_ms=500
)
RATE = 16000
NET = {"stem": 6, "kernel": 3, "stride": 2, "blocks": ((8, (3,)), (8, (3, 5)))}


class Streamed(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    classes = ("beep", "_unknown_")
    frontend = FRONTEND
    recogniser = RECOGNISER
    streaming = True

    def network(self) -> Any:
        return mixed_net(self.input_shape, self.n_classes, **NET)


def lively(net: Any) -> Any:
    """Weights that make the outputs of a net depend on its inputs."""
    import keras

    rng = np.random.default_rng(5)
    for layer in net.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.beta.assign(rng.uniform(0, 1, layer.beta.shape))
        if layer.name == "head":
            layer.kernel.assign(4 * np.asarray(layer.kernel))
    return net


def columns(count: int) -> NDArray[np.int8]:
    return np.random.default_rng(count).integers(-128, 128, (count, 16), dtype=np.int8)


def sliding(rows: NDArray[np.int8], step: int) -> NDArray[np.int8]:
    return np.stack([rows[first : first + 20] for first in range(0, len(rows) - 19, step)])


@pytest.fixture(scope="module")
def tflite() -> bytes:
    import_tensorflow()
    model = Streamed()
    return make_tflite(model, lively(build_net(model)), columns(400).reshape(-1, 20, 1, 16))


@pytest.fixture(scope="module")
def afresh(tflite: bytes) -> Any:
    """Scores of windows, each by an interpreter of its own that is given the rows of that window alone."""

    def score(windows: NDArray[np.int8]) -> NDArray[np.uint8]:
        rows = [TfliteModel(tflite).predict(window.reshape(-1, 2, 1, 16))[-1] for window in windows]
        return scores_to_uint8(np.array(rows))

    return score


@pytest.mark.slow
def test_the_file_says_that_it_is_streaming(tflite: bytes) -> None:
    parameters, summary = read_parameters(tflite), summarize_tflite(tflite)
    assert parameters[STREAMING_ROWS] == 2
    assert "streaming.rows: 2" in str(summary)
    assert parameters["fe.window_step_ms"] == 20
    assert parameters["latency_ms"] == 40
    assert [tensor.shape for tensor in summary.inputs] == [(1, 2, 1, 16)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tflite", "tflm"])
@pytest.mark.parametrize("step", [1, 2, 4, 20])
def test_scores_of_windows_are_those_of_each_window_alone(tflite: bytes, afresh: Any, kind: str, step: int) -> None:
    """To the byte, whatever was heard before: windows that follow, overlap, stand apart, come again, are all alike."""
    rows = columns(90)
    rows[30:60] = 7
    windows = np.concatenate([sliding(rows, step), sliding(rows, 2)[::-1], np.zeros((3, 20, 16), np.int8)])
    wanted = afresh(windows)
    assert np.ptp(wanted, axis=0).max() > 20
    score = make_scorer(tflite, kind)
    if kind == "tflm":
        reference = make_scorer(tflite, kind)
        wanted = np.concatenate([reference(window[np.newaxis]) for window in windows[::7]])
        assert np.array_equal(score(windows)[::7], wanted)
        return
    found = [score(part) for part in np.array_split(windows, 5)]
    assert np.array_equal(np.concatenate(found), wanted)
    assert score(windows[:0]).shape == (0, 2)


def test_windows_that_follow_cost_one_inference_each(tflite: bytes) -> None:
    windows = sliding(columns(60), 2)
    net_input = NetInput(tflite)
    inputs, ends = net_input(windows[:10])
    assert inputs.shape == (10 + 9, 2, 1, 16)
    assert ends.tolist() == [9, *range(10, 19)]
    assert np.array_equal(inputs.reshape(-1, 16), columns(60)[: 20 + 18])
    assert net_input(windows[10:12])[1].tolist() == [0, 1]
    assert net_input(windows[14:15])[1].tolist() == [2]  # 3 inferences' rows are new
    assert net_input(windows[3:4])[1].tolist() == [9]
    net_input.forget()
    assert net_input(windows[4:5])[1].tolist() == [9]


@pytest.mark.parametrize("engine", ["litert", "tflm"])
def test_the_live_loop_says_what_the_stream_says(tflite: bytes, engine: str) -> None:
    samples = (np.random.default_rng(8).standard_normal(16000 * 2) * np.linspace(10, 9000, 32000)).astype(np.int16)
    scored = StreamScorer(FRONTEND, 40, make_scorer(tflite, engine.replace("litert", "tflite"))).long([samples])
    with open_engine(engine, tflite, FRONTEND.spectrogram_shape) as net:
        steps = [
            step
            for step in Listener(FRONTEND, RECOGNISER, ("beep", "_unknown_"), net).push(samples)
            if isinstance(step, LiveStep)
        ]
    heard = [(step.time_ms, step.scores) for step in steps if step.scores is not None]
    assert len(heard) > 30
    assert [time for time, _ in heard] == scored.times_ms.tolist()
    assert [scores for _, scores in heard] == [tuple(row) for row in scored.scores.tolist()]
    # Nothing counts before a whole window has been heard.
    assert steps[0].scores is None
    assert heard[0][0] == 440


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"frontend": FRONTEND.copy(quantize_dynamic_scale_enable=True)},
            "a dynamic scale depends on the whole window",
        ),
        ({"low_bit": LowBit()}, "a net of few bits cannot keep its own state"),
        ({"recogniser": RECOGNISER.copy(latency_ms=50)}, "latency_ms=50 is no multiple of the 20 ms"),
    ],
)
def test_settings_that_cannot_be_streamed_are_refused_before_anything_is_done(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        check_streaming_settings(Streamed().with_settings(**settings))
    check_streaming_settings(Streamed().with_settings(**settings, streaming=False))


def test_a_net_that_does_not_fit_its_settings_is_refused_before_training() -> None:
    with pytest.raises(SettingError, match=r"latency_ms=60 is no multiple of the 40 ms .*\(2 rows of 20 ms\)"):
        build_net(Streamed().with_settings(recogniser=RECOGNISER.copy(latency_ms=60)))
    with pytest.raises(ModelError, match="a window of 19 rows is no multiple of the 2") as odd:
        build_net(Streamed().with_settings(frontend=FRONTEND.copy(sample_length_ms=392)))
    assert odd.value.hint == "make sample_length_ms 1 steps (window_step_ms) shorter, or 1 longer"


def test_a_net_that_says_something_else_row_by_row_is_refused() -> None:
    import_tensorflow()
    import keras
    from keras import layers

    inputs = keras.Input((20, 1, 16))
    x = layers.Conv2D(4, (3, 1), strides=(2, 1), name="stem")(layers.Cropping2D(((0, 3), (0, 0)))(inputs))
    x = layers.Conv2D(2, (x.shape[1], 1), name="head")(x)
    net = keras.Model(inputs, layers.Softmax()(keras.ops.reshape(x, (-1, 2))))
    with pytest.raises(CheckError, match="row by row the net says something else"):
        check_streaming(Streamed(), net)


def test_a_file_that_contradicts_itself_is_refused(tflite: bytes) -> None:
    parameters = read_parameters(tflite)
    with pytest.raises(ModelError, match=r"streaming.rows is 3, the net takes \(2, 1, 16\)"):
        make_scorer(write_parameters(tflite, {**parameters, STREAMING_ROWS: 3}))
    unmarked = write_parameters(tflite, {name: v for name, v in parameters.items() if name != STREAMING_ROWS})
    with pytest.raises(ModelError, match=r"the net takes \(2, 1, 16\), the front end gives \(20, 16\)"):
        make_scorer(unmarked)(sliding(columns(40), 2))
    with pytest.raises(ModelError, match="the front end gives"), open_engine("litert", tflite, (21, 16)):
        pass


def test_parameters_of_a_streaming_model(tflite: bytes, tmp_path: Path) -> None:
    path = tmp_path / "streamed.tflite"
    path.write_bytes(tflite)
    with pytest.raises(SettingError, match="latency_ms=100 is no multiple of the 40 ms"):
        mltk.update_params(path, ["latency_ms=100"])
    with pytest.raises(SettingError, match="a fact of the net"):
        mltk.update_params(path, ["streaming.rows="])
    mltk.update_params(path, ["latency_ms=80"])
    assert read_parameters(path.read_bytes())["latency_ms"] == 80
    header = (mltk.export(path, output=tmp_path / "c").files[0]).read_text()
    assert "#define STREAMING_ROWS 2\n" in header
    assert "#define RESOURCE_VARIABLE_COUNT 5\n" in header


@pytest.mark.slow
def test_from_training_to_listening(shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    toy = write_streaming_toy(tmp_path / "models")
    result = mltk.train(str(toy), workers=0, progress=False)
    data = (result.folder / "toy.tflite").read_bytes()
    assert read_parameters(data)[STREAMING_ROWS] == 2
    assert set(result.evaluations) == {"keras", "tflite"}
    assert result.profile is not None
    assert result.profile.input == "2x1x16 (int8)"

    judged = {kind: found.curves for kind, found in result.evaluations.items()}
    judged["tflm"] = mltk.evaluate(result.folder, tflm=True, progress=False).curves
    again = mltk.evaluate(result.folder, tflite=True, progress=False).curves
    for condition, curve in judged["tflite"].items():
        assert curve.to_dict() == again[condition].to_dict()
        # Reference kernels and the float net differ from the fast int8 ones in single steps.
        for kind in ("tflm", "keras"):
            other = judged[kind][condition].at(150)
            assert abs(other.misses_fraction - curve.at(150).misses_fraction) <= 0.2, kind
    assert min(curve.at(150).misses_fraction for curve in judged["tflite"].values()) < 0.5
    assert mltk.profile(result.folder).macs == result.profile.macs
    whole = mltk.profile(toys_window_copy(toy), build=True)
    assert whole.macs > 4 * result.profile.macs

    before = data
    mltk.quantize(result.folder)
    again = (result.folder / "toy.tflite").read_bytes()
    windows = sliding(columns(200), 2)
    assert np.array_equal(make_scorer(before)(windows), make_scorer(again)(windows))

    clip = np.concatenate([quiet_room(np.random.default_rng(each), 1.0, RATE) for each in range(3)])
    word = toys.beep(np.random.default_rng(9))
    clip[RATE : RATE + len(word)] += word
    wav = tmp_path / "clip.wav"
    write_wav(wav, clip, RATE)
    for engine in ("litert", "tflm"):
        heard = list(mltk.classify_audio(result.folder, input=wav, engine=engine))
        assert {event.label for event in heard if isinstance(event, Detection)} == {"beep"}, engine

    rooms = tmp_path / "models" / "audio" / "other"
    mined = mltk.mine(result.folder, [rooms], output=tmp_path / "mined", threshold=1, progress=False)
    assert mined.files > 0
    mltk.report(result.folder, output=tmp_path / "page")
    (page,) = (tmp_path / "page").rglob("*.html")
    assert "new columns of sound an inference takes" in page.read_text()


def write_streaming_toy(folder: Path) -> Path:
    """The toy with a mixed_net in place of its own net."""
    path = toys.write_toy(
        folder,
        settings=f"""epochs = 4
steps_per_epoch = 12
streaming = True

def network(self):
    from mltk_like.nets import mixed_net
    return mixed_net(self.input_shape, self.n_classes, **{NET!r})
""",
    )
    text = path.read_text().replace(
        "    def network(self):\n        import keras", "    def _other(self):\n        import keras"
    )
    text = text.replace("quantize_dynamic_scale_enable=True", "quantize_dynamic_scale_enable=False")
    text = text.replace("sample_length_ms=400", "sample_length_ms=412").replace("latency_ms=100", "latency_ms=40")
    path.write_text(text)
    return path


def toys_window_copy(toy: Path) -> str:
    """The same model on whole windows."""
    path = toy.with_name("toy_whole.py")
    path.write_text(toy.read_text().replace("streaming = True", "streaming = False"))
    return str(path)
