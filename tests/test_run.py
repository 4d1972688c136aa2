"""The run folder and its archive."""

import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from mltk_like.artifact import open_artifact
from mltk_like.data.manifest import ManifestRow, digest, parse_manifest
from mltk_like.errors import DataError, ModelError
from mltk_like.loader import load_file
from mltk_like.packing import pack, publish
from mltk_like.paths import portable, unportable
from mltk_like.run import Run, create_run, find_run, process_is_alive, run_name, versions

Write = Callable[..., Path]


@pytest.fixture
def run(model_file: Write) -> Run:
    return create_run(load_file(model_file()).with_settings(epochs=2), test=False)


def test_a_new_run_tells_what_is_known_before_training(run: Run, tmp_path: Path) -> None:
    assert run.folder == tmp_path / "runs" / "toy" / "1"
    assert run.state["status"] == "starting"
    assert run.state["pid"] == os.getpid()
    settings = run.settings()
    assert (settings["model"], settings["test"], settings["overrides"]) == ("toy", False, {"epochs": 2})
    assert settings["settings"]["classes"] == ["yes", "_unknown_"]
    assert settings["settings"]["frontend"]["sample_length_ms"] == 300
    assert run.file(".py").read_text() == (tmp_path / "models" / "toy.py").read_text()
    assert json.loads((run.folder / "versions.json").read_text()) == versions()
    assert {"python", "numpy"} <= set(versions())


def test_numbers_go_up_and_are_never_used_twice(model_file: Write) -> None:
    model = load_file(model_file())
    folders = [create_run(model, test=False).folder for _ in range(10)]
    assert [folder.name for folder in folders] == [str(n) for n in range(1, 11)]
    shutil.rmtree(folders[3])
    (folders[0].parent / "notes").mkdir()
    assert create_run(model, test=False).folder.name == "11"


def test_a_number_that_another_process_takes_meanwhile(model_file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_file(model_file())
    create_run(model, test=False)
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(()))
    assert create_run(model, test=False).folder.name == "2"


def test_dry_runs_have_folders_of_their_own(model_file: Write) -> None:
    model = load_file(model_file())
    dry = create_run(model, test=True)
    assert (run_name(model, test=True), dry.name, dry.folder.parent.name) == ("toy-test", "toy-test", "toy-test")
    assert dry.file(".tflite").name == "toy-test.tflite"


def test_stage_times_add_up_over_sessions(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 12.5, 20.0, 21.0, 30.0, 34.0])
    monkeypatch.setattr("mltk_like.run.time.monotonic", lambda: next(clock))
    with run.stage("train"):
        pass
    with run.stage("train"):
        pass
    with pytest.raises(KeyboardInterrupt), run.stage("evaluate"):
        raise KeyboardInterrupt
    assert run.state["stages"] == {"train": 3.5, "evaluate": 4.0}
    assert run.state["status"] == "starting"


def test_update_keeps_the_other_entries(run: Run) -> None:
    run.update(status="interrupted", problems=["x"])
    assert Run(run.folder).state["status"] == "interrupted"
    assert Run(run.folder).state["name"] == "toy"


@pytest.mark.parametrize("content", [None, "", "{", "[]", '"text"'])
def test_a_folder_that_is_no_run(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "state.json").write_text(content)
    with pytest.raises(ModelError, match="is not a run folder"):
        Run(tmp_path)


def test_the_latest_run_with_a_status(model_file: Write) -> None:
    model = load_file(model_file())
    runs = [create_run(model, test=False) for _ in range(12)]
    assert find_run("toy", status=("complete",), file=model.path) is None
    for number in (2, 9, 10):
        runs[number - 1].update(status="complete")
    runs[11].update(status="interrupted")
    assert find_run("toy", status=("complete",), file=model.path).folder.name == "10"  # type: ignore[union-attr]
    assert find_run("toy", status=("interrupted", "failed"), file=model.path).folder.name == "12"  # type: ignore[union-attr]
    (runs[9].folder / "state.json").write_text("{")
    assert find_run("toy", status=("complete",), file=model.path).folder.name == "9"  # type: ignore[union-attr]
    assert find_run("other", status=("complete",), file=model.path) is None


def fill(run: Run) -> None:
    for name in ("train/checkpoint.npz", "train/best.npz", "train/calibration.npz", "train/history.json", "toy.tflite"):
        path = run.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    (run.folder / ".left-over.tmp").write_text("x")


def test_the_archive_holds_all_but_checkpoints(run: Run) -> None:
    fill(run)
    assert pack(run) == run.archive == run.folder / "toy.mltk.zip"
    pack(run)  # an earlier archive is not packed into the next
    with zipfile.ZipFile(run.archive) as archive:
        names = sorted(archive.namelist())
        assert archive.read("toy.tflite") == b"toy.tflite"
        assert archive.testzip() is None
    assert names == ["settings.json", "state.json", "toy.py", "toy.tflite", "train/history.json", "versions.json"]


