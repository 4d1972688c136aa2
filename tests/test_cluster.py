"""Work on a Ray cluster of two nodes on this machine: same results as here, also when a node is lost."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import mltk_like as mltk
from mltk_like.cluster import Cluster
from mltk_like.errors import ModelError, ToolError
from mltk_like.verbs.train import train_on_cluster

pytest.importorskip("ray")
pytest_plugins = ["toy_fixtures"]
HERE = Path(__file__).parent
# Ray then stays on 127.0.0.1, with its servers as well as with what it looks for.
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
# Or its client port dies of its own fork now and then (ray-project/ray#63202); another test has such a port.
STEADY = {"GRPC_ENABLE_FORK_SUPPORT": "0"}


class Nodes:
    """The cluster of `ray_nodes.py`."""

    def __init__(self, process: "subprocess.Popen[str]", address: str, client: str) -> None:
        self._process = process
        self.address = address
        self.client = client

    def kill_one(self) -> None:
        """Kill the second node."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("kill\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline().strip() == "killed"


def wait_for_port(address: str, seconds: float = 60) -> None:
    """Until somebody listens: Ray's client port opens a little after the cluster."""
    host, port = address.removeprefix("ray://").split(":")
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < end, f"nobody listens at {address}"
            time.sleep(0.2)


@contextmanager
def two_nodes(**environment: str) -> Iterator[Nodes]:
    """Start the cluster, and end it. `environment` is that of its nodes."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(HERE / "ray_nodes.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, **LOOPBACK, **STEADY, **environment},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        lines = iter(process.stdout.readline, "")
        _, address, client = next(line for line in lines if line.startswith("address ")).split()
        wait_for_port(client)
        yield Nodes(process, address, client)
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


@contextmanager
def started(*words: str, cwd: Path, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """`python -m mltk_like ...`, its two outputs in one; killed at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mltk_like", *words],
        cwd=cwd, env={**os.environ, **LOOPBACK, **environment}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdout is not None and not process.stdout.closed:
            process.communicate()


