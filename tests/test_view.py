"""`view` and `tensorboard`: what is served, where, and from which files."""

import subprocess
import sys
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mltk_like.artifact import open_artifact
from mltk_like.cli import main
from mltk_like.errors import DataError, ModelError, ToolError
from mltk_like.verbs import tensorboard as tensorboard_module
from mltk_like.verbs.tensorboard import curves_of, tensorboard
from mltk_like.verbs.view import view

Patch = pytest.MonkeyPatch


class Netron:
    """Stands in for the package: notes what it was given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.calls: list[Any] = []

    def start(self, file: str, address: tuple[str, int], browse: bool) -> tuple[str, int]:
        if self.error is not None:
            raise self.error
        beside = [path.name for path in Path(file).parent.iterdir()]
        self.calls.append((Path(file).name, Path(file).read_bytes()[:8], beside, address, browse))
        return address[0], 8123

    def stop(self, address: tuple[str, int]) -> None:
        self.calls.append(("stop", address))

    def wait(self) -> None:
        self.calls.append("wait")


@pytest.fixture
def netron(monkeypatch: Patch) -> Netron:
    """The package, as far as the verb uses it."""
    made = Netron()
    monkeypatch.setitem(sys.modules, "netron", made)  # type: ignore[arg-type]
    return made


def test_the_verb_serves_to_this_machine_alone(netron: Netron, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "marvin", "--no-browser"]) == 0
    (name, head, beside, address, browse), waited, stopped = netron.calls
    assert (name, head[:2], beside) == ("marvin.keras", b"PK", ["marvin.keras"])
    assert (address, browse) == (("127.0.0.1", 0), False)
    assert (waited, stopped) == ("wait", ("stop", ("127.0.0.1", 8123)))
    assert capsys.readouterr().out == "http://127.0.0.1:8123 (Ctrl-C ends it)\n"


def test_the_int8_model(netron: Netron) -> None:
    assert main(["view", "marvin", "--tflite", "--port", "8200"]) == 0
    name, head, _, address, browse = netron.calls[0]
    assert (name, head[4:]) == ("marvin.tflite", b"TFL3")
    assert (address, browse) == (("127.0.0.1", 8200), True)


def test_a_port_that_is_taken(monkeypatch: Patch) -> None:
    monkeypatch.setitem(sys.modules, "netron", Netron(OSError(98, "Address already in use")))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="port 8200 cannot be used: Address already in use"), view("marvin", port=8200):
        pass


def test_a_damaged_file(netron: Netron, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(open_artifact("marvin").tflite()[:20000])
    with pytest.raises(ModelError, match="damaged"), view(damaged):
        pass
    assert netron.calls == []


def test_a_port_that_there_is_not(monkeypatch: Patch) -> None:
    beyond = OverflowError("bind(): port must be 0-65535.")
    monkeypatch.setitem(sys.modules, "netron", Netron(beyond))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="port 99999 cannot be used: bind"), view("marvin", port=99999):
        pass


def test_netron_itself() -> None:
    pytest.importorskip("netron")
    with view("marvin", tflite=True, browse=False) as (address, _), urllib.request.urlopen(address) as page:
        assert b"Netron" in page.read()


def test_curves_of_a_name_and_of_one_run(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setenv("MLTK_LIKE_RUNS", "runs")
    with pytest.raises(ModelError, match="there are no curves in runs/marvin"):
        curves_of("marvin")
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    run = tmp_path / "runs" / "marvin" / "1"
    (run / "train" / "tensorboard" / "train").mkdir(parents=True)
    (run / "train" / "tensorboard" / "train" / "events.out.tfevents.1").touch()
    (run / "state.json").write_text("{}")
    assert curves_of("marvin") == tmp_path / "runs" / "marvin"
    assert curves_of(run) == run
    with pytest.raises(ModelError, match="marvin-test"):
        curves_of("marvin-test")


def test_tensorboard_runs_on_this_machine_alone(tmp_path: Path, monkeypatch: Patch) -> None:
    commands = []

    def run(command: list[str], check: bool) -> Any:
        commands.append(command)
        return SimpleNamespace(returncode=3)

    monkeypatch.setattr(tensorboard_module, "curves_of", lambda _: tmp_path)
    monkeypatch.setattr(tensorboard_module, "find_spec", lambda _: object())
    monkeypatch.setattr(subprocess, "run", run)
    assert main(["tensorboard", "marvin", "--port", "6010"]) == 3
    start = [sys.executable, "-m", "tensorboard.main", "--logdir", str(tmp_path), "--host", "127.0.0.1"]
    assert commands == [[*start, "--port", "6010"]]
    monkeypatch.setattr(tensorboard_module, "find_spec", lambda _: None)
    with pytest.raises(ToolError, match="TensorBoard is not installed"):
        tensorboard("marvin")


def test_view_opens_nothing_that_is_no_model(netron: Netron, tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_text("text")
    with pytest.raises(ModelError, match=r"x\.tflite is not a \.tflite file"), view(tmp_path / "x.tflite"):
        pass
    assert netron.calls == []
