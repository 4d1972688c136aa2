"""The Tab key: verbs, options and models, as the shell asks for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("argcomplete")


def completed(line: str, folder: Path) -> set[str]:
    """What a shell would offer behind a line."""
    answer = folder / "answer"
    answer.touch()
    env = {
        **os.environ, "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_SHELL": "bash", "COMP_LINE": line,
        "COMP_POINT": str(len(line)), "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
    }  # fmt: skip
    subprocess.run([sys.executable, "-m", "mltk_like"], env=env, cwd=folder, check=False, capture_output=True)
    return {word.strip() for word in answer.read_text().splitlines()}


def test_verbs(tmp_path: Path) -> None:
    assert completed("mltk_like su", tmp_path) == {"summarize"}


def test_options_of_a_verb(tmp_path: Path) -> None:
    assert {"--epochs", "--resume"} <= completed("mltk_like train toy --", tmp_path)


def test_models(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "zebra.py").write_text("")
    assert completed("mltk_like evaluate zeb", tmp_path) == {"zebra"}
