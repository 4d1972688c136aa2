"""One model is one file: whose a run is, and that what the tool says to type works when it is typed."""

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import mltk_like as mltk
from mltk_like.artifact import model_of, open_artifact
from mltk_like.cli import main
from mltk_like.errors import ModelError
from mltk_like.loader import find_model, load_file, typed
from mltk_like.packing import pack
from mltk_like.run import Run, create_run, find_run, typed_run
from mltk_like.verbs.models import claim_runs
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.train.start import train_command
from mltk_like.verbs.tune.verb import _folder_of

Write = Callable[..., Path]
SPACES = "models o'mine/my kws.py"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def two(model_file: Write, here: Path) -> tuple[Path, Path]:
    """`a/kws.py` and `b/kws.py`, which differ."""
    text = model_file().read_text()
    (here / "models" / "toy.py").unlink()
    for name in ("a", "b"):
        (here / name).mkdir()
        (here / name / "kws.py").write_text(text.replace("a toy", f"of {name}"))
    return here / "a" / "kws.py", here / "b" / "kws.py"


def trained(path: Path, *, test: bool = False) -> Run:
    run = create_run(load_file(path), test=test)
    run.file(".tflite").write_bytes(f"\0\0\0\0TFL3 of {path}".encode())
    run.update(status="complete")
    return run


def words(command: str) -> list[str]:
    """The words of a command that was printed, as a shell has them, after `python -m mltk_like`."""
    found = shlex.split(command)
    assert found[:3] == ["python", "-m", "mltk_like"]
    return found[3:]


def test_a_run_is_of_the_file_and_not_of_its_name(two: tuple[Path, Path]) -> None:
    a, b = two
    first = trained(a)
    with pytest.raises(ModelError, match=r"kws has not been trained \(.*runs/kws/1 is of a/kws\.py\)"):
        open_artifact(b)
    second = trained(b)
    assert open_artifact("a/kws.py").path == first.folder
    assert open_artifact(b).path == second.folder
    assert artifact_of(load_file(a)).path == first.folder
    # Run folders and archives say it, too.
    assert model_of(first.folder).description == "of a"
    assert model_of(second.folder).description == "of b"
    with pytest.raises(ModelError, match="no model named 'kws'"):
        open_artifact("kws")


def test_a_name_reaches_what_the_search_order_finds(two: tuple[Path, Path], here: Path) -> None:
    a, _ = two
    trained(a)
    shutil.copy(a, here / "models" / "kws.py")
    with pytest.raises(ModelError, match="has not been trained"):
        open_artifact("kws")
    assert (typed(a), typed(here / "models" / "kws.py")) == ("a/kws.py", "kws")


