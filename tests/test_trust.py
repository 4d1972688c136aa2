"""Whose code is run: the user's own model files, and nothing that came with an archive, packed or unpacked."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import TOY

from mltk_like.artifact import model_of, open_artifact, specification
from mltk_like.cli import main
from mltk_like.errors import ModelError
from mltk_like.loader import load_file
from mltk_like.packing import pack
from mltk_like.run import Run, create_run, note_model_file
from mltk_like.trust import is_own
from mltk_like.verbs.shared.building import artifact_of, specification_of
from mltk_like.verbs.train import carried_file

SHIPPED = Path(__file__).resolve().parents[1] / "models" / "bell_detector.mltk.zip"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def trap(here: Path) -> Path:
    """A file that exists once the stranger's code has been run."""
    return here / "trap"


@pytest.fixture
def code(trap: Path) -> str:
    """A model file that says when it is run."""
    return f"open({str(trap)!r}, 'w').close()\n{TOY}"


def archive_of(path: Path, name: str, code: str, model: object = None) -> Path:
    """An archive as from a stranger, its other files those of a shipped model."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(SHIPPED) as shipped, zipfile.ZipFile(path, "w") as archive:
        settings = {"model": name if model is None else model, "path": f"{name}.py", "overrides": {}, "settings": {}}
        members = {
            "state.json": json.dumps({"name": name, "status": "complete"}),
            "settings.json": json.dumps(settings),
        }
        members |= {f"{name}.py": code}
        for member, text in members.items():
            archive.writestr(member, text)
        for suffix in (".tflite", ".keras"):
            archive.writestr(f"{name}{suffix}", shipped.read(f"bell_detector{suffix}"))
    return path


NEED_CODE = [
    ["quantize", "{}"],
    ["summarize", "{}", "--build", "--tflite"],
    ["profile", "{}", "--build"],
    ["update_params", "{}"],
]
VERBS = [
    *NEED_CODE,
    ["summarize", "{}", "--frontend"],
    ["summarize", "{}", "--tflite"],
    ["export", "{}", "-o", "exported"],
    ["report", "{}", "-o", "page"],
    ["train", "{}"],
    ["mine", "{}", "--negatives", ".", "-o", "mined"],
    ["evaluate", "{}", "--tflite"],
]


@pytest.mark.parametrize("name", ["setup", "stranger"])
def test_no_verb_runs_what_lies_beside_an_archive(
    name: str, here: Path, trap: Path, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a file that its settings name, nor the very file that it carries."""
    archive = archive_of(here / "received" / "stranger.mltk.zip", "stranger", code, model=name)
    (here / "received" / f"{name}.py").write_text(code)
    for words in VERBS:
        assert main([word.format(archive) for word in words]) in (0, 2), words
        assert not trap.exists(), words
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert "unrecognized" not in said, "a verb that is called wrongly shows nothing"
    with pytest.raises(ModelError, match=r"not known as yours|calls its file 'setup'"):
        model_of(archive)


@pytest.mark.parametrize("way", ["inside", "beside", "absolute", "settings"])
def test_an_unpacked_archive_is_no_other_than_a_packed_one(way: str, here: Path, trap: Path, code: str) -> None:
    archive = archive_of(here / "received" / "stranger.mltk.zip", "stranger", code)
    folder = here / "received" / "unpacked"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    (here / "received" / "stranger.py").write_text(code)
    target = folder / "stranger.py" if way in ("inside", "settings") else here / "received" / "stranger.py"
    if way == "settings":
        stored = json.loads((folder / "settings.json").read_text())
        (folder / "settings.json").write_text(json.dumps({**stored, "path": str(target)}))
    else:
        note_model_file(folder, target)
    for words in NEED_CODE:
        assert main([word.format(folder) for word in words]) == 2, words
        assert not trap.exists(), words
    with pytest.raises(ModelError, match="not known as yours"):
        model_of(folder)
    # Placed where runs lie it is no more the user's.
    run = here / "runs" / "stranger" / "1"
    shutil.copytree(folder, run)
    with pytest.raises(ModelError):
        model_of(run)
    assert not trap.exists()


def test_the_file_that_the_user_names_is_run(here: Path, trap: Path, code: str) -> None:
    archive = archive_of(here / "received" / "stranger.mltk.zip", "stranger", code)
    file = here / "received" / "stranger.py"
    file.write_text(code)
    artifact = artifact_of(file)
    assert artifact.path == archive
    assert not trap.exists()
    assert specification_of(file, artifact).name == "stranger"
    assert trap.exists()


def test_a_run_folder_is_trusted_by_a_claim(here: Path, trap: Path, code: str) -> None:
    archive = archive_of(here / "received" / "stranger.mltk.zip", "stranger", code)
    folder = here / "received" / "unpacked"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    note_model_file(folder, folder / "stranger.py")
    with pytest.raises(ModelError) as caught:
        model_of(folder)
    assert "models --claim received/unpacked/stranger.py received/unpacked" in caught.value.hint
    assert main(["models", "--claim", str(folder / "stranger.py"), str(folder)]) == 0
    assert not trap.exists()
    assert specification(open_artifact(folder)).name == "stranger"


def test_what_the_user_has_trained_is_known(here: Path) -> None:
    (here / "mine").mkdir()
    file = here / "mine" / "toy.py"
    file.write_text(TOY)
    assert not is_own(file)
    run = create_run(load_file(file), test=False)
    run.file(".tflite").write_bytes(b"\0\0\0\0TFL3")
    assert is_own(file)
    assert not is_own(run.file(".py"))
    beside = Path(shutil.copy(pack(run), here / "mine" / "toy.mltk.zip"))
    for path in (run.folder, run.archive, beside):
        assert model_of(path).path == file
    assert len((here / "cache" / "model_files.jsonl").read_text().splitlines()) == 1


def test_a_folder_with_a_link_out_of_it_is_refused(here: Path, model_file: Callable[..., Path]) -> None:
    run = create_run(load_file(model_file()), test=False)
    (run.folder / "log.txt").symlink_to("state.json")
    assert open_artifact(run.folder).name == "toy"
    (here / "secret").write_text("s")
    (run.folder / "toy.tflite").symlink_to(here / "secret")
    with pytest.raises(ModelError, match=r"toy\.tflite is a link out of its folder"):
        open_artifact(run.folder)


def test_training_an_archive_further_says_that_its_code_is_run_and_asks(
    here: Path, trap: Path, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archive_of(here / "received" / "stranger.mltk.zip", "stranger", code)
    assert main(["train", str(archive)]) == 2
    error = capsys.readouterr().err
    assert "is to run the Python that it carries" in error
    assert f"unzip -p {archive} stranger.py" in error
    assert "--run-its-code" in error
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]
    file = carried_file(archive, run=True)
    assert (file, file.read_text()) == (archive.with_name("stranger.py"), code)
    assert not trap.exists()
    file.write_text("another")
    with pytest.raises(ModelError, match="is another file than the one in"):
        carried_file(archive, run=True)
    assert file.read_text() == "another"
    file.unlink()
    # The settings of the archive do not fit the toy: its code has been run by then.
    assert main(["train", str(archive), "--run-its-code", "--offline", "--workers", "0"]) == 2
    assert trap.exists()
    assert not list(here.glob("runs/*/*"))


def test_a_run_of_ones_own_is_found_as_before(here: Path, model_file: Callable[..., Path]) -> None:
    file = model_file()
    run = create_run(load_file(file), test=True)
    assert Run(run.folder).model_file == file.resolve()
    assert model_of(run.folder).name == "toy"
