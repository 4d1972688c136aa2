"""A training that is killed at any moment goes on with --resume, and comes to the bytes of one that was not.

TensorFlow is imported once, in a process that forks a child for each command. A child is killed where it is to write: a
hook in it counts the renames and the members of archives, which are the moments that leave something behind; or by a
timer, wherever it is then.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys

FORKING = """
import datetime, json, os, signal, sys, types, zipfile
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
import tensorflow, keras
from mltk_like.cli import main
from mltk_like.training import convert

# A .tflite has the time in it.
class Then(datetime.datetime):
    @classmethod
    def now(cls, zone=None):
        return cls(2024, 1, 1, tzinfo=zone)

convert.datetime = types.SimpleNamespace(datetime=Then, UTC=datetime.UTC)

def child(order):
    os.environ["MLTK_LIKE_RUNS"] = order["runs"]
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    moments = os.fdopen(os.open(order["output"] + ".moments", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w")
    count = 0

    def moment(name):
        nonlocal count
        count += 1
        print(name, file=moments, flush=True)
        if count == order.get("moment") or name == order.get("name"):
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(function, name_of):
        def call(*given, **named):
            moment("before " + name_of(*given))
            result = function(*given, **named)
            moment("after " + name_of(*given))
            return result
        return call

    os.replace = watched(os.replace, lambda source, target: os.fspath(target))
    zipfile.ZipFile.write = watched(zipfile.ZipFile.write, lambda archive, path, member: "member " + member)
    # Its default action is death.
    signal.setitimer(signal.ITIMER_REAL, order.get("seconds", 0))
    try:
        os._exit(main(order["arguments"]))
    finally:
        os._exit(99)

for line in sys.stdin:
    if not (pid := os.fork()):
        child(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
# What says when, how long and where, and Keras' own file, which has the time in it; its weights are in the .tflite.
NOT_COMPARED = {"state.json", "log.txt", "toy.keras"}
KILLED = (-signal.SIGKILL, -signal.SIGALRM)
CHAIN = 20


class Commands:
    """Commands of the toy in forked children."""

    def __init__(self, process: "subprocess.Popen[str]", toy: Path) -> None:
        self._process = process
        self.toy = toy
        self.output = toy.parent / "output.txt"

    def train(self, runs: Path, *words: str, **death: Any) -> int:
        """`train TOY ...` with run folders in `runs`; it dies at a moment, by number or name, or after seconds."""
        arguments = ["train", str(self.toy), "--workers", "0", "--no-evaluate", *words]
        order = {"arguments": arguments, "runs": str(runs), "output": str(self.output), **death}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    @property
    def moments(self) -> list[str]:
        """Those of the last command."""
        return Path(f"{self.output}.moments").read_text().splitlines()

    def ended_well(self, runs: Path, expected: dict[str, bytes]) -> None:
        """Go on with whatever is there, to the end; the result is that of an uninterrupted training."""
        code = self.train(runs, "--resume")
        if code == 2:
            # It ended before it was begun, and says so.
            error, hint = self.output.read_text().splitlines()[-2:]
            assert error.startswith("error: no run of toy to go on with")
            assert hint.startswith("hint: start one: python -m mltk_like train")
            code = self.train(runs)
        assert code == 0, self.output.read_text()
        assert result(runs) == expected
        published = self.toy.with_name("toy.mltk.zip")
        assert published.read_bytes() == latest(runs).joinpath("toy.mltk.zip").read_bytes()
        published.unlink()
        left = [path for folder in (runs, self.toy.parent) for path in folder.rglob("*.tmp*")]
        assert left == []


def latest(runs: Path) -> Path:
    return max((runs / "toy").iterdir(), key=lambda folder: int(folder.name))


def result(runs: Path) -> dict[str, bytes]:
    """What two trainings must have in common."""
    folder = latest(runs)
    state = json.loads((folder / "state.json").read_text())
    assert (state["status"], state["pid"], "packing" in state) == ("complete", None, False)
    with zipfile.ZipFile(folder / "toy.mltk.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert json.loads(members["state.json"]) == state
    found = {name: data for name, data in members.items() if name not in NOT_COMPARED}
    assert found["toy.tflite"] == (folder / "toy.tflite").read_bytes()
    return found


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    folder = tmp_path_factory.mktemp("deaths")
    toy = toys.write_toy(folder / "models", settings="epochs = 5\nsteps_per_epoch = 8")
    environment = {**os.environ, "MLTK_LIKE_CACHE": str(folder / "cache"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with subprocess.Popen(
        [sys.executable, "-c", FORKING],
        env=environment, cwd=folder, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        yield Commands(process, toy)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def expected(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an uninterrupted training comes to."""
    runs = tmp_path_factory.mktemp("whole")
    assert commands.train(runs) == 0, commands.output.read_text()
    commands.toy.with_name("toy.mltk.zip").unlink()
    return result(runs)


@pytest.mark.slow
def test_killed_again_and_again(commands: Commands, expected: dict[str, bytes], tmp_path: Path) -> None:
    rng = np.random.default_rng(14)
    killed = 0
    for number in range(CHAIN):
        resumed = ["--resume"] if (tmp_path / "toy").exists() else []
        moment = {"moment": int(rng.integers(1, 30))}
        death = {"seconds": float(rng.uniform(0.3, 3))} if number % 4 == 3 else moment
        code = commands.train(tmp_path, *resumed, **death)
        if code == 2:
            assert "to go on with" in commands.output.read_text()
            shutil.rmtree(tmp_path / "toy")
            continue
        if code in toys.ENDED:
            assert result(tmp_path) == expected
            shutil.rmtree(tmp_path / "toy")
            continue
        assert code in KILLED, commands.output.read_text()
        killed += 1
    assert killed >= CHAIN // 2
    if (tmp_path / "toy").exists():
        commands.ended_well(tmp_path, expected)


@pytest.mark.slow
def test_killed_while_it_packs_and_publishes(commands: Commands, expected: dict[str, bytes], tmp_path: Path) -> None:
    first = "before member settings.json"
    assert commands.train(tmp_path / "packing", name=first) == -signal.SIGKILL
    assert not list(tmp_path.rglob("*.mltk.zip"))
    moments = commands.moments
    # What is to come is known from a resumption of a copy that ends well.
    shutil.copytree(tmp_path / "packing", tmp_path / "copy")
    commands.ended_well(tmp_path / "copy", expected)
    assert "all is done but the archive" in commands.output.read_text()
    moments = commands.moments
    chosen = [number for number, name in enumerate(moments, 1) if "member" not in name]
    chosen += [number for number, name in enumerate(moments, 1) if name.endswith(("toy.py", "toy.tflite"))]
    for number in chosen:
        runs = tmp_path / f"killed-{number}"
        shutil.copytree(tmp_path / "packing", runs)
        assert commands.train(runs, "--resume", moment=number) == -signal.SIGKILL
        if json.loads((latest(runs) / "state.json").read_text())["status"] == "complete":
            # The very last moment: there is nothing to go on with.
            assert result(runs) == expected
            continue
        commands.ended_well(runs, expected)
        shutil.rmtree(runs)
    assert len(chosen) >= 8