def test_the_archive_has_one_hash_for_all_clips(run: Run) -> None:
    row = ManifestRow(path="a.wav", label="a", group="g", split="test", source="s", duration_s=1.0, sha256="0f")
    (run.folder / "manifest.jsonl").write_bytes(msgspec.json.encode(row) + b"\n")
    with zipfile.ZipFile(pack(run)) as archive:
        assert parse_manifest(archive.read("manifest.jsonl"), run.archive) == (replace(row, sha256=""),)
        assert archive.read("manifest.sha256").decode() == digest([row]) + "\n"
    (run.folder / "manifest.jsonl").write_text("damaged")
    with zipfile.ZipFile(pack(run)) as archive:
        assert archive.read("manifest.jsonl") == b"damaged"
        assert "manifest.sha256" not in archive.namelist()


def test_an_unpacked_archive_is_packed_as_it_was(run: Run) -> None:
    row = ManifestRow(path="a.wav", label="a", group="g", split="test", source="s", duration_s=1.0, sha256="0f")
    (run.folder / "manifest.jsonl").write_bytes(msgspec.json.encode(row) + b"\n")
    with zipfile.ZipFile(pack(run)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
        archive.extractall(run.folder)
    with zipfile.ZipFile(pack(run)) as archive:
        assert sorted(archive.namelist()) == sorted(members)
        assert {name: archive.read(name) for name in members} == members
    assert open_artifact(run.archive).read("manifest.sha256") == members["manifest.sha256"]


def test_a_failing_pack_leaves_the_last_archive(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(run)
    before = pack(run).read_bytes()

    def fail(self: object, path: Path, member: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", fail)
    with pytest.raises(DataError, match="No space left"):
        pack(run)
    assert run.archive.read_bytes() == before
    assert not [path for path in run.folder.iterdir() if "mltk.zip" in path.name and path != run.archive]


def test_publishing_beside_the_model(run: Run, tmp_path: Path) -> None:
    fill(run)
    model = load_file(tmp_path / "models" / "toy.py")
    assert publish(pack(run), model) == tmp_path / "models" / "toy.mltk.zip"
    assert (tmp_path / "models" / "toy.mltk.zip").read_bytes() == run.archive.read_bytes()


def test_a_folder_that_cannot_be_written_is_left_alone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(run)
    archive = pack(run)
    model = load_file(tmp_path / "models" / "toy.py")

    def refuse(target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mltk_like.paths._open_temporary", refuse)
    assert publish(archive, model) is None
    assert [path.name for path in (tmp_path / "models").iterdir() if path.is_file()] == ["toy.py"]
    with pytest.raises(DataError, match="Permission denied"):
        create_run(model, test=False)


def test_a_run_folder_that_cannot_be_made(model_file: Write, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file is in the way")
    with pytest.raises(DataError) as caught:
        create_run(load_file(model_file()), test=False)
    assert "MLTK_LIKE_RUNS" in caught.value.hint


def test_a_model_without_a_file_is_not_published(run: Run) -> None:
    import mltk_like as mltk

    model = type("Loose", (mltk.Model,), {"__module__": "a_notebook"})()
    assert publish(pack(run), model) is None
    assert create_run(model, test=False).settings()["path"] == ""


def test_paths_travel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cached, local, far = tmp_path / "cache" / "a" / "b.wav", tmp_path / "data" / "c.wav", Path("/far/d.wav")
    assert [portable(path) for path in (cached, local, far)] == ["cache:a/b.wav", "data/c.wav", "/far/d.wav"]
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "moved"))
    assert unportable("cache:a/b.wav") == tmp_path / "moved" / "a" / "b.wav"
    assert unportable("data/c.wav") == Path("data/c.wav")


def test_whether_the_process_of_a_run_is_still_there(run: Run) -> None:
    assert not process_is_alive(run)  # this process itself
    other = subprocess.Popen(["sleep", "60"])
    try:
        run.update(pid=other.pid)
        assert process_is_alive(run)
        hour_ago = time.time() - 3600
        os.utime(run.folder / "state.json", (hour_ago, hour_ago))
        assert not process_is_alive(run), "a process that began after the state was written has only the number"
        run.update(pid=other.pid)
    finally:
        other.kill()
    # Dead, and nobody has asked for its exit code: a zombie.
    while Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    assert not process_is_alive(run)
    other.wait()
    assert not process_is_alive(run)
    run.update(pid=None)
    assert not process_is_alive(run)
