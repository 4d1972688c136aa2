"""Fixtures over the toy of `toys.py`, for the modules that name this one in `pytest_plugins`."""

import fcntl
import os
import pickle
import shutil
from pathlib import Path

import pytest
from toys import Trained, write_toy

import mltk_like as mltk


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The toy, trained once for all tests, whichever of pytest's workers runs them: they share a folder."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "toy-trained"
    folder.mkdir(exist_ok=True)
    kept = folder / "result.pickle"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_file():
            kept.write_bytes(pickle.dumps(_train(folder)))
    trained: Trained = pickle.loads(kept.read_bytes())
    return trained


def _train(folder: Path) -> Trained:
    path = write_toy(folder, settings="epochs = 10\nsteps_per_epoch = 12")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLTK_LIKE_CACHE", str(folder / "cache"))
        patch.setenv("MLTK_LIKE_RUNS", str(folder / "runs"))
        result = mltk.train(str(path), workers=0, progress=False)
    return Trained(folder=folder, path=path, result=result)


@pytest.fixture
def trained(trained_once: Trained, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """The trained toy, for tests that only read it; its cache and runs are in the environment."""
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(trained_once.folder / "cache"))
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(trained_once.folder / "runs"))
    return trained_once


@pytest.fixture
def shared_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that the toys of a session share: rooms are made once, and clips go by their paths."""
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path_factory.getbasetemp() / "toy-cache"))


@pytest.fixture
def toy(shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a toy of the test's own, two short epochs long; the test works in its own folder."""
    monkeypatch.chdir(tmp_path)
    return write_toy(tmp_path / "models", settings="epochs = 2\nsteps_per_epoch = 2")


@pytest.fixture
def own_copy(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained toy's run folder, for tests that change it."""
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    return Path(shutil.copytree(trained.result.folder, tmp_path / "runs" / "toy" / "1"))
