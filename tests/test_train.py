"""`train`, from a toy's recordings to its archive: what lies in the run folder, what is published, what is refused."""

import json
import os
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from numpy.typing import NDArray
from toys import Trained

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.cli import main
from mltk_like.errors import CheckError, DataError, ModelError, SettingError
from mltk_like.tflite import read_parameters
from mltk_like.training.teachers import Teachers
from mltk_like.verbs.train import finish

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS
QUICK: dict[str, Any] = {"workers": 0, "progress": False, "evaluate": False}
BROKEN_SOURCE = """
from mltk_like.errors import DataError


class Gone:
    name = "gone"
    label = "_unknown_"

    def collect(self, *, limit=None, workers=None, progress=True):
        raise DataError("its server is down", "wait")
"""


KINDS = ("keras", "tflite")
PLOTS = ("confusion_matrix", "precision_vs_recall", "roc", "streams")
FILES = [
    *(f"eval/{kind}/eval-results.json" for kind in KINDS),
    *(f"eval/{kind}/summary.txt" for kind in KINDS),
    *(f"eval/{kind}/toy-{plot}.png" for kind in KINDS for plot in PLOTS),
    *("log.txt", "manifest.jsonl", "settings.json", "state.json", "versions.json"),
    *("profile/profile.json", "profile/profile.txt", "train/history.json", "train/history.png", "train/ranges.npz"),
    "check/check.json",
    *("toy.keras", "toy.keras.summary.txt", "toy.tflite", "toy.tflite.summary.txt", "toy.py"),
]
KEPT_BACK = [
    *("toy.weights.h5", "toy.mltk.zip", "model_file.json"),
    *("train/best.npz", "train/calibration.npz", "train/checkpoint.npz"),
]


def test_the_run_folder_and_its_archive(trained: Trained) -> None:
    folder = trained.result.folder
    there = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    logs = [name for name in there if name.startswith("train/tensorboard/")]
    assert sorted(Path(name).parent.name for name in logs) == ["train", "validation"]
    assert sorted(set(there) - set(logs)) == sorted(FILES + KEPT_BACK)
    with zipfile.ZipFile(trained.result.archive) as archive:
        assert sorted(archive.namelist()) == sorted([*FILES, "manifest.sha256"])
        assert archive.testzip() is None
        same = [name for name in FILES if name != "manifest.jsonl"]  # its archive has no hash of each clip
        assert all(archive.read(name) == (folder / name).read_bytes() for name in same)
    assert (folder / "toy.py").read_bytes() == trained.path.read_bytes()
    opened = open_artifact(trained.result.archive)
    assert opened.name == "toy"
    assert opened.tflite() == trained.tflite.read_bytes()


def test_the_state_tells_how_it_went(trained: Trained) -> None:
    state = json.loads((trained.result.folder / "state.json").read_text())
    assert (state["status"], state["pid"], state["problems"]) == ("complete", None, [])
    assert list(state["stages"]) == ["data", "prepare", "train", "convert", "check", "evaluate", "profile"]
    assert state["peak_memory_mb"] > 100
    versions = json.loads((trained.result.folder / "versions.json").read_text())
    assert {"python", "keras", "numpy"} <= set(versions)
    log = (trained.result.folder / "log.txt").read_text()
    assert "windows a pass, 120 steps of 8 in 10 epochs" in log
    assert "Profiling summary" in log


def test_the_archive_is_published_beside_the_file(trained: Trained) -> None:
    published = trained.folder / "toy.mltk.zip"
    assert trained.result.published == published
    assert published.read_bytes() == trained.result.archive.read_bytes()


def test_the_result_in_json_and_in_a_notebook(trained: Trained) -> None:
    result = trained.result
    values = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert values["name"] == "toy"
    assert values["best_epoch"] == result.best_epoch
    assert {len(figures) for figures in values["history"].values()} == {10}
    assert set(values["evaluations"]) == {"keras", "tflite"}
    assert values["profile"]["macs"] > 0
    page = result._repr_html_()
    assert page.startswith('<img src="data:image/png;base64,iVBOR')
    assert "Overall accuracy" in page
    # No name reaches the toy's file: its path does.
    assert f"python -m mltk_like evaluate {trained.path} --tflite" in str(result)


def test_the_toy_learns(trained: Trained) -> None:
    windows = trained.result.evaluations["tflite"].windows
    assert windows is not None
    assert windows.auc[0] > 0.95


def checkpoint(path: Path) -> list[NDArray[Any]]:
    """The net's weights in a checkpoint, in its order; dropout's random state, a whole number, is left out."""
    found = toys.arrays(path)
    values = [found[f"net/{i}"] for i in range(sum(name.startswith("net/") for name in found))]
    return [value for value in values if value.dtype == np.float32]


