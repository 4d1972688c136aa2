"""`evaluate --target-false-accepts`: what is found is measured, written everywhere, or not at all."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import toys
from toys import Trained

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.errors import CheckError, DataError
from mltk_like.run import Run
from mltk_like.tflite import read_parameters
from mltk_like.verbs.evaluate import find_threshold

pytest_plugins = ["toy_fixtures"]
# The toy was trained for seconds and fires on much.
TARGET = 4500.0

pytestmark = [*toys.TENSORFLOW_WARNINGS, pytest.mark.usefixtures("trained")]


@pytest.fixture
def given(tmp_path: Path) -> mltk.Recordings:
    """Four beeps, and half a minute of what is none."""
    for index in range(4):
        write_wav(tmp_path / "positives" / f"{index}.wav", toys.beep(np.random.default_rng(100 + index)), toys.RATE)
    rng = np.random.default_rng(200)
    write_wav(tmp_path / "negatives" / "long.wav", np.concatenate([toys.other(rng) for _ in range(80)]), toys.RATE)
    return mltk.Recordings(positives=tmp_path / "positives", negatives=(tmp_path / "negatives",))


@pytest.fixture
def bare(trained: Trained, tmp_path: Path) -> Path:
    return Path(shutil.copy(trained.tflite, tmp_path / "toy.tflite"))


def test_it_is_written_and_holds(bare: Path, given: mltk.Recordings, tmp_path: Path) -> None:
    found = find_threshold(bare, TARGET, recordings=given, output=tmp_path / "out", progress=False)
    parameters = read_parameters(bare.read_bytes())
    assert parameters["detection_threshold"] == found.sensitivity.recogniser.detection_threshold
    again = mltk.evaluate(bare, recordings=given, progress=False)
    assert again.threshold == parameters["detection_threshold"]
    own = again.to_dict()["streams"]["clean"]["at_own_threshold"]
    assert own["false_accepts_per_hour"] <= TARGET
    assert own["false_accepts_per_hour"] == pytest.approx(
        parameters["sensitivity.medium.false_accepts_per_hour"], abs=1e-2
    )
    assert 100 * own["misses_fraction"] == pytest.approx(parameters["sensitivity.medium.misses_percent"], abs=0.01)
    levels = [parameters[f"sensitivity.{name}.detection_threshold"] for name in ("low", "medium", "high")]
    assert levels == sorted(levels, reverse=True)
    assert found.evaluation.threshold == again.threshold
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()
    assert (tmp_path / "out" / "eval-results.json").is_file()
    assert "sensitivity  threshold" in str(found)


def test_a_second_search_leaves_nothing_of_the_first(bare: Path, given: mltk.Recordings) -> None:
    mltk.update_params(
        bare, ["sensitivity.extreme.detection_threshold=3", "detection_threshold_list=[10, 20]"], add=True
    )
    find_threshold(bare, TARGET, recordings=given, progress=False)
    parameters = read_parameters(bare.read_bytes())
    assert "sensitivity.extreme.detection_threshold" not in parameters
    assert "detection_threshold_list" not in parameters
    assert parameters["colour"] == "green"


def test_what_is_free_is_written_too(bare: Path, given: mltk.Recordings) -> None:
    found = find_threshold(
        bare, TARGET, free=["minimum_count", "average_window_duration_ms"], recordings=given, progress=False
    )
    parameters = read_parameters(bare.read_bytes())
    assert parameters["minimum_count"] == found.sensitivity.recogniser.minimum_count
    assert parameters["average_window_duration_ms"] == found.sensitivity.recogniser.average_window_duration_ms
    assert parameters["suppression_ms"] == 500


def test_a_run_found_by_name_and_its_published_copy(
    trained: Trained, tmp_path: Path, given: mltk.Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    run = Path(shutil.copytree(trained.result.folder, tmp_path / "runs" / "toy" / "1"))
    assert trained.result.published is not None
    (tmp_path / "models").mkdir()
    path = Path(shutil.copy(trained.path, tmp_path / "models" / "toy.py"))
    published = Path(shutil.copy(trained.result.published, tmp_path / "models" / "toy.mltk.zip"))
    Run(run).claim(path)
    found = find_threshold(str(path), TARGET, recordings=given, progress=False)
    assert found.published == published
    threshold = found.sensitivity.recogniser.detection_threshold
    for place in (run, run / "toy.tflite", run / "toy.mltk.zip", published):
        assert read_parameters(open_artifact(place).tflite())["detection_threshold"] == threshold
    # The folder alone was meant: what lies elsewhere stays.
    before = published.read_bytes()
    assert find_threshold(run, 2 * TARGET, recordings=given, progress=False).published is None
    assert published.read_bytes() == before


def test_what_cannot_be_reached_changes_nothing(
    bare: Path, given: mltk.Recordings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The words themselves as negatives: whatever hears them fires there.
    assert given.positives is not None
    before = bare.read_bytes()
    wrong = mltk.Recordings(positives=given.positives, negatives=(given.positives,))
    with pytest.raises(CheckError, match="still hears the word"):
        find_threshold(bare, 0.5, recordings=wrong, progress=False)
    folder = str(given.positives)
    arguments = ["evaluate", str(bare), "--positives", folder, "--negatives", folder, "--target-false-accepts", "0.5"]
    assert main([*arguments, "-o", str(tmp_path / "out")]) == 1
    assert "error: no setting of 1 reaches 0.5 false accepts an hour" in capsys.readouterr().err
    assert bare.read_bytes() == before
    assert not (tmp_path / "out").exists()


def test_quiet_negatives_alone_say_nothing(bare: Path, tmp_path: Path) -> None:
    before = bare.read_bytes()
    room = (np.random.default_rng(5).standard_normal(20 * toys.RATE) * 100).astype(np.int16)
    write_wav(tmp_path / "quiet" / "room.wav", room, toys.RATE)
    with pytest.raises(DataError, match="nothing says how high the threshold must be"):
        find_threshold(bare, 0.5, recordings=mltk.Recordings(negatives=(tmp_path / "quiet",)), progress=False)
    assert bare.read_bytes() == before


def test_the_command_line(bare: Path, given: mltk.Recordings, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", str(bare), "--positives", str(given.positives), "--negatives", str(given.negatives[0])]
    assert main([*arguments, "--target-false-accepts", str(TARGET), "--free", "suppression_ms", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["sensitivity"]["target_false_accepts_per_hour"] == TARGET
    assert set(printed["sensitivity"]["levels"]) <= {"low", "medium", "high"}
    assert printed["sensitivity"]["tried"] > 1
    assert main([*arguments, "--target-false-accepts", "-1"]) == 2
