"""A scale of its own for each value of a frame: measured in training, kept with the run, the same bits everywhere."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys

import mltk_like as mltk
from mltk_like.artifact import model_of
from mltk_like.audio import Frontend, FrontendSettings, SpectrumSettings, frontend_from_parameters
from mltk_like.audio.programs import program_path
from mltk_like.audio.steps import frontend_steps
from mltk_like.audio.wav import write_wav
from mltk_like.data.locks import SCENES
from mltk_like.errors import SettingError, ToolError
from mltk_like.feed.measured import measured_scale
from mltk_like.feed.store import store_samples
from mltk_like.feed.windows import SplitFiles
from mltk_like.loader import load_file
from mltk_like.settings import to_json, with_newer_fields
from mltk_like.tflite import find_tflm, read_parameters, write_parameters
from mltk_like.verbs.classify_audio import classify_audio

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS
BOARD = Path(__file__).parent / "data" / "board"
CEPSTRA = SpectrumSettings(mfcc_count=4, log="ln", cascade=3)
SCALED = CEPSTRA.copy(means=(-9.0, 0.5, 0.0, 2.0), stds=(3.0, 0.25, 1.0, 7.0), scale_minimum=-4.0, scale_maximum=4.0)
IMPORTS = "from mltk_like.audio import SpectrumSettings"
SETTINGS = (
    "frontend = SpectrumSettings(sample_length_ms=400, window_size_ms=32, window_step_ms=20, mfcc_count=12, "
    "log='ln', scale_minimum={low}, scale_maximum={high}{more})\nstandardize = True\nepochs = 2\nsteps_per_epoch = 2"
)


def sound(seed: int, count: int = 16_000) -> Any:
    return (np.random.default_rng(seed).standard_normal(count) * 2000).astype(np.int16)


def test_each_value_is_scaled_by_its_own_mean_and_deviation() -> None:
    found = Frontend(SCALED, "float32")(sound(0))
    plain = Frontend(CEPSTRA, "float32")(sound(0))
    means, inverse = (np.float32(values) for values in (SCALED.means, 1 / np.float32(SCALED.stds)))
    expected = (plain.reshape(-1, 4) - means) * inverse
    np.testing.assert_array_equal(found, expected.reshape(plain.shape).astype(np.float32))


def test_one_alone_leaves_the_other_to_all() -> None:
    both = CEPSTRA.copy(mean=1.5, std=2.0)
    for name, common in (("means", 1.5), ("stds", 2.0)):
        alone = both.copy(**{name: (common,) * 4})
        np.testing.assert_array_equal(Frontend(alone, "float32")(sound(1)), Frontend(both, "float32")(sound(1)))


def test_parameters_carry_the_lists_and_nothing_where_there_are_none() -> None:
    model = next((BOARD.parent / "tflite").glob("*.tflite")).read_bytes()
    stored = read_parameters(write_parameters(model, dict(SCALED.to_parameters())))
    assert stored["spectrum.stds"] == [3.0, 0.25, 1.0, 7.0]
    restored = frontend_from_parameters(stored)
    np.testing.assert_array_equal(Frontend(restored)(sound(2)), Frontend(SCALED)(sound(2)))
    assert not {"spectrum.means", "spectrum.stds"} & CEPSTRA.to_parameters().keys()


def test_the_steps_say_so() -> None:
    what = {step.name: step.what for step in frontend_steps(SCALED).steps}["normalise"]
    assert what == "minus -9..2 (each value its own), over 0.25..7 (each value its own)"


@pytest.fixture
def board_model(tmp_path: Path) -> Path:
    """The float32 model of the boards' tests with a scale for each value that hits the middle of its input."""
    data = (BOARD / "float.tflite").read_bytes()
    parameters = read_parameters(data)
    frontend = frontend_from_parameters(parameters)
    assert isinstance(frontend, SpectrumSettings)
    count = frontend.frame_values
    low, high = frontend.scale_minimum, frontend.scale_maximum
    means = np.linspace(low, high, count) * 0.1
    stds = np.linspace(0.7, 1.4, count)
    lists = {"spectrum.means": means.tolist(), "spectrum.stds": stds.tolist()}
    path = tmp_path / "scaled.tflite"
    path.write_bytes(write_parameters(data, {**parameters, **lists}))
    return path