def test_only_its_own_run_is_gone_on_with(two: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    a, b = two
    create_run(load_file(a), test=False).update(status="interrupted", pid=None)
    assert find_run("kws", status=("interrupted",), file=b) is None
    assert main(["train", str(b), "--resume"]) == 2
    error = capsys.readouterr().err
    assert "no run of kws to go on with (" in error
    assert "start one: python -m mltk_like train b/kws.py" in error


def test_runs_of_earlier_versions_are_of_the_file_that_their_path_or_name_finds(
    two: tuple[Path, Path], here: Path
) -> None:
    a, _ = two
    run = trained(a)
    (run.folder / "model_file.json").unlink()
    assert open_artifact(a).path == run.folder  # by the path in settings.json, from the folder it was trained in
    settings = run.settings()
    for path in ("elsewhere/kws.py", None):
        (run.folder / "settings.json").write_text(json.dumps({**settings, "path": path}))
        with pytest.raises(ModelError, match="has not been trained"):
            open_artifact(a)
    shutil.copy(a, here / "models" / "kws.py")
    assert open_artifact("kws").path == run.folder


def test_project_and_runs_move_together(two: tuple[Path, Path], here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, _ = two
    trained(a)
    (here / "there").mkdir()
    for name in ("a", "runs"):
        (here / name).rename(here / "there" / name)
    monkeypatch.chdir(here / "there")
    monkeypatch.setenv("MLTK_LIKE_RUNS", "runs")
    assert open_artifact("a/kws.py").tflite().endswith(b"a/kws.py")


def test_a_run_folder_may_lie_elsewhere(two: tuple[Path, Path], here: Path) -> None:
    run = trained(two[0])
    pack(run)
    moved = Path(shutil.copytree(run.folder, here / "elsewhere" / "far" / "kws" / "7"))
    for member in ("", "kws.tflite", "kws.mltk.zip"):
        assert open_artifact(moved / member).model_file == two[0]


def test_a_moved_file_claims_its_runs(two: tuple[Path, Path], here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = two
    run = trained(a)
    assert main(["models", "--claim", str(b)]) == 2
    assert "runs/kws/1 is of a/kws.py" in capsys.readouterr().err
    assert main(["models", "--claim", str(b), str(run.folder)]) == 2
    assert "which is there" in capsys.readouterr().err
    (here / "new").mkdir()
    moved = a.rename(here / "new" / "kws.py")
    trained(b)  # a later one of the same name says nothing of the one that is missed
    with pytest.raises(ModelError, match=r"a/kws\.py, which is gone; if that was moved: .* models --claim FILE"):
        open_artifact(moved)
    with pytest.raises(ModelError, match="which is gone"):
        model_of(run.folder)
    assert main(["models", "--claim", str(moved)]) == 0
    assert "now of new/kws.py: runs/kws/1" in capsys.readouterr().out
    assert open_artifact(moved).path == run.folder
    assert model_of(run.folder).path == moved


def test_an_unchanged_file_that_moved_to_where_its_name_finds_it_needs_no_claim(
    two: tuple[Path, Path], here: Path
) -> None:
    a, b = two
    run = trained(a)
    moved = a.rename(here / "models" / "kws.py")
    assert open_artifact("kws").path == run.folder
    shutil.copy(b, moved)
    with pytest.raises(ModelError, match="has not been trained"):
        open_artifact("kws")


def test_runs_of_several_lost_files_are_claimed_by_their_folders(two: tuple[Path, Path], here: Path) -> None:
    runs = [trained(path) for path in two]
    for path in two:
        path.rename(here / f"{path.parent.name}.py")
    (here / "c").mkdir()
    (here / "c" / "kws.py").write_text((here / "a.py").read_text())
    with pytest.raises(ModelError, match="several files have lost theirs"):
        claim_runs(here / "c" / "kws.py")
    claim_runs(here / "c" / "kws.py", [runs[0].folder])
    assert open_artifact("c/kws.py").path == runs[0].folder
    with pytest.raises(ModelError, match="is of a model named kws"):
        claim_runs(here / "a.py", [runs[1].folder])


def test_an_archive_does_not_say_where_its_file_was(two: tuple[Path, Path]) -> None:
    run = trained(two[0])
    assert open_artifact(pack(run)).read("model_file.json") is None
    assert not [
        name for name in ("state.json", "settings.json") if str(two[0].parent) in (run.folder / name).read_text()
    ]


def test_a_class_without_a_file_has_runs_of_its_own(two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    trained(two[0])

    class Kws(mltk.Model):
        pass

    monkeypatch.setattr(Kws, "__module__", "a_notebook")
    with pytest.raises(ModelError, match="kws has not been trained"):
        artifact_of(Kws())
    run = create_run(Kws(), test=False)
    run.update(status="complete")
    assert artifact_of(Kws()).path == run.folder
    assert open_artifact(two[0]).path != run.folder
    assert typed_run(run) == str(Path("runs/kws/2"))
    assert train_command(Kws(), test=True, resume=True) == "mltk.train(my_model, test=True, resume=True)"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("models/kws.py", "kws"),
        ("a/kws.py", "a/kws.py"),
        ("kws.py", "./kws.py"),
        (SPACES, shlex.quote(SPACES)),
        ("models/my kws.py", "'my kws'"),
        ("-a/kws.py", "./-a/kws.py"),
        ("models/-kws.py", "models/-kws.py"),
        ("models/kws-test.py", "models/kws-test.py"),
        ("models/kws.tflite.py", "models/kws.tflite.py"),
    ],
)
def test_what_is_to_be_typed_reaches_the_model(path: str, shown: str, two: tuple[Path, Path], here: Path) -> None:
    file = here / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(two[1].read_text())
    model = load_file(file)
    run, dry = trained(file), trained(file, test=True)
    assert shlex.quote(typed_run(run)) == shown
    verb, spec, resume = words(train_command(model, test=False, resume=True))
    assert (verb, resume) == ("train", "--resume")
    found = find_model(spec)
    assert (found.path, found.test) == (file.resolve(), False)
    assert open_artifact(typed_run(run)).path.samefile(run.folder)
    assert open_artifact(typed_run(dry)).path.samefile(dry.folder)
    assert open_artifact(typed_run(run)).typed_model == typed_run(run)
    _, spec, *options = words(train_command(model, test=True))
    assert find_model(spec).test != ("--test" in options)
    assert find_model(spec).path == file.resolve()


def test_a_file_or_folder_of_the_name_is_not_typed_by_mistake(two: tuple[Path, Path], here: Path) -> None:
    shutil.copy(two[0], here / "models" / "kws.py")
    (here / "kws").write_text("notes")
    run = trained(here / "models" / "kws.py")
    assert typed_run(run) == "models/kws.py"
    assert open_artifact("models/kws.py").path == run.folder


def test_an_archive_that_is_hidden_by_a_run_is_typed_by_its_path(two: tuple[Path, Path]) -> None:
    run = trained(two[0])
    archive = two[0].with_name("kws.mltk.zip")
    shutil.copy(pack(run), archive)
    assert open_artifact(archive).typed == "a/kws.mltk.zip"
    run.update(status="failed")
    assert open_artifact(archive).typed == "a/kws.py"


def test_searches_of_two_models_have_folders_of_their_own(two: tuple[Path, Path], here: Path) -> None:
    from mltk_like.run import note_model_file

    folders = []
    for path in (*two, *two):
        folder = _folder_of("kws", path)
        folder.mkdir(parents=True, exist_ok=True)
        note_model_file(folder, path)
        folders.append(folder.name)
    assert folders == ["kws-tune", "kws-tune-2", "kws-tune", "kws-tune-2"]
