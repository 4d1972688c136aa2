"""The state of a training in one file."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mltk_like.errors import DataError, ModelError
from mltk_like.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

STATE = Checkpoint(
    step=250,
    best_score=0.1 + 0.2,
    best_epoch=3,
    history={"loss": [1.5, 1 / 3], "accuracy": []},
    arrays={
        "net/0/conv/kernel:0": np.arange(6, dtype=np.float32).reshape(2, 3),
        "optimizer/iterations": np.array(250, np.int64),
        "half": np.array([1.5], np.float16),
        "empty": np.zeros((0, 4), np.float32),
    },
)


def test_everything_comes_back_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "train" / "checkpoint.npz"
    save_checkpoint(path, STATE)
    loaded = load_checkpoint(path)
    assert (loaded.step, loaded.best_score, loaded.best_epoch) == (250, 0.1 + 0.2, 3)
    assert loaded.history == STATE.history
    assert list(loaded.arrays) == list(STATE.arrays)
    for name, array in STATE.arrays.items():
        assert loaded.arrays[name].dtype == array.dtype
        assert np.array_equal(loaded.arrays[name], array)
    assert [entry.name for entry in path.parent.iterdir()] == ["checkpoint.npz"]


def test_the_score_before_the_first_epoch_is_infinite(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    save_checkpoint(path, Checkpoint(step=0, best_score=float("inf"), best_epoch=0, history={}, arrays={}))
    assert load_checkpoint(path).best_score == float("inf")


def test_a_crash_leaves_the_former_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.npz"
    save_checkpoint(path, STATE)

    def fail(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(DataError, match="No space left"):
        save_checkpoint(path, Checkpoint(step=500, best_score=0.0, best_epoch=4, history={}, arrays={}))
    assert load_checkpoint(path).step == 250


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    np.savez(path, __meta__=np.array([print], dtype=object))
    with pytest.raises(ModelError):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"text", b"\x93NUMPY"])
def test_damaged_and_missing_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.npz"
    with pytest.raises(ModelError, match="cannot read the checkpoint"):
        load_checkpoint(path)
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_checkpoint(path)
    assert caught.value.hint == "train again without --resume"


def test_other_numpy_files(tmp_path: Path) -> None:
    with (tmp_path / "c.npz").open("wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(ModelError):
        load_checkpoint(tmp_path / "c.npz")
    np.savez(tmp_path / "d.npz", a=np.arange(3))
    with pytest.raises(ModelError):
        load_checkpoint(tmp_path / "d.npz")


@given(data=st.data())
@hypothesis_settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_a_model_error(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    save_checkpoint(path, STATE)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    del content[data.draw(st.sampled_from([len(content), len(content) // 2, 30])) :]
    path.write_bytes(content)
    with contextlib.suppress(ModelError):
        load_checkpoint(path)