def saved_net(folder: Path) -> list[NDArray[Any]]:
    import keras

    return [array.astype(np.float32) for array in keras.saving.load_model(folder / "toy.keras").get_weights()]


def same(left: list[NDArray[Any]], right: list[NDArray[Any]]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.slow
def test_the_best_checkpoint_is_exported_not_the_last(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A net that is best after its first epoch, by decree.
    figures = iter([0.1, 0.9])
    monkeypatch.setattr("mltk_like.training.fit.missed_share", lambda *unused: next(figures))
    result = mltk.train(str(toy), **QUICK)
    assert result.best_epoch == 1
    assert result.history["val_misses"] == [0.1, 0.9]
    saved = saved_net(result.folder)
    assert same(saved, checkpoint(result.folder / "train" / "best.npz"))
    assert not same(saved, checkpoint(result.folder / "train" / "checkpoint.npz"))
    assert json.loads((result.folder / "train" / "history.json").read_text())["best_epoch"] == 1


@pytest.mark.slow
def test_nothing_is_written_beside_a_file_in_a_closed_folder(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = os.open

    def refuse(path: Any, flags: int, *more: Any, **named: Any) -> int:
        # Root may write anywhere, so the refusal is made here.
        if flags & os.O_CREAT and Path(path).resolve().parent == toy.parent.resolve():
            raise PermissionError(13, "Permission denied")
        return make(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", refuse)
    before = sorted(toy.parent.rglob("*"))
    result = mltk.train(str(toy), **QUICK)
    assert result.published is None
    assert "published" not in str(result)
    assert result.archive.is_file()
    assert sorted(toy.parent.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["make_tflite", "pack", "evaluate_nets", "profile_tflite"])
def test_a_failing_stage_leaves_the_last_good_archive(toy: Path, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good = toy.with_name("toy.mltk.zip")
    good.write_bytes(b"the last good one")

    def fail(*unused: Any, **unused_too: Any) -> None:
        raise CheckError(f"{stage} failed")

    monkeypatch.setattr(finish, stage, fail)
    with pytest.raises(CheckError, match=stage):
        mltk.train(str(toy), **{**QUICK, "evaluate": stage.startswith(("evaluate", "profile"))})
    assert good.read_bytes() == b"the last good one"
    folder = Path(os.environ["MLTK_LIKE_RUNS"]) / "toy" / "1"
    assert json.loads((folder / "state.json").read_text())["status"] == "failed"
    assert not list(folder.glob("*.mltk.zip"))
    assert not [path.name for path in toy.parent.iterdir() if path.name.endswith(".tmp")]


@pytest.mark.slow
def test_the_dry_run(toy: Path) -> None:
    result = mltk.train(mltk.load_model(toy), test=True, workers=0, progress=False)
    assert result.name == "toy-test"
    assert result.folder.parent.name == "toy-test"
    assert result.published is None
    assert not toy.with_name("toy.mltk.zip").exists()
    assert len(result.history["loss"]) == 2
    assert set(result.evaluations) == {"keras", "tflite"}
    settings = json.loads((result.folder / "settings.json").read_text())
    assert settings["test"] is True
    assert settings["overrides"]["epochs"] == 2
    assert settings["overrides"]["teacher_steps"] == 3  # or a dry run would train teachers for minutes
    assert open_artifact("toy-test").path == result.folder


@pytest.mark.slow
def test_a_source_that_cannot_be_had_is_one_warning(
    shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = "epochs = 1\nsteps_per_epoch = 2"
    path = toys.write_toy(tmp_path / "models", settings=settings, sources="Gone(),", imports=BROKEN_SOURCE)
    result = mltk.train(str(path), **{**QUICK, "progress": True})
    assert result.problems == ("gone: its server is down",)
    assert result.to_dict()["problems"] == ["gone: its server is down"]
    state = json.loads((result.folder / "state.json").read_text())
    assert state["problems"] == ["gone: its server is down"]
    printed = capsys.readouterr().out
    assert [line for line in printed.splitlines() if "warning" in line] == [
        "warning: 1 of the model's sources cannot be had and are left out (state.json says why): gone"
    ]
    assert main(["train", str(path), "--strict-sources", "--workers", "0", "--no-evaluate"]) == 2
    assert "error: gone: its server is down" in capsys.readouterr().err


@pytest.mark.slow
def test_a_class_made_in_a_notebook(shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = toys.write_toy(tmp_path / "models", settings="epochs = 1\nsteps_per_epoch = 2")
    notebook = types.ModuleType("a_notebook")
    monkeypatch.setitem(sys.modules, "a_notebook", notebook)
    code = path.read_text().replace("Path(__file__).parent", f"Path({str(path.parent)!r})")
    exec(compile(code, "cell", "exec"), notebook.__dict__)
    model = notebook.__dict__["my_model"]
    model.batch_size = 4
    result = mltk.train(model, workers=0, progress=False, evaluate=False)
    assert result.published is None
    assert not (result.folder / "toy.py").exists()
    assert json.loads((result.folder / "settings.json").read_text())["overrides"]["batch_size"] == 4
    # The object stands for its runs in the other verbs too.
    summary = mltk.summarize(model, tflite=True)
    assert summary.to_dict()["parameters"]["name"] == "toy"
    assert mltk.profile(model, repeat=1).macs > 0


def test_a_model_in_any_folder_stands_for_its_run(trained: Trained) -> None:
    model = mltk.load_model(trained.path)
    assert mltk.profile(model, repeat=1).flash_bytes == trained.tflite.stat().st_size


@pytest.mark.slow
def test_settings_from_the_command_line(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--workers", "0", "--no-evaluate", "-e", "1", "--set", "batch_size=4"]
    assert main(["train", str(toy), *arguments, "--set", "recogniser.detection_threshold=99"]) in toys.ENDED
    printed = capsys.readouterr().out
    assert f"model toy from the path given: {toy.resolve()}" in printed
    assert "2 steps of 4 in 1 epochs, 0 workers" in printed
    folder = Path(os.environ["MLTK_LIKE_RUNS"]) / "toy" / "1"
    stored = json.loads((folder / "settings.json").read_text())
    assert stored["overrides"]["epochs"] == 1
    assert read_parameters((folder / "toy.tflite").read_bytes())["detection_threshold"] == 99
    assert not (folder / "eval").exists()
    # A path or name stands for the run, with the run's settings.
    target = folder / "again.tflite"
    mltk.quantize(str(toy), output=target)
    assert read_parameters(target.read_bytes())["detection_threshold"] == 99


@pytest.mark.slow
def test_training_starts_from_given_weights(toy: Path, trained: Trained) -> None:
    weights = trained.result.folder / "toy.weights.h5"
    plain = mltk.train(str(toy), **QUICK)
    started = mltk.train(str(toy), **QUICK, weights=weights)
    assert started.history["loss"][0] < plain.history["loss"][0]
    assert "loaded           head" in (started.folder / "log.txt").read_text()


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("return keras.Model(inputs, layers.Flatten()(inputs))", ModelError, "outputs for 2 classes"),
        ("inputs = keras.Input((7, 1, 16))", ModelError, "the front end gives"),
    ],
)
def test_a_net_that_does_not_fit(toy: Path, text: str, error: type[Exception], message: str) -> None:
    marker = "        inputs = keras.Input(self.input_shape"
    source = toy.read_text()
    if text.startswith("return"):
        changed = source.replace("        x = layers.Conv2D(", f"        {text}\n        x = layers.Conv2D(")
    else:
        line = next(line for line in source.splitlines() if line.startswith(marker))
        changed = source.replace(line, f"        {text}")
    assert changed != source
    toy.write_text(changed)
    with pytest.raises(error, match=message):
        mltk.train(str(toy), **QUICK)


@pytest.mark.slow
def test_a_loss_that_is_no_number_is_an_error(toy: Path) -> None:
    toy.write_text(toy.read_text().replace("return 0.01 / (1 + epoch)", "return 1e30"))
    with pytest.raises(DataError, match="the loss became nan at step 1"):
        mltk.train(str(toy), **QUICK)


def test_a_mixin_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "bare.py"
    path.write_text("import mltk_like as mltk\nclass Bare(mltk.Model, mltk.TrainMixin): pass\nmy_model = Bare()\n")
    with pytest.raises(ModelError, match="it lacks AudioDatasetMixin"):
        mltk.train(str(path))


@pytest.mark.parametrize(
    ("setting", "weights"),
    [
        ("none", [1, 1]),
        ("balanced", [1.25, 5 / 6]),
        ([2, 0.5], [2, 0.5]),
        ({"_unknown_": 3.0}, [1, 3]),
    ],
)
@pytest.mark.slow
def test_class_weights(toy: Path, setting: Any, weights: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def stop(model: Any, net: Any, class_weights: Any, *others: Any, **options: Any) -> None:
        seen.append(class_weights)
        raise DataError("enough")

    monkeypatch.setattr("mltk_like.verbs.train.fit.fit_net", stop)
    with pytest.raises(DataError, match="enough"):
        mltk.train(mltk.load_model(toy).with_settings(class_weights=setting), **QUICK)
    # 12 keyword windows a pass and 1.5 times as many others: N / (classes x N_c).
    assert seen[0].tolist() == pytest.approx(weights)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ([1.0, 2.0, 3.0], "3 weights for 2 classes"),
        ({"_unknwon_": 2.0}, "names '_unknwon_', which is no class"),
        ([1.0, -1.0], "are not positive"),
        ([0, 0], "are not positive"),
    ],
)
def test_class_weights_that_do_not_fit_are_refused_before_there_is_a_run(toy: Path, setting: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        mltk.train(mltk.load_model(toy).with_settings(class_weights=setting), **QUICK)
    assert not Path(os.environ["MLTK_LIKE_RUNS"]).exists()


@pytest.mark.slow
def test_offline_says_so_in_one_line(
    shared_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLTK_LIKE_OFFLINE", raising=False)
    monkeypatch.setattr("mltk_like.data.fetch._from_address", lambda *unused: pytest.fail("asked the network"))
    path = toys.write_toy(
        tmp_path / "models",
        settings="epochs = 1\nsteps_per_epoch = 1",
        sources='Download(url="http://127.0.0.1:1/words.zip", label="_unknown_"),',
        imports="from mltk_like.data import Download",
    )
    assert main(["train", str(path), "--offline", "--workers", "0", "--no-evaluate"]) in toys.ENDED
    printed = capsys.readouterr().out
    assert [line for line in printed.splitlines() if line.startswith("offline")] == [
        "offline: downloads are not tried, only what is in the cache is used"
    ]
    assert "MLTK_LIKE_OFFLINE" not in os.environ


@pytest.mark.slow
def test_training_ends_early_when_nothing_gets_better(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = iter([0.5, 0.4, 0.4, 0.6, 0.1])
    monkeypatch.setattr("mltk_like.training.fit.missed_share", lambda *unused: next(figures))
    model = mltk.load_model(toy).with_settings(epochs=9, early_stopping_epochs=2, steps_per_epoch=1)
    result = mltk.train(model, **QUICK)
    # Of the second and the third, which rank the same, the lower loss is exported; to go on for it is not worth while.
    losses = result.history["val_loss"]
    assert (result.best_epoch, len(losses)) == (2 if losses[1] <= losses[2] else 3, 4)


@pytest.mark.slow
def test_the_file_itself_can_be_run(toy: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(toy), "--test", "--workers", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "toy-test: best checkpoint of epoch" in done.stdout
    assert (Path(os.environ["MLTK_LIKE_RUNS"]) / "toy-test" / "1" / "toy-test.mltk.zip").is_file()
    # TensorFlow and the converter talk much; none of it may reach the terminal.
    chatter = [word for word in ("WARNING", "Saved artifact", "XNNPACK", "oneDNN") if word in done.stdout + done.stderr]
    assert not chatter


@pytest.mark.slow
def test_teachers_and_rounds_of_mining_go_on_where_they_were_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    settings = "teachers = 2\nteacher_steps = 12\nmining_rounds = 1\ndomain_confusion = 0.2\nmining_hours = 0.01"
    toy = toys.write_toy(tmp_path / "models", settings=settings)
    command = ["train", str(toy), "--workers", "0", "--no-evaluate"]
    step = Teachers.step

    def broken_off(self: Teachers, batch: Any, rate: float, number: int) -> tuple[float, float]:
        if number == 9:
            raise KeyboardInterrupt
        return step(self, batch, rate, number)

    with monkeypatch.context() as patch:
        patch.setattr(Teachers, "step", broken_off)
        assert main(command) == 130
    assert "mining round" not in capsys.readouterr().out
    folder = tmp_path / "runs" / "toy" / "1"
    assert (folder / "train" / "teachers" / "checkpoint.npz").is_file()
    assert main([*command, "--resume"]) in toys.ENDED
    assert "mining round 1" in capsys.readouterr().out
    noted = json.loads((folder / "train" / "mining.json").read_text())
    assert [entry["round"] for entry in noted] == [1]
    with zipfile.ZipFile(folder / "toy.mltk.zip") as archive:
        names = archive.namelist()
    assert "train/mining.json" in names
    assert not any(name.startswith(("train/teachers/", "train/mined-")) for name in names)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keyword_end_ms": (300, -60)}, "keyword_end_ms=.* is no range"),
        ({"mining_rounds": 1, "window_stride_ms": 100}, "cannot be drawn among windows that are cut"),
        ({"mining_rounds": 1, "classes": ("beep", "other")}, "mining_rounds needs the class '_unknown_'"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_before_there_is_a_run(
    toy: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        mltk.train(mltk.load_model(toy).with_settings(**settings), **QUICK)
    assert not Path(os.environ["MLTK_LIKE_RUNS"]).exists()
