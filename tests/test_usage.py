"""A command line that cannot be understood: one line, one hint, exit code 2; and output that cannot be printed."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mltk_like as mltk
from mltk_like.cli import VERBS, main
from mltk_like.data import Folder
from mltk_like.data.clip import Clip
from mltk_like.errors import DataError
from mltk_like.run import create_run

PACKAGE = Path(mltk.__file__).parent


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["--quick"], "no verb is given, and --quick is an option", "as in: mltk_like train"),
        (["trian", "x"], "there is no verb 'trian'", "did you mean train?"),
        (["frobnicate", "--help"], "there is no verb 'frobnicate'", "there are: new, train, data"),
        (["compile", "x"], "there is no verb 'compile'", "there are no accelerators here"),
        (["classify_image", "x"], "there is no verb 'classify_image'", "images are not this tool's"),
        (["custom", "x", "dump"], "there is no verb 'custom'", "a model's file is plain Python"),
        (["fingerprint_reader"], "there is no verb 'fingerprint_reader'", "images are not this tool's"),
        (["program_app", "x"], "there is no verb 'program_app'", "boards and their firmware"),
        (["ssh-keygen", "x"], "there is no verb 'ssh-keygen'", "train MODEL --cluster ADDRESS"),
        (["utest", "x"], "there is no verb 'utest'", "the tests run with pytest"),
        (["train"], "train needs MODEL", "mltk_like train --help"),
        (["train", "x", "--zzz", "3"], "train has no option '--zzz'", "mltk_like train --help"),
        (["train", "x", "--epohcs", "3"], "train has no option '--epohcs'", "did you mean --epochs?"),
        (["train", "x", "--epohcs=3"], "train has no option '--epohcs'", "did you mean --epochs?"),
        (["train", "x", "y"], "train takes nothing more: 'y'", "mltk_like train --help"),
        (["train", "x", "--epochs"], "--epochs needs a value", "as in: --epochs"),
        (["train", "x", "--epochs", "y"], "--epochs: 'y' is not a whole number", "mltk_like train --help"),
        (["train", "x", "--recordings-weight", "y"], "--recordings-weight: 'y' is not a number", "mltk_like train"),
        (["train", "x", "--workers", "-1"], "--workers: '-1' is not 0, 1, 2, ...", "mltk_like train --help"),
        (["train", "x", "--test=1"], "--test takes no value: '1'", "write --test alone"),
        (["train", "x", "--re"], "--re can be --resume or --resume-from or --recordings-weight", "write it in full"),
        (["evaluate", "x", "--subset", "trainin"], "--subset cannot be 'trainin'", "did you mean training?"),
        (["evaluate", "x", "--subset", "zzz"], "--subset cannot be 'zzz'", "give training or validation or test"),
        (["evaluate", "x", "--both", "--device", "auto"], "--device does not go with --both", "leave one of them out"),
        (["evaluate", "x", "--label-map", "y"], "--label-map: 'y' is not LABEL=CLASS", "mltk_like evaluate --help"),
        (["update_params", "x", "--add", "a=b", "--zzz"], "update_params has no option '--zzz'", "mltk_like upd"),
        (["view_audio", "/none.tflite", "-o", "p", "a.wav"], "no such file: /none.tflite", "give a model's name"),
        (["profile", "x", "--accelerator", "mvp"], "profile has no option '--accelerator'", "leave it out: there are"),
        (["profile", "x", "-a", "mvp"], "profile has no option '-a'", "leave it out: there are no accelerators here"),
        (["classify_audio", "x", "--input"], "--input needs a value", "as in: --input FILE: a sound file"),
        (
            ["profile", "--device", "x"],
            "--device: 'x' is no serial line such as /dev/ttyACM0 or COM3; a model or a label stands before --device",
            "mltk_like profile --help lists what there is",
        ),
        (["profile", "x", "--port", "COM3"], "profile has no option '--port'", "the serial line stands behind"),
        (["update_params", "x", "--device"], "update_params has no option '--device'", "classify_audio, record"),
        (["--no-gpu", "train", "x"], "train has no option '--no-gpu'", "set CUDA_VISIBLE_DEVICES=-1"),
        (["--accelerator", "mvp", "train", "x"], "train has no option '--accelerator'", "leave it out: there are no"),
        (["--json", "zzz", "models"], "--json stands behind the verb", "as in: mltk_like models --json"),
        (["--json", "models"], "--json stands behind the verb", "as in: mltk_like models --json"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line_and_a_hint(
    arguments: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    first, second = output.err.splitlines()
    assert first == f"error: {error}"
    assert second.startswith(f"hint: {hint}")


def test_the_bare_command_says_where_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    output = capsys.readouterr()
    verbs = [line.split()[3] for line in output.out.splitlines()]
    assert verbs == ["new", "train", "evaluate", "classify_audio", "report"]
    assert output.err == ""


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_knows_its_neighbours(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb[:-1] + "x"]) == 2
    assert "did you mean" in capsys.readouterr().err


def run_cli(arguments: list[str], where: Path, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONUTF8"))}
    return subprocess.run(
        [sys.executable, "-m", "mltk_like", *arguments], cwd=where, env={**ours, **environment}, capture_output=True
    )


LATIN: dict[str, str] = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
MODEL = """
import mltk_like as mltk

