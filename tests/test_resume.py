"""A training that was broken off goes on as if nothing had happened: the same bits, by every way of breaking it off.

Bits are compared, so the trainings have one TensorFlow thread: the children run on one core with one worker, for which
the verb takes one thread.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys

import mltk_like as mltk
from mltk_like.errors import ModelError
from mltk_like.feed.windows import WindowMaker
from mltk_like.training.checkpoint import load_checkpoint

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS
QUICK: dict[str, Any] = {"workers": 0, "progress": False, "evaluate": False}
TRAIN = ["--workers", "1", "--no-evaluate", "--set", "learning_rate=0.5"]


def interrupted(toy: Path, monkeypatch: pytest.MonkeyPatch, *, after: int = 1, **options: Any) -> Path:
    """Train in this process until Ctrl-C comes after so many epochs; returns the run folder."""
    monkeypatch.setenv("TOY_INTERRUPT_AT", str(after))
    with pytest.raises(KeyboardInterrupt):
        mltk.train(str(toy), **{**QUICK, **options})
    monkeypatch.delenv("TOY_INTERRUPT_AT")
    return Path(os.environ["MLTK_LIKE_RUNS"]) / toy.stem / "1"


@pytest.mark.slow
def test_a_run_goes_on_in_its_folder(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = interrupted(toy, monkeypatch)
    assert json.loads((folder / "state.json").read_text())["status"] == "interrupted"
    kept = load_checkpoint(folder / "train" / "checkpoint.npz")
    assert (kept.step, len(kept.history["loss"])) == (2, 1)
    assert not (folder / "toy.tflite").exists()
    result = mltk.train(str(toy), **QUICK, resume=True)
    assert result.folder == folder
    assert [len(figures) for figures in result.history.values()] == [2] * len(result.history)
    assert result.history["loss"][0] == kept.history["loss"][0]
    state = json.loads((folder / "state.json").read_text())
    assert (state["status"], state["pid"]) == ("complete", None)
    with pytest.raises(ModelError, match="no run of toy to go on with"):
        mltk.train(str(toy), resume=True)


@pytest.mark.slow
def test_resuming_keeps_the_settings_of_the_run(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_INTERRUPT_AT", "1")
    model = mltk.load_model(toy).with_settings(epochs=3, batch_size=4)
    with pytest.raises(KeyboardInterrupt):
        mltk.train(model, **QUICK)
    monkeypatch.delenv("TOY_INTERRUPT_AT")
    result = mltk.train(str(toy), **QUICK, resume=True)
    assert len(result.history["loss"]) == 3
    assert "6 steps of 4 in 3 epochs" in (result.folder / "log.txt").read_text()


@pytest.mark.slow
def test_a_training_stopped_before_its_first_checkpoint(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mltk.train(str(toy), **QUICK)
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(toy.parent / "others"))
    folder = interrupted(toy, monkeypatch, after=0, weights=whole.folder / "toy.keras")
    assert not (folder / "train" / "checkpoint.npz").exists()
    result = mltk.train(str(toy), **QUICK, resume=True)
    assert len(result.history["loss"]) == 2
    # It begins again, with the weights that it began with.
    assert (result.folder / "log.txt").read_text().count("loaded           head") == 2
    assert result.history["loss"][0] < whole.history["loss"][0]


@pytest.mark.slow
def test_a_run_that_failed_later_is_not_trained_again(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("mltk_like.verbs.train.finish.make_tflite", lambda *unused: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            mltk.train(str(toy), **QUICK)
    monkeypatch.setenv("TOY_INTERRUPT_AT", "0")
    result = mltk.train(str(toy), **QUICK, resume=True)
    assert result.archive.is_file()
    assert "this session" in (result.folder / "log.txt").read_text()


def test_no_run_to_go_on_with(toy: Path) -> None:
    with pytest.raises(ModelError, match="no run of toy to go on with"):
        mltk.train(str(toy), resume=True)


@pytest.mark.slow
def test_a_model_file_that_has_changed(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = interrupted(toy, monkeypatch)
    toy.write_text(toy.read_text().replace("batch_size = 8", "batch_size = 9"))
    with pytest.raises(ModelError, match=r"toy\.py has changed") as caught:
        mltk.train(str(toy), resume=True)
    assert "a copy is in the run folder" in caught.value.hint
    assert json.loads((folder / "state.json").read_text())["status"] == "interrupted"


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["short", "no arrays"])
def test_a_damaged_checkpoint(toy: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = interrupted(toy, monkeypatch) / "train" / "checkpoint.npz"
    data = path.read_bytes()
    if damage == "short":
        path.write_bytes(data[: len(data) // 2])
    else:
        found = toys.arrays(path)
        np.savez(path, __meta__=found["__meta__"])
    with pytest.raises(ModelError, match="checkpoint") as caught:
        mltk.train(str(toy), **QUICK, resume=True)
    assert "without --resume" in caught.value.hint


@pytest.mark.slow
def test_a_run_that_is_still_running(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = interrupted(toy, monkeypatch)
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**state, "status": "running", "pid": os.getppid()}))
    with pytest.raises(ModelError, match=f"is still running .process {os.getppid()}"):
        mltk.train(str(toy), resume=True)


def descendants(pid: int) -> list[int]:
    """Processes below one, by /proc."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(path.parent.name)] = int(fields[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def alive(pids: list[int]) -> list[int]:
    """Those that have not ended."""
    left = []
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                left.append(pid)
        except OSError:
            continue
    return left


