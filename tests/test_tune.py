"""`tune` with the toy: trials, table, resuming."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mltk_like as mltk
from mltk_like.errors import ModelError
from mltk_like.verbs.tune import TrialRow, TuningResult, tune

pytest.importorskip("optuna")
pytest_plugins = ["toy_fixtures"]
SPACE = ["learning_rate_steps=[]", "batch_size=4,8", "epochs=1", "steps_per_epoch=2", "validation_windows=16"]


def test_the_best_comes_first_and_failed_trials_last(tmp_path: Path) -> None:
    rows = (
        TrialRow(number=1, settings={"batch_size": "8"}, misses=0.125, epoch=3, seconds=12.0),
        TrialRow(number=0, settings={"batch_size": "4"}, misses=None, epoch=None, seconds=1.0, problem="error: no"),
    )
    result = TuningResult(name="toy", folder=tmp_path, trials=rows, command="python -m mltk_like train toy")
    text = str(result)
    assert "12.50" in text.splitlines()[1]
    assert "failed" in text.splitlines()[2]
    assert "error: no" in text
    assert "--set batch_size=8" in text
    assert json.loads(json.dumps(result.to_dict()))["trials"][0]["misses"] == 0.125
    assert TuningResult(name="toy", folder=tmp_path, trials=rows[1:], command="").best is None


def test_a_model_without_a_file_is_refused() -> None:
    class Loose(mltk.Model, mltk.TrainMixin):
        version = 1

    Loose.__module__ = "a_notebook"
    with pytest.raises(ModelError, match="without a file"):
        tune(Loose(), ["batch_size=4,8"], trials=1)


@pytest.mark.slow
def test_trials_are_kept_and_added_to(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = tune(str(toy), SPACE, trials=2, progress=False)
    assert [row.problem for row in result.trials] == ["", ""]
    assert sorted(row.number for row in result.trials) == [0, 1]
    assert result.best is not None
    assert result.best.misses == min(row.misses for row in result.trials if row.misses is not None)
    assert (result.folder / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(result.folder.glob("trial-*.mltk.zip"))) == 2
    assert not list(toy.parent.glob("*.mltk.zip"))  # nothing published
    again = tune(str(toy), SPACE, trials=3, progress=False)
    assert {row.number: row.misses for row in again.trials}.items() >= {
        row.number: row.misses for row in result.trials
    }.items()
    assert len(again.trials) == 3
    with pytest.raises(ModelError, match="searched other settings"):
        tune(str(toy), [*SPACE, "seed=1..5"], trials=3, progress=False)
    monkeypatch.setenv("TOY_INTERRUPT_AT", "0")  # the training, not the search
    broken = tune(str(toy), SPACE, trials=1, restart=True, progress=False)
    assert broken.best is None
    assert "interrupted" in broken.trials[0].problem


@pytest.mark.slow
def test_an_interrupted_trial_is_tried_again(toy: Path, tmp_path: Path) -> None:
    words = [word for text in SPACE for word in ("--set", text)]
    command = [sys.executable, "-m", "mltk_like", "tune", str(toy), *words, "--trials", "1"]
    environment = {**os.environ, "TOY_SLOW_FROM": "0"}
    process = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE)
    study = tmp_path / "runs" / "toy-tune" / "study.db"
    deadline = time.monotonic() + 60
    while not study.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(90) == 130, process.communicate()
    process.communicate()
    result = tune(str(toy), SPACE, trials=1, progress=False)
    assert [row.problem for row in result.trials] == [""]
