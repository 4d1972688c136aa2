"""Where what is printed cannot be written: a full disk, a reader that has gone, a terminal that was closed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# A verb that prints for as long as it is let, in place of `models`.
ENDLESS = (
    "import itertools, sys, mltk_like.cli.models as verb\n"
    "def run(args):\n"
    "    for number in itertools.count():\n"
    "        print('line', number)\n"
    "verb.run = run\n"
    "from mltk_like.__main__ import main\n"
    "sys.exit(main())\n"
)


# Unbuffered, argparse itself passes over what it cannot print, and only the stream knows of it.
@pytest.mark.parametrize(
    ("command", "unbuffered"),
    [
        (command, unbuffered)
        for command in ("models", "--help", "--version", "train --help")
        for unbuffered in ("", "1")
    ],
)
def test_a_full_disk_behind_stdout_is_one_line(tmp_path: Path, command: str, unbuffered: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mltk_like", *command.split()],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert done.returncode == 2
    error, hint = done.stderr.splitlines()
    assert error == "error: what is printed cannot be written: No space left on device"
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("command", ["models", "--help"])
def test_without_a_stdout_nothing_is_printed(tmp_path: Path, command: str) -> None:
    words = f"exec {sys.executable} -m mltk_like {command} >&-"
    done = subprocess.run(["sh", "-c", words], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_nothing_can_be_said_at_all(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "mltk_like", "summarize", "nothing.tflite"]
        assert subprocess.run(command, cwd=tmp_path, stdout=full, stderr=full).returncode == 2


def test_a_reader_that_has_gone_when_all_is_done_is_no_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        result = subprocess.run(
            [sys.executable, "-m", "mltk_like", "models"],
            cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    finally:
        os.close(write)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_reader_that_goes_in_the_middle(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, "models"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "line 0\n"
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    # As with other programs: '| head' is no error to be told of.
    assert (process.wait(), said) == (141, "")
