"""The C++ programs as commands of the package."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from mltk_like.audio.programs import program_path
from mltk_like.cli import programs
from mltk_like.errors import MltkLikeError
from mltk_like.tflite.runner import find_tflm

CONV = Path(__file__).parent / "data" / "tflite" / "tiny_conv.tflite"
NAMES = ("audio_classifier", "board_simulator")


@pytest.mark.parametrize("name", NAMES)
def test_they_are_console_scripts(name: str) -> None:
    scripts = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts[name].partition(":")
    assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(name: str, option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--model", "x", option])
    assert getattr(programs, name)() == 0
    assert f"usage: {name} --model FILE.tflite" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_help_has_every_option_of_the_program(name: str) -> None:
    source = (Path(__file__).parents[1] / "cpp" / "apps" / name / "main.cpp").read_text()
    options = {line.split('"')[0] for line in source.replace("{", " ").split('"--')[1:]}
    known = {option for option in options if option.replace("-", "").isalpha()}
    assert len(known) >= 6
    assert all(f"  --{option} " in programs._HELP[name] or f"with --{option} " in programs._HELP[name]
               or f"--{option} FILE.tflite" in programs._HELP[name] for option in known)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_without_the_program_it_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLTK_LIKE_BIN", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [name, "--model", "x"])
    assert getattr(programs, name)() == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert error == f"error: the program {name} was not built with this installation"
    assert hint.startswith("hint: reinstall")


def test_the_command_becomes_the_program() -> None:
    try:
        find_tflm(), program_path("audio_classifier")
    except MltkLikeError as error:
        pytest.skip(error.message)
    code = "from mltk_like.cli.programs import audio_classifier as main; raise SystemExit(main())"
    done = subprocess.run([sys.executable, "-c", code, "--model", str(CONV), "--threshold", "999"], capture_output=True)
    assert done.returncode == 2
    assert b"audio_classifier: " in done.stderr