def gone(pids: list[int], within_s: float = 10) -> bool:
    end = time.monotonic() + within_s
    while alive(pids) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(pids)


@contextmanager
def in_training(toy: Path, runs: Path) -> Iterator[tuple[toys.Child, list[int]]]:
    """A training in a child that is in its third epoch, and all of the child's own children."""
    with toys.child(["train", str(toy), *TRAIN], runs, TOY_SLOW_FROM="2") as child:
        log = child.run / "train" / "checkpoint.npz"
        child.wait_for(lambda: log.is_file() and load_checkpoint(log).step >= 12, "the second checkpoint")
        time.sleep(0.3)
        below = descendants(child.process.pid)
        assert below, "the workers are processes of their own"
        yield child, below


def figures(run: Path) -> dict[str, Any]:
    """What must be the same in two trainings: the last state, the best one, the history."""
    state = toys.arrays(run / "train" / "checkpoint.npz")
    best = toys.arrays(run / "train" / "best.npz")
    assert len(state) > len(best) > 5
    return {
        "state": {name: value.tobytes() for name, value in state.items()},
        "best": {name: value.tobytes() for name, value in best.items()},
        "history": json.loads((run / "train" / "history.json").read_text()),
    }


@pytest.mark.slow
def test_bit_for_bit_after_every_way_of_breaking_off(tmp_path: Path) -> None:
    toy = toys.write_toy(tmp_path / "models")
    whole = tmp_path / "whole"
    with toys.child(["train", str(toy), *TRAIN], whole) as child:
        assert child.wait() in toys.ENDED, child.output
        expected = figures(child.run)

    with toys.child(["train", str(toy), *TRAIN], tmp_path / "injected", TOY_INTERRUPT_AT="2") as child:
        assert child.wait() == 130
        assert "--resume" in child.output[0]

    with in_training(toy, tmp_path / "ctrl_c") as (child, below):
        # The terminal sends it to the whole group.
        os.killpg(child.process.pid, signal.SIGINT)
        assert child.wait(timeout_s=30) == 130
        # Python's own tracker of resources goes a moment after the process that it watches.
        assert gone(below, within_s=2)
        stopped_at = load_checkpoint(child.run / "train" / "checkpoint.npz").step
        assert stopped_at == 12, "the epoch that it came in was not finished first"
        assert "Traceback" not in "".join(child.output)
        assert json.loads((child.run / "state.json").read_text())["status"] == "interrupted"

    # As `timeout` and service managers send the one, and a terminal that is closed the other; workers get them too.
    for name, number, code in (("terminated", signal.SIGTERM, 143), ("hung_up", signal.SIGHUP, 129)):
        with in_training(toy, tmp_path / name) as (child, below):
            os.killpg(child.process.pid, number)
            assert child.wait(timeout_s=30) == code
            assert gone(below, within_s=2)
            assert "Traceback" not in "".join(child.output)
            assert json.loads((child.run / "state.json").read_text())["status"] == "interrupted"

    with in_training(toy, tmp_path / "killed") as (child, below):
        child.process.kill()
        assert child.wait() == -signal.SIGKILL
        assert gone(below)
        assert json.loads((child.run / "state.json").read_text())["status"] == "running"

    with in_training(toy, tmp_path / "worker_killed") as (child, below):
        worker = next(pid for pid in below if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(worker, signal.SIGKILL)
        assert child.wait(timeout_s=60) == 2
        assert "error: a worker process died" in child.output[1]
        assert gone(below)

    for name in ("injected", "ctrl_c", "terminated", "hung_up", "killed", "worker_killed"):
        with toys.child(["train", str(toy), "--resume", *TRAIN], tmp_path / name) as child:
            assert child.wait() in toys.ENDED, child.output
            assert figures(child.run) == expected, name
            assert json.loads((child.run / "state.json").read_text())["status"] == "complete"


@pytest.mark.slow
def test_the_order_of_the_data_is_that_of_the_steps(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    batch = WindowMaker.batch

    def watched(self: WindowMaker, first: int, count: int) -> Any:
        seen.append((first, count))
        return batch(self, first, count)

    monkeypatch.setattr(WindowMaker, "batch", watched)
    mltk.train(str(toy), **QUICK)
    whole, seen[:] = seen[-4:], []
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(toy.parent / "others"))
    interrupted(toy, monkeypatch)
    before, seen[:] = seen[-2:], []
    mltk.train(str(toy), **QUICK, resume=True)
    assert whole == [(0, 8), (8, 8), (16, 8), (24, 8)]
    # Ctrl-C came at the beginning of the second epoch, before a batch of it was made.
    assert before == whole[:2]
    assert seen[-2:] == whole[2:]


@pytest.mark.slow
def test_a_run_is_not_resumed_with_other_settings(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = mltk.load_model(toy)
    monkeypatch.setattr("mltk_like.training.trainer.Trainer.step", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        mltk.train(model, workers=0, progress=False)
    with pytest.raises(ModelError, match="other settings: seed"):
        mltk.train(mltk.load_model(toy).with_settings(seed=7), resume=True, workers=0, progress=False)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
