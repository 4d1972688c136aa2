"""`train --dump-augmented` and `--augment-copies`: what lies in the run folder, and the same training with copies."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import toys
from toys import arrays

import mltk_like as mltk
from mltk_like.cli import main
from mltk_like.errors import SettingError
from mltk_like.paths import cache_dir
from mltk_like.verbs.train.augmented import Augmented

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS
QUICK: dict[str, Any] = {"workers": 0, "progress": False, "evaluate": False}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy: Path) -> None:
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))


def copies() -> list[str]:
    return sorted(path.name for path in (cache_dir() / "copies").glob("*/pass-*"))


@pytest.mark.slow
def test_both_options(toy: Path) -> None:
    result = mltk.train(str(toy), **QUICK, dump_augmented=5, augment_copies=1)
    dumped = sorted(path.suffix for path in (result.folder / "augmented").iterdir())
    assert dumped == [".csv", *[".png"] * 5, *[".wav"] * 5]
    assert copies() == ["pass-0000.npy"]
    assert json.loads((result.folder / "state.json").read_text())["augment_copies"] == 1
    log = (result.folder / "log.txt").read_text()
    assert "augmented/index.csv" in log
    assert "(read 100 %)" in log
    with zipfile.ZipFile(result.archive) as archive:
        assert not [name for name in archive.namelist() if name.startswith("augmented/")]


@pytest.mark.slow
def test_a_run_that_goes_on_keeps_to_its_copies(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_INTERRUPT_AT", "1")
    with pytest.raises(KeyboardInterrupt):
        mltk.train(str(toy), **QUICK, augment_copies=1)
    monkeypatch.delenv("TOY_INTERRUPT_AT")
    result = mltk.train(str(toy), **QUICK, resume=True)
    assert "(read 100 %)" in (result.folder / "log.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("option", ["9", "auto"])
def test_the_training_is_the_same_bit_by_bit(toy: Path, tmp_path: Path, option: str) -> None:
    found = []
    for name, options in (("plain", []), ("stored", ["--augment-copies", option])):
        (tmp_path / name).mkdir()
        command = ["train", str(toy), "--workers", "1", "--no-evaluate", *options]
        with toys.child(command, tmp_path / name) as child:
            assert child.wait() in toys.ENDED, child.output
        found.append(arrays(child.run / "train" / "checkpoint.npz"))
    assert copies()
    plain, stored = found
    assert plain.keys() == stored.keys()
    assert all((plain[name] == stored[name]).all() for name in plain)


@pytest.mark.parametrize("options", [["--augment-copies", "many"], ["--augment-copies=-1"], ["--dump-augmented=-1"]])
def test_numbers_that_are_none_are_refused(toy: Path, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(toy), *options]) == 2
    assert "error" in capsys.readouterr().err
    assert not (Path("runs") / "toy").exists()


@pytest.mark.parametrize("values", [{"copies": "some"}, {"copies": -3}, {"dump": -1}])
def test_options_are_checked(values: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=r"is no number of (passes|windows)"):
        Augmented(**values)
