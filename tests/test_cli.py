"""The command line: one clear error, the right exit code, help for every verb."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mltk_like.cli import VERBS, main
from mltk_like.cli import models as models_verb
from mltk_like.errors import CheckError, DataError, MltkLikeError

Write = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in the test's folder, whose `models` may hold model files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLTK_LIKE_MODELS", raising=False)


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(args: object) -> int:
        raise error

    monkeypatch.setattr(models_verb, "run", run)


def usage(arguments: list[str], capsys: Capture) -> tuple[int, str, str]:
    """Exit code and output where argparse ends the program."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb(verb: str, capsys: Capture) -> None:
    code, out, _ = usage([verb, "--help"], capsys)
    assert code == 0
    assert f"mltk_like {verb}" in out
    assert VERBS[verb][1:20] in out
    assert "--debug" in out


@pytest.mark.parametrize("verb", ["evaluate", "summarize", "profile", "models"])
def test_reporting_verbs_take_json(verb: str, capsys: Capture) -> None:
    assert "--json" in usage([verb, "--help"], capsys)[1]


def test_help_lists_the_verbs(capsys: Capture) -> None:
    code, out, _ = usage(["--help"], capsys)
    assert code == 0
    assert all(verb in out for verb in VERBS)
    assert usage(["--version"], capsys)[1].startswith("mltk_like ")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (DataError("no clips", "add some"), 2, "error: no clips\nhint: add some\n"),
        (MltkLikeError("broken"), 2, "error: broken\n"),
        (CheckError("too big", "make it smaller"), 1, "error: too big\nhint: make it smaller\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_errors_and_exit_codes(
    error: BaseException, code: int, text: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    fail_with(error, monkeypatch)
    assert main(["models"]) == code
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", text)


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(DataError("no clips"), monkeypatch)
    with pytest.raises(DataError):
        main(["models", "--debug"])


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(ZeroDivisionError("ours"), monkeypatch)
    with pytest.raises(ZeroDivisionError):
        main(["models"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "keyword_spotting_alexa", "--stop"], "give --cluster ADDRESS too"),
        (["tune", "keyword_spotting_alexa", "--set", "batch_size=4,8", "--trials", "0"], "--trials 1 or more"),
    ],
)
def test_what_asks_for_nothing_is_refused(arguments: list[str], said: str, capsys: Capture) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert said in output.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "keyword_spoting_alexa"],
        ["evaluate", "keyword_spoting_alexa"],
        ["summarize", "keyword_spoting_alexa", "--tflite"],
        ["profile", "keyword_spoting_alexa"],
        ["quantize", "keyword_spoting_alexa"],
        ["update_params", "keyword_spoting_alexa", "a=1"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_unknown_model_gets_near_names(arguments: list[str], capsys: Capture) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(
        "error: no model named 'keyword_spoting_alexa'\nhint: did you mean keyword_spotting_alexa"
    )


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--set", "epoch=5"], "unknown setting 'epoch'", "did you mean 'epochs'?"),
        (["--set", "epochs=many"], "setting 'epochs': Expected int, got str; given 'many'", ""),
        (["--epochs", "0"], "setting 'epochs': Expected int >= 1; given 0", ""),
        (["--set", "frontend.window=3"], "setting 'frontend' has no field 'window'", "did you mean"),
    ],
)
def test_train_refuses_wrong_settings_before_any_work(
    arguments: list[str], message: str, hint: str, model_file: Write, tmp_path: Path, capsys: Capture
) -> None:
    model_file()
    assert main(["train", "toy", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == f"model toy from ./models: {(tmp_path / 'models' / 'toy.py').resolve()}\n"
    assert output.err.startswith(f"error: {message}\nhint: {hint}")
    assert not (tmp_path / "runs").exists()


def test_train_hands_its_options_on(model_file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    model_file()
    seen: dict[str, Any] = {}

    def train(model: Any, **options: Any) -> SimpleNamespace:
        seen.update(options, epochs=model.epochs, batch_size=model.batch_size)
        return SimpleNamespace(exit_code=1)

    import mltk_like.cli.train  # noqa: F401  so that the verb's module is there to be changed

    monkeypatch.setattr(sys.modules["mltk_like.verbs.train"], "train", train)
    assert (
        main(
            ["train", "toy-test", "--set", "batch_size=9", "--set", "epochs=5", "-e", "6", "--workers", "0", "--resume"]
        )
        == 1
    )
    assert (seen["epochs"], seen["batch_size"], seen["test"], seen["workers"], seen["resume"]) == (6, 9, True, 0, True)
    assert (seen["evaluate"], seen["strict_sources"], seen["weights"]) == (True, False, None)


def test_models_lists_all_and_names_the_broken(model_file: Write, capsys: Capture) -> None:
    model_file()
    model_file("import mltk_like\n", "broken")
    assert main(["models", "--json"]) == 0
    listed = {line["name"]: line for line in json.loads(capsys.readouterr().out)["models"]}
    assert {"toy", "broken", "keyword_spotting_alexa"} <= set(listed)
    assert (listed["toy"]["description"], listed["toy"]["error"]) == ("a toy", "")
    assert "defines no my_model" in listed["broken"]["error"]
    assert main(["models"]) == 0
    assert "a toy" in capsys.readouterr().out


def test_a_model_file_runs_itself(model_file: Write, tmp_path: Path) -> None:
    path = model_file()
    path.write_text(path.read_text() + '\nif __name__ == "__main__":\n    mltk.main(my_model)\n')
    result = subprocess.run(
        [sys.executable, str(path), "--set", "epoch=1"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert result.stdout.startswith("model toy from the path given")
    assert result.stderr.startswith("error: unknown setting 'epoch'\nhint: did you mean 'epochs'?")


def test_options_for_recordings_need_recordings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "keyword_spotting_alexa", "--noise", "somewhere"]) == 2
    assert "--positives" in capsys.readouterr().err
