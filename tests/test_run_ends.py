"""What a process leaves that was killed: temporary files, runs that had not begun; and what the next makes of it."""

import errno
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mltk_like as mltk
from mltk_like import paths
from mltk_like.data.remote import RemoteFile
from mltk_like.errors import DataError, ModelError
from mltk_like.loader import load_file
from mltk_like.packing import pack
from mltk_like.paths import atomic_path, remove_abandoned, write_text
from mltk_like.run import Run, create_run

ROOT = Path(mltk.__file__).parents[1]
# A process that begins to write a file, says so, and is killed.
WRITING = (
    "import pathlib, sys, time\n"
    "from mltk_like.paths import atomic_path\n"
    "with atomic_path(pathlib.Path(sys.argv[1])) as temporary:\n"
    "    temporary.write_text('half')\n"
    "    print(temporary.name, flush=True)\n"
    "    time.sleep(60)\n"
)
# A parent that starts a training for `tune` and is killed.
TUNING = (
    "import pathlib, sys, time\n"
    "from mltk_like.verbs.shared import training_process as module\n"
    "module._COMMAND = module._COMMAND.partition('from mltk_like.__main__')[0] + (\n"
    "    'import os, time; print(os.getpid(), flush=True); time.sleep(60)')\n"
    "job = module.TrainingJob(name='toy', model='toy.py')\n"
    "process = module.TrainingProcess(job, *map(pathlib.Path, sys.argv[1:]))\n"
    "time.sleep(60)\n"
)


def test_a_killed_writers_file_is_removed_by_the_next(tmp_path: Path) -> None:
    target = tmp_path / "state.json"
    with subprocess.Popen([sys.executable, "-c", WRITING, str(target)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = tmp_path / process.stdout.readline().strip()
        assert left.read_text() == "half"
        # While it is written, it is nobody else's: another writer has a file of its own, and sweeping passes it over.
        write_text(target, "other")
        remove_abandoned(left)
        assert left.exists()
        process.kill()
    assert left.exists()
    write_text(target, "next")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("state.json", "next")]


def test_two_write_the_same_file_at_once(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with atomic_path(target) as first, atomic_path(target) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["first"]


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*unused: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    (tmp_path / ".a.txt.tmp").write_text("whose?")
    write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert (tmp_path / ".a.txt.tmp").read_text() == "whose?"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_is_swept(model_file: Callable[..., Path]) -> None:
    run = create_run(load_file(model_file()), test=False)
    left = run.folder / "train" / ".best.npz.x.tmp"
    write_text(left, "half")
    with atomic_path(run.folder / "log.txt") as kept:
        run.sweep()
        assert kept.exists()
    assert not left.exists()


@pytest.mark.parametrize("name", ["state.json", "settings.json", "versions.json", "toy.py"])
def test_a_disk_that_is_full_when_a_run_begins(
    name: str, model_file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_file(model_file())
    opened = paths._open_temporary

    def full(target: Path) -> Any:
        if target.name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(target)

    monkeypatch.setattr(paths, "_open_temporary", full)
    with pytest.raises(DataError, match="No space left"):
        create_run(model, test=False)
    assert list((tmp_path / "runs" / "toy").iterdir()) == []


def test_a_run_that_was_killed_before_it_had_begun(model_file: Callable[..., Path]) -> None:
    path = model_file()
    earlier = create_run(load_file(path), test=False)
    assert earlier.state["status"] == "starting"
    with pytest.raises(ModelError, match=r"runs/toy/1 ended before it had begun") as caught:
        mltk.train(str(path), resume=True)
    assert "start one: python -m mltk_like train" in caught.value.hint


@pytest.mark.parametrize("lost", ["settings.json", "toy.py", "both"])
def test_a_run_of_an_earlier_version_that_lacks_what_it_was_started_with(
    lost: str, model_file: Callable[..., Path]
) -> None:
    path = model_file()
    run = create_run(load_file(path), test=False)
    run.update(status="running", pid=None)
    for name in ("settings.json", "toy.py") if lost == "both" else (lost,):
        (run.folder / name).unlink()
    with pytest.raises(ModelError, match=r"ended before it had begun|settings\.json"):
        mltk.train(str(path), resume=True)


def test_the_archive_may_say_more_than_the_folder_yet(model_file: Callable[..., Path]) -> None:
    run = create_run(load_file(model_file()), test=False)
    with zipfile.ZipFile(pack(run, state={"status": "complete"})) as archive:
        assert json.loads(archive.read("state.json")) == {"status": "complete"}
    assert Run(run.folder).state["status"] == "starting"


def test_what_a_killed_extraction_left_is_gone_after_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = tmp_path / "fetched.zip"
    with zipfile.ZipFile(fetched, "w") as archive:
        archive.writestr("a.txt", "a")
    monkeypatch.setattr("mltk_like.data.remote.fetch", lambda *unused, **named: fetched)
    source = RemoteFile(url="http://127.0.0.1:9/set.zip")
    left = source.cached_folder.with_name(f".{source.cached_folder.name}.abc.tmp") / "new"
    left.mkdir(parents=True)
    assert (source.get(progress=False) / "a.txt").read_text() == "a"
    assert not left.parent.exists()


@pytest.mark.slow
def test_a_training_ends_with_the_search_that_started_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", TUNING, str(tmp_path), str(ROOT)]) as parent:
        pid = int(_read(tmp_path / "output.txt"))
        parent.kill()
    end = time.monotonic() + 20
    while (Path("/proc") / str(pid)).exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not (Path("/proc") / str(pid)).exists()


def _read(path: Path) -> str:
    end = time.monotonic() + 60
    while not (path.is_file() and path.read_text().endswith("\n")) and time.monotonic() < end:
        time.sleep(0.05)
    return path.read_text()


def test_a_file_takes_no_place_of_a_folder_or_device(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    for target in (tmp_path / "folder", fifo):
        with pytest.raises(DataError, match="is no ordinary file"), atomic_path(target):
            pass
    assert fifo.is_fifo()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "pipe"]