class Toy(mltk.Model):
    description = "\u97f3 caf\u00e9 \u00d7 2 \u2192 \u201cyes\u201d"

my_model = Toy()
"""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_locale_without_utf8_shows_what_it_can(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "toy.py").write_text(MODEL, encoding="utf-8")
    done = run_cli(["models"], tmp_path, **LATIN, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    (line,) = [line for line in done.stdout.decode(encoding).splitlines() if " 2 " in line]
    assert "\\u97f3 caf" in line
    assert ("\u00d7 2 -> " if encoding == "latin-1" else "x 2 -> ") + '"yes"' in line


def test_an_error_about_a_name_that_is_no_text(tmp_path: Path) -> None:
    done = run_cli(["summarize", os.fsdecode(b"caf\xe9.tflite")], tmp_path, **LATIN)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: ")
    assert b"caf\\udce9.tflite" in done.stderr


def test_no_text_file_is_opened_in_the_encoding_of_the_locale() -> None:
    """`open`, `read_text` and `text=True` without an encoding read UTF-8 as whatever the locale says."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        found += [f"{path.relative_to(PACKAGE)}:{call.lineno}" for call in calls if _is_of_the_locale(call)]
    assert found == []


def _is_of_the_locale(call: ast.Call) -> bool:
    given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
    if "encoding" in given:
        return False
    if given.get("text") is True:
        return getattr(call.func, "attr", "") in ("run", "Popen", "check_output")
    if isinstance(call.func, ast.Attribute) and call.func.attr == "read_text":
        return not call.args
    is_open = isinstance(call.func, ast.Name) and call.func.id == "open"
    modes = [word.value for word in call.keywords if word.arg == "mode"] + call.args[1:2] if is_open else []
    return is_open and not any("b" in str(getattr(mode, "value", "b")) for mode in modes)


@pytest.mark.slow
def test_the_first_error_of_a_training_stands_where_nothing_can_be_written_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))

    class Failing(Folder):
        def collect(self, **_: Any) -> list[Clip]:
            shutil.rmtree(tmp_path / "runs", ignore_errors=True)
            raise DataError("the first")

    class Toy(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
        classes = ("yes", "_unknown_")

        def sources(self) -> list[Any]:
            return [Failing(path=tmp_path, label=name) for name in self.classes]

        def network(self) -> Any:
            import keras

            inputs = keras.Input(self.input_shape)
            x = keras.layers.GlobalAveragePooling2D()(inputs)
            return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))

    with pytest.raises(DataError, match="the first"):
        mltk.train(Toy(), progress=False, strict_sources=True)
    assert not (tmp_path / "runs").exists()


def test_a_stage_keeps_its_seconds_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    run = create_run(mltk.Model(), test=False)
    with pytest.raises(DataError), run.stage("data"):
        raise DataError("no")
    assert set(run.state["stages"]) == {"data"}