def test_the_program_in_cpp_hears_what_python_hears(board_model: Path, tmp_path: Path) -> None:
    try:
        command = [program_path("audio_classifier"), "--library", find_tflm()]
    except ToolError as error:
        pytest.skip(f"{error.message}; {error.hint}")
    wav = tmp_path / "sound.wav"
    write_wav(wav, sound(3, 20 * 16_000), 16_000)

    def steps(model: Path) -> list[tuple[int, list[int]]]:
        heard = classify_audio(model, input=wav, engine="tflm")
        return [(e.time_ms, list(e.scores)) for e in heard if getattr(e, "scores", None) is not None]

    done = subprocess.run(
        [*command, "--model", board_model, "--json", "--scores", wav], capture_output=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    found = [(row["time_ms"], row["scores"]) for row in rows if "scores" in row]
    assert len(found) > 20
    assert found == steps(board_model)
    assert found != steps(BOARD / "float.tflite")


def test_a_list_of_another_length_is_refused_by_the_program_too(board_model: Path, tmp_path: Path) -> None:
    try:
        command = [program_path("audio_classifier"), "--library", find_tflm()]
    except ToolError as error:
        pytest.skip(f"{error.message}; {error.hint}")
    data = board_model.read_bytes()
    wav = tmp_path / "sound.wav"
    write_wav(wav, sound(4), 16_000)
    for name, value in (("spectrum.means", [1.0]), ("spectrum.stds", 3)):
        board_model.write_bytes(write_parameters(data, {**read_parameters(data), name: value}))
        done = subprocess.run([*command, "--model", board_model, wav], capture_output=True, timeout=600)
        assert done.returncode == 2
        assert b"front end cannot be used" in done.stderr or name.encode() in done.stderr


def test_update_params_checks_the_lists(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    data = next((BOARD.parent / "tflite").glob("*.tflite")).read_bytes()
    path.write_bytes(write_parameters(data, dict(SCALED.to_parameters())))
    mltk.update_params(path, ["spectrum.means=[1, 2, 3, 4]"])
    assert read_parameters(path.read_bytes())["spectrum.means"] == [1.0, 2.0, 3.0, 4.0]
    with pytest.raises(SettingError, match="stds are 2, and a frame has 4 values"):
        mltk.update_params(path, ["spectrum.stds=[1.0, 2.0]"])
    mltk.update_params(path, ["spectrum.means=[]", "detection_threshold_list=[]"])
    assert not {"spectrum.means", "detection_threshold_list"} & read_parameters(path.read_bytes()).keys()
    mltk.update_params(path, ["spectrum.means=[1, 2, 3, 4]"])
    assert all(isinstance(mean, float) for mean in read_parameters(path.read_bytes())["spectrum.means"])


def write_model(folder: Path, *, low: float = -4.0, high: float = 4.0, more: str = "") -> Path:
    return toys.write_toy(folder, settings=SETTINGS.format(low=low, high=high, more=more), imports=IMPORTS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": -30.0, "high": 110.0}, "they are deviations from the mean\nhint: set scale_minimum=-4.0"),
        ({"low": 1.0}, "they are deviations"),
        ({"more": ", mean=3.0"}, "the front end gives them too"),
    ],
)
def test_what_does_not_go_with_it_is_said_before_there_is_a_run(
    arguments: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    with pytest.raises(SettingError, match=message):
        mltk.train(str(write_model(tmp_path / "models", **arguments)), progress=False)
    assert not (tmp_path / "runs").exists()


def test_the_fixed_point_front_end_has_no_such_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    model = load_file(write_model(tmp_path / "models")).with_settings(frontend=FrontendSettings())
    with pytest.raises(SettingError, match="standardize needs a front end whose values have a mean"):
        mltk.train(model, progress=False)
    assert not (tmp_path / "runs").exists()


def test_measured_values_have_mean_0_and_deviation_1(tmp_path: Path) -> None:
    clips = [sound(seed, 9000) * (seed + 1) for seed in range(4)]
    store_samples(tmp_path / "clips.i16", clips, 16_000)
    files = SplitFiles(
        speech=tmp_path / "clips.i16",
        labels=("beep", "beep", "_unknown_", "_unknown_"),
        names=tuple("abcd"),
    )
    model: Any = load_file(write_model(tmp_path / "models")).with_settings(window_stride_ms=20)
    frontend = measured_scale(without_augment(model), files)
    windows = [clip[at : at + 6400] for clip in clips for at in range(0, len(clip) - 6400 + 1, 320)]
    values = Frontend(frontend, "float32")(np.stack(windows)).reshape(-1, 12)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-3)
    given = model.with_settings(frontend=model.frontend.copy(means=(1.0,) * 12))
    assert measured_scale(without_augment(given), files).means == (1.0,) * 12


def test_settings_of_a_run_that_is_older_than_the_lists(tmp_path: Path) -> None:
    model: Any = load_file(write_model(tmp_path / "models"))
    now = json.loads(json.dumps(to_json(model)))
    older = {name: value for name, value in now["frontend"].items() if name not in ("means", "stds")}
    assert with_newer_fields(model, {**now, "frontend": older}) == now
    other = with_newer_fields(model, {"frontend": {**older, "std": 2.0}})
    assert other == {"frontend": {**now["frontend"], "std": 2.0}}
    given = model.with_settings(frontend=model.frontend.copy(means=(1.0,) * 12))
    assert with_newer_fields(given, {"frontend": older})["frontend"]["means"] == []


def without_augment(model: Any) -> Any:
    """The model with scenes left as they are."""
    object.__setattr__(model, "augment", lambda scene, rng, sounds: scene)
    return model


@pytest.mark.slow
def test_a_training_measures_once_and_all_verbs_have_it(
    shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    toy = write_model(tmp_path / "models")
    monkeypatch.setenv("TOY_INTERRUPT_AT", "1")
    with pytest.raises(KeyboardInterrupt):
        mltk.train(str(toy), workers=0, progress=False)
    measured = json.loads((tmp_path / "runs" / "toy" / "1" / "settings.json").read_text())["settings"]["frontend"]
    monkeypatch.delenv("TOY_INTERRUPT_AT")
    result = mltk.train(str(toy), workers=0, progress=False, resume=True)
    frontend = frontend_from_parameters(read_parameters((result.folder / "toy.tflite").read_bytes()))
    assert isinstance(frontend, SpectrumSettings)
    assert list(frontend.means) == measured["means"]
    assert list(frontend.stds) == measured["stds"]
    windows = np.load(result.folder / "train" / "calibration.npz")["windows"].astype(float).reshape(-1, 12)
    # Nearly all within four deviations, and these fill int8.
    assert 20 < windows.std() < 45
    assert abs(windows.mean()) < 10
    assert result.published is not None
    again = mltk.evaluate(result.published, progress=False)
    assert again.to_dict() == result.evaluations["keras"].to_dict()
    # A name alone, too: its file does not have what was measured.
    assert not load_file(toy).frontend.means  # type: ignore[attr-defined]
    seen: Any = model_of(toy)
    assert (seen.frontend.means, seen.frontend.stds) == (frontend.means, frontend.stds)


def write_lock_project(folder: Path) -> None:
    """A `.dcli` project of five doors: every second segment trains, the others are validated and tested on."""
    captures = []
    for number, kind in enumerate(["key_io", "knocking", "locking", "unknown", "unknown"]):
        rng = np.random.default_rng([13, number])
        samples, intervals = SCENES[kind](rng, "training", 40.0, 16_000)
        write_wav(folder / f"{kind}_{number}.wav", samples, 16_000)
        cuts = [
            (interval.label, start, min(start + 0.5, interval.end_s))
            for interval in intervals
            for start in np.arange(interval.start_s, interval.end_s - 0.45, 0.5)
        ]
        sessions: dict[str, list[dict[str, Any]]] = {"a": [], "b": [], "c": []}
        for place, (label, start, end) in enumerate(cuts):
            segment = {"name": "Label", "value": label, "start": int(start * 16_000), "end": int(end * 16_000) - 1}
            sessions["abac"[place % 4] if label != "unknown" else "abac"[place // 2 % 4]].append(segment)
        captures.append(
            {
                "file_name": f"{kind}_{number}.wav",
                "metadata": [],
                "sessions": [{"session_name": name, "segments": found} for name, found in sessions.items()],
            }
        )
    (folder / "lock.dcli").write_text(json.dumps(captures))


LOCK = """
from pathlib import Path

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import SpectrumSettings
from mltk_like.nets import lock_cnn


class Lock(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    classes = ("key_io", "knocking", "locking", "_unknown_")
    frontend = SpectrumSettings(
        sample_length_ms=375, window_size_ms=25, window_step_ms=25, window_function="hamming", sample_scale="int16",
        filterbank_n_channels=40, filterbank_lower_band_limit=20.0, filterbank_upper_band_limit=8000.0,
        log="ln", log_floor=1.0, mfcc_count=20, cascade=15, scale_minimum=-4.0, scale_maximum=4.0,
    )
    standardize = True
    warm_up_ms = 0
    babble_minutes = 0.0
    window_stride_ms = 25
    batch_size = 64
    epochs = 5
    steps_per_epoch = 88
    rank_by = "accuracy"
    validation_windows = 400
    evaluate_hours = 0.0

    def sources(self):
        sessions = {"a": "training", "b": "validation", "c": "test"}
        return [data.LabelledRecordings(
            path=Path(__file__).parent, labels="dcli", sessions=sessions, label_map={"unknown": "_unknown_"}
        )]

    def network(self):
        return lock_cnn(self.input_shape, self.n_classes)


my_model = Lock()
"""


@pytest.mark.slow
def test_the_lock_cnn_learns_at_the_budget_of_its_page(
    shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    write_lock_project(tmp_path)
    (tmp_path / "lock.py").write_text(LOCK)
    result = mltk.train(str(tmp_path / "lock.py"), workers=0, progress=False)
    windows = result.evaluations["tflite"].windows
    assert windows is not None
    assert windows.accuracy > 0.9
