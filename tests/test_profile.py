"""`profile`: every layer on TFLM, with the counts of the summary and times of this machine."""

import json
from pathlib import Path

import pytest
import toys
from toys import Trained

import mltk_like as mltk
from mltk_like.cli import main
from mltk_like.errors import ModelError
from mltk_like.tflite import ModelSummary, run_tflm, runner

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS
FILES = Path(__file__).parent / "data" / "tflite"


@pytest.mark.parametrize("name", ["tiny_conv", "tiny_tenet"])
def test_anyones_tflite(name: str) -> None:
    path = FILES / f"{name}.tflite"
    found, summary = mltk.profile(path, repeat=3), mltk.summarize(path)
    assert isinstance(summary, ModelSummary)
    assert (found.name, found.macs, found.ops) == (name, summary.macs, summary.ops)
    assert [(layer.opcode, layer.macs, layer.ops) for layer in found.layers] == [
        (layer.opcode, layer.macs, layer.ops) for layer in summary.layers
    ]
    assert found.flash_bytes == path.stat().st_size
    assert found.arena_bytes == run_tflm(path, profile=False).arena_bytes
    assert 0 < found.activations_bytes < found.arena_bytes
    assert found.time_us > 0
    assert all(layer.time_us >= 0 for layer in found.layers)
    assert all(layer.time_us > 0 for layer in found.layers if layer.macs)


@pytest.mark.slow
def test_the_shipped_model_before_any_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "keyword_spotting_alexa", "--build", "--repeat", "2", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    # The 56 of the page without the RESHAPE in front of the dense layer, which is none where the batch is 1.
    assert len(values["layers"]) == 55
    assert values["macs"] == sum(layer["macs"] for layer in values["layers"]) == 4_561_728
    assert values["ops"] == sum(layer["ops"] for layer in values["layers"])
    assert values["time_us"] > 0
    assert set(values) == {
        "name", "input", "output", "flash_bytes", "arena_bytes", "activations_bytes", "ops", "macs", "time_us",
        "layers", "engine", "verified", "repeat",
    }  # fmt: skip
    assert set(values["layers"][0]) == {
        "index", "opcode", "ops", "macs", "time_us", "input_shape", "output_shape", "options"
    }  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_a_run_as_a_table(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(trained.result.folder)]) == 0
    printed = capsys.readouterr().out
    assert "Name: toy" in printed
    assert "Layer count: 5" in printed
    rows = [line for line in printed.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 5
    shares = [float(row.split("|")[6].strip().removesuffix(" %")) for row in rows[1:]]
    assert sum(shares) == pytest.approx(100, abs=0.5)
    stored = json.loads((trained.result.folder / "profile" / "profile.json").read_text())
    assert stored["macs"] == mltk.profile(trained.tflite, repeat=1).macs


def test_what_cannot_be_profiled(tmp_path: Path) -> None:
    path = toys.write_toy(tmp_path / "models", name="other")
    with pytest.raises(ModelError, match="other has not been trained"):
        mltk.profile(str(path))
    with pytest.raises(ModelError, match="no such file"):
        mltk.profile(tmp_path / "none.tflite")


SLOW = """#!/bin/sh
echo "$@" >> {log}
sleep 0.1
echo '{{"abi": "", "arena": {{"used": 64, "activations": 1, "persistent": 1}}, "frames": 1, \
"ns": {{"min": 7000000000, "mean": 7000000000}}, "layers": []}}'
"""


@pytest.mark.slow
def test_a_slow_model_is_repeated_less_and_not_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One inference takes 7 s: two fit the 20 s that repeats may take. The runner is one that only says so."""
    log, script = tmp_path / "log", tmp_path / "runner"
    script.write_text(SLOW.format(log=log))
    script.chmod(0o755)
    monkeypatch.setenv("MLTK_LIKE_RUNNER", str(script))
    monkeypatch.setattr(runner, "_TICK_S", 0.01)
    seen: list[int] = []
    content = FILES / "tiny_conv.tflite"
    assert run_tflm(content, repeat=20, repeat_s=20, waiting=seen.append).repeat == 2
    assert {0, 1, 2} <= set(seen)
    assert log.read_text().splitlines()[-1].endswith("--repeat 2 --profile")
    assert run_tflm(content, repeat=1, repeat_s=20).repeat == 1
    assert run_tflm(content, repeat=20, repeat_s=0.1).repeat == 1
    assert run_tflm(content, repeat=20).repeat == 20
    # The layers are none of the model's, which is found after the run.
    assert main(["profile", str(content)]) == 2
    assert "profile: 00:00, inferences done: 1" in capsys.readouterr().err