def lines_until(process: "subprocess.Popen[str]", text: str) -> str:
    """What it prints up to a line with the text."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} was not printed:\n{seen}")


@pytest.mark.slow
def test_a_killed_node_loses_no_result(tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from mltk_like.cluster import Cluster

def slow_square(item, folder):
    (Path(folder) / f"began-{item}").touch()
    time.sleep(2)
    return item * item

with Cluster(sys.argv[1]) as cluster:
    assert cluster.cores == 2
    print(sorted(cluster.run(slow_square, range(6), sys.argv[2])))
"""
    with two_nodes() as nodes:
        process = subprocess.Popen(
            [sys.executable, "-c", code, nodes.address, str(tmp_path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **LOOPBACK},
        )  # fmt: skip
        while len(list(tmp_path.glob("began-*"))) < 3:  # both nodes are at work
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        nodes.kill_one()
        out, err = process.communicate(timeout=200)
    # Ray reports the lost node on stdout too.
    assert str([(item, item * item) for item in range(6)]) in out, err


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nonsense", "is no address"),
        ("ray://", "is no address"),
        ("127.0.0.1:0", "no Ray cluster answers"),
        ("127.0.0.1:1", "no Ray cluster answers"),
        ("ray://127.0.0.1:1", "no Ray cluster answers"),
        ("127.0.0.1:99999", "no Ray cluster answers"),
    ],
)
def test_no_cluster_is_one_clear_error(address: str, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        Cluster(address)


@pytest.mark.parametrize(("aborted", "joined"), [(0, True), (3, True), (4, False)])
def test_a_client_port_that_aborts_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, aborted: int, joined: bool
) -> None:
    calls = []

    def init(**_: object) -> None:
        calls.append(1)
        if len(calls) <= aborted:
            raise ConnectionAbortedError("Initialization failure from server:\ntrace")

    monkeypatch.setattr("ray.init", init)
    monkeypatch.setattr(Cluster, "_check_nodes", lambda _: None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"ray://127.0.0.1:{server.getsockname()[1]}"
        if joined:
            assert Cluster(address).address == address
        else:
            with pytest.raises(
                ToolError, match=r"no Ray cluster answers at .*: Initialization failure from server"
            ) as caught:
                Cluster(address)
            assert "GRPC_ENABLE_FORK_SUPPORT=0" in caught.value.hint
    assert len(calls) == min(aborted + 1, 4)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * (len(calls) - 1)


@pytest.mark.slow
def test_a_training_on_the_cluster_is_joined_again_and_stopped(toy: Path, tmp_path: Path) -> None:
    # The node is this machine, so the folders that the model names are there, but not beside the copy of its file.
    toy.write_text(toy.read_text().replace("HERE = Path(__file__).parent", f"HERE = Path({str(toy.parent)!r})"))
    with two_nodes(TOY_SLOW_FROM="0") as nodes:
        words = ("train", str(toy), "--cluster", nodes.client, "--set", "epochs=40", "--no-evaluate")
        with started(*words, cwd=tmp_path) as process:
            assert "starting the training of toy" in lines_until(process, "epoch 1/40")
            os.killpg(process.pid, signal.SIGINT)
            output, _ = process.communicate(timeout=60)
            assert "the training goes on" in output
            assert process.returncode == 130
        with started(*words, cwd=tmp_path) as process:
            output, _ = process.communicate(timeout=200)
        assert "joining the training of toy" in output
        assert "other options" not in output
        assert "epoch 40/40" in output
        assert process.returncode == 0, output
        assert (tmp_path / "runs" / "toy" / "1" / "toy.tflite").is_file()
        assert (toy.parent / "toy.mltk.zip").is_file()

        with started("train", str(toy), "--cluster", nodes.client, "--stop", cwd=tmp_path) as process:
            assert "nothing to stop" in process.communicate(timeout=60)[0]
            assert process.returncode == 2
        with started(*words, cwd=tmp_path) as process:
            lines_until(process, "epoch 2/40")
        with started(*words[:4], "--set", "epochs=41", cwd=tmp_path) as process:
            assert "started with other options" in lines_until(process, "epoch 2/40")
        with started(*words[:4], "--stop", cwd=tmp_path) as process:
            output, _ = process.communicate(timeout=100)
            assert process.returncode == 130, output
    state = json.loads((tmp_path / "runs" / "toy" / "2" / "state.json").read_text())
    assert state["status"] == "interrupted"
    with started("train", str(toy), "--resume", "--no-evaluate", cwd=tmp_path) as process:
        output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    assert "epoch 1/40" not in output


def test_a_model_without_a_file_cannot_travel() -> None:
    class Loose(mltk.Model):
        version = 1

    Loose.__module__ = "a_notebook"
    with pytest.raises(ModelError, match="cannot travel"):
        train_on_cluster(Loose(), "127.0.0.1:1")


@pytest.mark.slow
def test_speech_and_stored_windows_are_the_same_bytes_though_a_node_is_killed(toy: Path, tmp_path: Path) -> None:
    pytest.importorskip("hibari")
    here, there = tmp_path / "here", tmp_path / "there"

    def run(folder: Path, *words: str) -> str:
        environment = {**os.environ, **LOOPBACK, "MLTK_LIKE_CACHE": str(folder)}
        command = [sys.executable, "-m", "mltk_like", *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    speak = ("synthesize", "lantern", "--count", "300", "--engine", "hibari", "--out")
    run(here, *speak, str(here / "out"))
    run(here, "data", str(toy), "--augment-copies", "2")
    run(here, "data", str(toy), "--export-features", str(here / "windows.csv"))
    with two_nodes() as nodes:
        run(there, "data", str(toy), "--augment-copies", "2", "--cluster", nodes.client)
        run(there, "data", str(toy), "--export-features", str(there / "windows.csv"), "--cluster", nodes.client)
        with started(
            *speak, str(there / "out"), "--cluster", nodes.address, cwd=tmp_path, MLTK_LIKE_CACHE=str(there)
        ) as process:
            while len(list(there.glob("speech/**/*.wav"))) < 16:
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            nodes.kill_one()
            output, _ = process.communicate(timeout=250)
            assert process.returncode == 0, output
    for pattern, count in (("out/**/*.wav", 300), ("copies/*/pass-*.npy", 2), ("windows.csv", 1)):
        ours, theirs = (sorted(folder.glob(pattern)) for folder in (here, there))
        assert [path.name for path in ours] == [path.name for path in theirs]
        assert len(ours) == count
        assert all(a.read_bytes() == b.read_bytes() for a, b in zip(ours, theirs, strict=True))


@pytest.mark.slow
def test_a_training_that_never_began_does_not_bar_the_next(toy: Path, tmp_path: Path) -> None:
    with two_nodes() as nodes:
        for _ in range(2):
            words = ("train", str(toy), "--cluster", nodes.address, "--label", "nothing")
            with started(*words, cwd=tmp_path) as process:
                output, _ = process.communicate(timeout=120)
            assert process.returncode == 2, output
            assert "starting the training of toy" in output
            assert "ended before it had a run folder" in output


@pytest.mark.slow
def test_a_search_on_the_cluster(toy: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    toy.write_text(toy.read_text().replace("HERE = Path(__file__).parent", f"HERE = Path({str(toy.parent)!r})"))
    words = ["--set", "batch_size=4,8", "--set", "epochs=1", "--set", "steps_per_epoch=2", "--trials", "2", "--json"]
    with two_nodes() as nodes, started("tune", str(toy), *words, "--cluster", nodes.address, cwd=tmp_path) as process:
        output, _ = process.communicate(timeout=250)
    assert process.returncode == 0, output
    trials = json.loads((tmp_path / "runs" / "toy-tune" / "results.json").read_text())["trials"]
    assert sorted(trial["number"] for trial in trials) == [0, 1]
    assert all(trial["misses"] is not None for trial in trials), output
