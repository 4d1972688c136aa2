"""From a name or path to `my_model`: search order, dry runs, and one clear error for everything that can be wrong."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import mltk_like as mltk
from mltk_like.errors import ModelError, SettingError
from mltk_like.loader import find_model, list_models, load_file, load_model, search_folders

Write = Callable[..., Path]
SMALL = """
import mltk_like as mltk

class Small(mltk.Model):
    description = "{}"

my_model = Small()
"""


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, so that `./models` is the test's own."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLTK_LIKE_MODELS", raising=False)
    return folder


def put(folder: Path, name: str, text: str = SMALL) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(text.format(folder.name))
    return path.resolve()


def test_the_package_ships_models(empty_folder: Path) -> None:
    found = find_model("keyword_spotting_alexa")
    assert found.where == "the installed package"
    assert load_model("keyword_spotting_alexa").name == "keyword_spotting_alexa"


def test_search_order(empty_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "keyword_spotting_alexa"
    first, second = put(tmp_path / "first", name), put(tmp_path / "second", name)
    monkeypatch.setenv(
        "MLTK_LIKE_MODELS", os.pathsep.join(["", str(tmp_path / "none"), str(first.parent), str(second.parent)])
    )
    assert (find_model(name).path, find_model(name).where) == (first, "$MLTK_LIKE_MODELS")
    assert list_models()[name] == first
    local = put(empty_folder / "models", name)
    assert (find_model(name).path, find_model(name).where) == (local, "./models")
    assert list_models()[name] == local
    assert load_model(name).description == "models"
    given = find_model(str(second))
    assert (given.path, given.where, given.test) == (second, "the path given", False)
    assert [where for where, _ in search_folders()][:2] == ["./models", "$MLTK_LIKE_MODELS"]


def test_a_file_in_this_folder_needs_no_separator(empty_folder: Path) -> None:
    path = put(empty_folder, "bell")
    assert find_model("bell.py").path == path
    assert find_model(Path("bell.py")).path == path
    with pytest.raises(ModelError, match="no model named 'bell'"):
        find_model("bell")


def test_the_test_suffix_is_the_dry_run(empty_folder: Path) -> None:
    path = put(empty_folder / "models", "bell")
    found = find_model("bell-test")
    assert (found.path, found.test) == (path, True)
    assert not find_model("bell").test


def test_private_files_are_no_models(empty_folder: Path) -> None:
    put(empty_folder / "models", "_helper")
    assert "_helper" not in list_models()
    with pytest.raises(ModelError):
        find_model("_helper")


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("keyword_spoting_alexa", "no model named 'keyword_spoting_alexa'", "did you mean keyword_spotting_alexa"),
        ("keyword_spoting_alexa-test", "no model named 'keyword_spoting_alexa'", "did you mean keyword_spotting_alexa"),
        ("zzzzz", "no model named 'zzzzz'", "known models: "),
        ("", "no model named ''", "known models: "),
        ("nowhere/bell.py", "no such model file: nowhere/bell.py", "mltk_like models"),
        ("bell.py", "no such model file: bell.py", "mltk_like models"),
    ],
)
def test_no_such_model(name: str, message: str, hint: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(name)
    assert caught.value.message == message
    assert hint in caught.value.hint


BROKEN = {
    "syntax": ("import mltk_like\n\nclass Bell(\n", "{path}, line 3: '(' was never closed"),
    "nothing": ("import mltk_like\n", "{path} defines no my_model"),
    "number": ("my_model = 5\n", "{path} defines no my_model"),
    "class": ("import mltk_like as mltk\nclass A(mltk.Model): pass\nmy_model = A\n", "my_model in {path} is a class"),
    "name": ("import mltk_like as mltk\nclass A(mltk.Model): pass\nmodel = A()\n", "{path} calls its model 'model'"),
    "two": (
        "import mltk_like as mltk\nclass A(mltk.Model): pass\nmy_model = A()\nother = A()\n",
        "{path} has 2 models: my_model, other",
    ),
    "error": ("1 / 0\n", "bell.py cannot be loaded: ZeroDivisionError: division by zero"),
    "import": (
        "import no_such_package\n",
        "bell.py cannot be loaded: ModuleNotFoundError: No module named 'no_such_package'",
    ),
    "exit": ("import sys\nsys.exit(0)\n", "bell.py cannot be loaded: SystemExit: 0"),
    "nul": ("a\0b", "bell.py"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files(case: str, model_file: Write) -> None:
    text, message = BROKEN[case]
    path = model_file(text, "bell")
    with pytest.raises(ModelError) as caught:
        load_file(path)
    assert message.format(path=path) in caught.value.message
    assert caught.value.hint


def test_one_model_under_two_names_is_one(model_file: Write) -> None:
    path = model_file("import mltk_like as mltk\nclass A(mltk.Model): pass\nmy_model = bell = A()\n")
    assert load_file(path).name == "toy"


def test_a_wrong_setting_keeps_its_kind_and_names_the_file(model_file: Write) -> None:
    path = model_file("import mltk_like as mltk\nclass A(mltk.Model):\n    versoin = 2\nmy_model = A()\n")
    with pytest.raises(SettingError) as caught:
        load_file(path)
    assert caught.value.message == "toy.py: unknown setting 'versoin'"
    assert caught.value.hint == "did you mean 'version'?"


def test_models_know_their_file_and_name(model_file: Write) -> None:
    path = model_file()
    model = load_file(path)
    assert (model.name, model.path) == ("toy", path.resolve())
    assert load_file(path) is not model


def test_a_file_changed_within_the_same_second_runs_as_it_is_now(model_file: Write) -> None:
    path = model_file(SMALL.format("old"))
    then = path.stat()
    assert load_model(path).description == "old"
    path.write_text(SMALL.format("new"))
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert load_model(path).description == "new"
    assert not (path.parent / "__pycache__").exists()


def test_files_of_one_name_do_not_disturb_each_other(tmp_path: Path) -> None:
    one, two = put(tmp_path / "one", "bell"), put(tmp_path / "two", "bell")
    first, second = load_file(one), load_file(two)
    assert (first.path, second.path) == (one, two)
    assert (first.description, second.description) == ("one", "two")


def test_a_class_without_a_file_is_named_after_itself() -> None:
    Made = type("FrontDoorBell", (mltk.Model,), {"__module__": "a_notebook"})
    assert (Made().name, Made().path) == ("front_door_bell", None)


def test_loading_does_not_run_the_main_block(model_file: Write, tmp_path: Path) -> None:
    text = f"\nif __name__ == '__main__':\n    open({str(tmp_path / 'ran')!r}, 'w')\n"
    load_file(model_file("import mltk_like as mltk\nclass A(mltk.Model): pass\nmy_model = A()\n" + text))
    assert not (tmp_path / "ran").exists()
