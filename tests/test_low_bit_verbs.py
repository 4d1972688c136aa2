"""Low-bit training through the verbs, and the archive that is shipped."""

import json
from pathlib import Path

import numpy as np
import pytest
from toys import TENSORFLOW_WARNINGS, write_toy

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.cli import main
from mltk_like.errors import ModelError
from mltk_like.low_bit.files import describe, from_npz
from mltk_like.low_bit.integer_net import run, scores
from mltk_like.low_bit.report import most_values
from mltk_like.verbs.shared.building import open_net
from mltk_like.verbs.shared.low_bit import low_bit_integers, low_bit_report

pytestmark = TENSORFLOW_WARNINGS
pytest_plugins = ["toy_fixtures"]
SHIPPED = Path(__file__).resolve().parents[1] / "models" / "mobilenet_kws.mltk.zip"


@pytest.mark.slow
def test_a_toy_of_few_bits_works_through_the_verbs(
    shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_toy(tmp_path / "models", settings="epochs = 2\nsteps_per_epoch = 4\nlow_bit = dict(weights=3)")
    result = mltk.train(str(path), workers=0, progress=False, evaluate=False)
    assert len(result.history["loss"]) == 6
    members = {file.relative_to(result.folder).as_posix() for file in result.folder.rglob("*") if file.is_file()}
    assert {"train/low_bit.npz", "train/low_bit.json", "train/activations/best.npz"} <= members
    trained = open_artifact(result.archive)
    assert trained.read("train/low_bit.npz")
    assert trained.read("train/weights/checkpoint.npz") is None

    capsys.readouterr()
    assert main(["evaluate", str(path), "--low-bit", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["model"] == "low-bit"
    assert [row["weights"] for row in figures["low_bit"]["episodes"]] == ["N/A", "N/A", "8/3 bits", "8/3 bits"]

    assert main(["export", str(path), "--format", "akida", "-o", str(tmp_path / "out"), "--prefix", "toy"]) == 0
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"toy.lowbit.npz", "toy.lowbit.json", "toy_low_bit.h", "toy_low_bit.c", "toy_akida.py"}
    net = from_npz((tmp_path / "out" / "toy.lowbit.npz").read_bytes())
    assert json.loads((tmp_path / "out" / "toy.lowbit.json").read_text()) == json.loads(json.dumps(describe(net)))


@pytest.mark.slow
def test_a_model_without_low_bit_says_so(trained: object, capsys: pytest.CaptureFixture[str]) -> None:
    artifact = open_artifact(trained.path)  # type: ignore[attr-defined]
    assert low_bit_report(artifact) is None
    with pytest.raises(ModelError, match="not trained with low_bit"):
        low_bit_integers(artifact)
    assert main(["export", str(trained.path), "--format", "low-bit"]) == 2  # type: ignore[attr-defined]
    assert "set low_bit in the model" in capsys.readouterr().err


def test_the_shipped_net_keeps_its_bits_and_is_the_keras_net() -> None:
    artifact = open_artifact(SHIPPED)
    net, report = low_bit_integers(artifact), low_bit_report(artifact)
    assert report is not None
    assert [stage.weight_bits for stage in net.stages] == [8, 4, 4, 4, 4, 4, 4]
    assert [stage.top for stage in net.stages] == [15] * 6 + [0]
    assert all(most_values(stage) <= 16 for stage in net.stages[1:])
    assert (report.weight_bytes, net.flash_bytes) == (800 + 22_368 // 2, report.flash_bytes)
    assert [row.epochs for row in report.episodes] == [report.episodes[0].epochs] * 3 + [0]
    windows = np.random.default_rng(2).integers(-128, 128, (24, 49, 1, 10)).astype(np.int8)
    keras = open_net(artifact)
    different = np.abs(scores(run(net, windows)) - keras(windows.astype(np.float32)).numpy()).max(axis=1)
    assert np.median(different) < 1e-4
