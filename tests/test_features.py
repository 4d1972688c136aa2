"""Ready features: arrays with labels that a model is trained on, what is refused of them, and their export."""

import csv
import pickle
import runpy
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mltk_like.audio import SpectrumSettings
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.data import Features, Folder
from mltk_like.data.arrays import read_array
from mltk_like.data.features import FEATURES, LABELS
from mltk_like.data.manifest import read_manifest, write_manifest
from mltk_like.data.split import split_by_group
from mltk_like.errors import DataError, SettingError
from mltk_like.feed.dataset import collect
from mltk_like.feed.features import FeatureMaker, check_features, note_on_features, open_features, quantised
from mltk_like.loader import load_file
from mltk_like.verbs.data.feature_tables import Rows, open_table
from mltk_like.verbs.train.checks import check_data
from tests.toys import TENSORFLOW_WARNINGS

MODEL = """
import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import FrontendSettings, RecogniserSettings


class Ready(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    classes = ("yes", "_unknown_")
    frontend = FrontendSettings(sample_length_ms=100, window_size_ms=32, window_step_ms=20, filterbank_n_channels=8)
    recogniser = RecogniserSettings(latency_ms=100, minimum_count=1, average_window_duration_ms=200)
    epochs = 2
    steps_per_epoch = 10
    batch_size = 8
    learning_rate = 0.01
    validation_windows = 40

    def sources(self):
        return [data.Features(path={path!r}, scale=(-3, 3))]

    def augment(self, scene, rng, sounds):
        raise AssertionError("there is no scene")

    def network(self):
        import keras

        inputs = keras.Input(self.input_shape)
        x = keras.layers.BatchNormalization()(keras.layers.Flatten()(inputs))
        return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))


my_model = Ready()
"""
SHAPE = (4, 8)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in the test's own folder, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def npz(tmp_path: Path) -> Callable[..., Path]:
    """Write an `.npz` of 60 windows, the "yes" louder; arrays can be put in, replaced or, as None, left out."""

    def write(**changed: Any) -> Path:
        rng = np.random.default_rng(0)
        labels = np.array(["yes", "_unknown_"] * 30)
        features = rng.normal(size=(60, *SHAPE)).astype(np.float32)
        features[labels == "yes", :, 2] += 2
        arrays = {"features": features, "labels": labels, **changed}
        path = tmp_path / "ready.npz"
        np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
        return path

    return write


@pytest.fixture
def model(npz: Callable[..., Path], tmp_path: Path) -> Any:
    """A model on such a file."""
    path = tmp_path / "ready.py"
    path.write_text(MODEL.format(path=str(npz())))
    return load_file(path)


def test_rows_become_clips(npz: Callable[..., Path]) -> None:
    clips = Features(path=npz()).collect()
    assert [clip.label for clip in clips[:3]] == ["yes", "_unknown_", "yes"]
    assert [clip.row for clip in clips] == list(range(60))
    assert len({clip.group for clip in clips}) == 60
    assert clips[7].name.endswith("ready.npz [row 7]")
    assert len(Features(path=npz()).collect(limit=8)) == 8


def test_subsets_groups_and_names_are_kept(npz: Callable[..., Path], tmp_path: Path) -> None:
    subsets = np.array(["training"] * 40 + ["val"] * 10 + ["test"] * 10)
    groups = np.array([f"g{index // 2}" for index in range(60)])
    path = npz(subsets=subsets, groups=groups, clips=np.arange(60).astype(str))
    clips = Features(path=path).collect()
    splits = split_by_group(clips)
    assert (len(splits.training), len(splits.validation), len(splits.test)) == (40, 10, 10)
    assert clips[0].group == clips[1].group != clips[2].group
    rows = write_manifest(tmp_path / "manifest.jsonl", splits)
    assert all(row.sha256 for row in rows)
    assert {row.clip().row for row in read_manifest(tmp_path / "manifest.jsonl")} == set(range(60))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_labels_may_be_numbers(npz: Callable[..., Path], dtype: Any) -> None:
    numbers = np.array([0, 1] * 30, dtype=dtype)
    named = Features(path=npz(labels=numbers), classes=("_unknown_", "yes")).collect()
    assert [clip.label for clip in named[:2]] == ["_unknown_", "yes"]
    stored = Features(path=npz(labels=numbers, classes=np.array(["a", "b"]))).collect()
    assert [clip.label for clip in stored[:2]] == ["a", "b"]


def test_a_file_for_each_label(tmp_path: Path) -> None:
    np.save(tmp_path / "yes.npy", np.zeros((3, *SHAPE), np.int8))
    np.save(tmp_path / "both.npy", np.zeros((2, *SHAPE), np.int8))
    np.save(tmp_path / "labels.npy", np.array(["yes", "no"]))
    assert [clip.label for clip in Features(path="yes.npy", label="yes").collect()] == ["yes"] * 3
    assert [clip.label for clip in Features(path="both.npy", labels="labels.npy").collect()] == ["yes", "no"]
    with pytest.raises(DataError, match="holds no labels"):
        Features(path="both.npy").collect()


@pytest.mark.parametrize(
    ("changed", "options", "message"),
    [
        ({"labels": None}, {}, "no array 'labels'"),
        ({"features": None, "x": np.zeros((60, 4, 8))}, {}, "no array 'features'"),
        ({"labels": np.array(["yes"] * 59)}, {}, "one for each of 60"),
        ({"labels": np.array([0, 1] * 30)}, {}, "are numbers"),
        ({"labels": np.array([0, 2] * 30)}, {"classes": ("a", "b")}, "go from 0 to 2"),
        ({"labels": np.array([0.5] * 60)}, {}, "are float64"),
        ({"labels": np.array(["yes", 1] * 30, dtype=object)}, {}, "pickled"),
        ({"features": np.array([None] * 60)}, {}, "pickled"),
        ({"features": np.zeros(60)}, {}, "the shape"),
        ({"subsets": np.array(["mine"] * 60)}, {}, "'mine'"),
        ({"groups": np.array(["a"])}, {}, "one for each of 60"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(npz: Callable[..., Path], changed: Any, options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        Features(path=npz(**changed), **options).collect()
    assert caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps([1, 2]), "is a pickle"),
        (b"RIFF....WAVE", "no .npz and no .npy"),
        (b"PK\x03\x04 damaged", "cannot read"),
        (b"\x93NUMPY\x01\x00", "cannot read"),
        (None, "cannot read"),
    ],
)
def test_files_that_are_no_arrays_are_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "x.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        Features(path=path).collect()
    assert caught.value.hint


def test_a_header_that_claims_more_than_follows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    with path.open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**9, 100)}
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(DataError, match="shorter than it claims"):
        Features(path=path, label="yes").collect()


def test_a_header_that_is_no_python_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((4, 6, 8), np.int8))
    path.write_bytes(path.read_bytes().replace(b"(4, 6, 8)", b"(4, 6, 8("))
    with pytest.raises(DataError, match="header of an array is damaged") as caught:
        Features(path=path, label="yes").collect()
    assert caught.value.hint


@pytest.mark.parametrize("member", [FEATURES, LABELS])
def test_an_archive_with_a_damaged_member_is_refused(tmp_path: Path, member: str) -> None:
    path = tmp_path / "x.npz"
    features = np.random.default_rng(0).integers(-128, 128, (64, 6, 8)).astype(np.int8)
    np.savez_compressed(path, features=features, labels=np.array([f"word {at}" for at in range(64)]))
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(f"{member}.npy")
    data = bytearray(path.read_bytes())
    middle = info.header_offset + info.compress_size // 2
    data[middle : middle + 40] = b"\xff" * 40
    path.write_bytes(data)
    with pytest.raises(DataError, match="cannot read") as caught:
        read_array(path, member)
    assert caught.value.hint


def test_numbers_become_int8() -> None:
    assert quantised(np.array([-128, 127], np.int8), None).tolist() == [-128, 127]
    assert quantised(np.array([0, 128, 255], np.uint8), None).tolist() == [-128, 0, 127]
    assert quantised(np.array([-9.0, -1.0, 0.0, 1.0, 9.0]), (-1, 1)).tolist() == [-128, -128, 0, 127, 127]
    with pytest.raises(DataError, match="need a scale"):
        quantised(np.zeros(2, np.float32), None)
    with pytest.raises(DataError, match="no number"):
        quantised(np.array([np.nan]), (0, 1))
    with pytest.raises(SettingError, match="no range"):
        Features(path="x.npz", scale=(1, 1))


def test_windows_are_the_rows(model: Any) -> None:
    clips = model.sources()[0].collect()
    files = open_features(model, clips)
    maker = FeatureMaker(model, files)
    assert len(maker) == 60
    assert maker.class_counts().tolist() == [30, 30]
    batch = maker.batch(0, 60)
    assert batch.features.shape == (60, 4, 1, 8)
    # Each row once a pass, in another order in the next.
    stored = np.load(clips[0].path)["features"]
    expected = quantised(stored, (-3, 3)).reshape(60, -1)
    assert sorted(map(bytes, batch.features)) == sorted(map(bytes, expected))
    assert (maker.batch(60, 60).features != batch.features).any()
    with pytest.raises(DataError, match="no sound"):
        maker.window(0)


def test_what_a_training_needs_is_said_beforehand(model: Any, npz: Callable[..., Path]) -> None:
    source = model.sources()
    check_features(model, source)
    assert note_on_features(model) == (
        "ready features have no sound: augment is not called, and the model is judged by single windows alone"
    )
    with pytest.raises(DataError, match=r"shape \(4, 8\), the front end of the model \(4, 9\)"):
        check_features(model.with_settings(frontend=model.frontend.copy(filterbank_n_channels=9)), source)
    with pytest.raises(DataError, match=r"float32 from -.* and the net takes int8") as caught:
        check_features(model, [Features(path=npz())])
    assert "scale=(" in caught.value.hint
    spectrum = SpectrumSettings(sample_length_ms=100, window_size_ms=32, window_step_ms=20, filterbank_n_channels=8)
    check_features(model.with_settings(frontend=spectrum), [Features(path=npz())])
    with pytest.raises(SettingError, match="mining_rounds needs sound"):
        check_features(model.with_settings(mining_rounds=1), source)
    with pytest.raises(SettingError, match="streams"):
        check_features(model.with_settings(rank_by="streams"), source)
    check_data(model, [], test=False, evaluate=True)


def test_features_and_sound_do_not_mix(model: Any, tmp_path: Path, wav_files: Callable[[int], list[Path]]) -> None:
    folder = wav_files(3)[0].parent
    mixed = [*model.sources(), Folder(path=folder, label="yes")]
    type(model).sources = lambda self: mixed
    with pytest.raises(SettingError, match="mixes ready features with sound"):
        check_data(model, [], test=False, evaluate=True)
    with pytest.raises(SettingError, match="mixes ready features with sound"):
        collect(model, progress=False)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 4)),
    pieces=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_what_is_exported_is_what_is_read(tmp_path: Path, shape: tuple[int, int], pieces: list[int], seed: int) -> None:
    """Values, labels, subsets, groups and names survive the way through an `.npz`, and values through a CSV."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-128, 128, size=(sum(pieces), shape[0] * shape[1]), dtype=np.int8)
    labels = [("yes", "ünknown", "_x_")[number] for number in rng.integers(3, size=len(values))]
    for suffix in (".npz", ".csv"):
        at = 0
        with open_table(tmp_path / f"out{suffix}", shape) as table:
            for number, size in enumerate(pieces):
                rows, own = slice(at, at + size), labels[at : at + size]
                names = [f"clip {index}" for index in range(at, at + size)]
                table.write(
                    Rows(
                        subset=("training", "validation", "test")[number % 3], classes=np.zeros(size, np.int64),
                        labels=own, clips=names, groups=[""] * size, values=values[rows],
                    )
                )  # fmt: skip
                at += size
    clips = Features(path=tmp_path / "out.npz").collect()
    assert [clip.label for clip in clips] == labels
    assert [clip.split for clip in clips][: pieces[0]] == ["training"] * pieces[0]
    assert clips[-1].details["file"] == f"clip {len(values) - 1}"
    stored = np.load(tmp_path / "out.npz")["features"]
    assert stored.shape == (len(values), *shape)
    np.testing.assert_array_equal(stored.reshape(len(values), -1), values)
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        lines = list(csv.reader(file))
    np.testing.assert_array_equal(np.array([line[4:] for line in lines[1:]], dtype=np.int64), values)


def test_the_verb_writes_every_form(model: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for suffix in ("npz", "csv", "parquet"):
        if suffix == "parquet":
            pytest.importorskip("pyarrow")
        assert main(["data", "ready.py", "--export-features", f"out.{suffix}", "--workers", "0"]) == 0
        assert "60 windows of 4 x 8 int8" in capsys.readouterr().out
    import pyarrow.parquet as parquet

    table = parquet.read_table("out.parquet")
    assert (table.num_rows, table.num_columns) == (60, 4 + 32)
    with np.load("out.npz") as stored:
        order = [f"t{time:03d}_b{band:03d}" for time in range(4) for band in range(8)]
        columns = np.stack([table[name].to_numpy() for name in order], axis=1)
        np.testing.assert_array_equal(columns, stored["features"].reshape(60, -1))
        assert table["label"].to_pylist() == stored["labels"].tolist()
    again = Features(path="out.npz").collect()
    assert len(split_by_group(again).training) == sum(clip.split == "training" for clip in again)


def test_a_wrong_suffix_or_a_missing_package_leaves_nothing(
    model: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for beside in (["--plots", "pictures"], ["--fetch"], ["--clips"], ["--augment-copies", "1"]):
        assert main(["data", "ready.py", "--export-features", "out.npz", *beside]) == 2
        assert "do not go together" in capsys.readouterr().err
    assert not Path("out.npz").exists()
    assert main(["data", "ready.py", "--export-features", "out.xls"]) == 2
    assert "FILE.csv" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["data", "ready.py", "--export-features", "out.parquet"]) == 2
    assert "mltk_like[parquet]" in capsys.readouterr().err
    assert not list(Path().glob("*out*"))


def _convert(tmp_path: Path, content: object, monkeypatch: pytest.MonkeyPatch) -> int:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(content))
    script = Path(__file__).parents[1] / "scripts" / "features_from_pickle.py"
    monkeypatch.setattr(sys, "argv", [str(script), "x.pkl", "x.npz"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_pickle_of_keyword_features_is_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(6, *SHAPE, 1)).astype(np.float32)
    y = np.array([0, 1, 1, 0, 0, 1])
    names = [f"{index}.wav" for index in range(6)]
    content = [x[:4], y[:4], x[4:], y[4:], names[:4], names[4:], {"go": 1, "stop": 0}]
    assert _convert(tmp_path, content, monkeypatch) == 0
    clips = Features(path="x.npz").collect()
    assert [clip.label for clip in clips] == ["stop", "go", "go", "stop", "stop", "go"]
    assert [clip.split for clip in clips] == ["training"] * 4 + ["validation", "test"]


class Hostile:
    """Unpickled, it would make a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("made"),))


def test_a_pickle_that_calls_anything_else_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _convert(tmp_path, [Hostile()], monkeypatch) == 2
    assert "which is no array" in capsys.readouterr().err
    assert not Path("made").exists()
    assert not Path("x.npz").exists()
    assert _convert(tmp_path, [1, 2], monkeypatch) == 2


def test_there_is_nothing_to_see_but_other_files(model: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view_audio", str(model.path)]) == 2
    said = capsys.readouterr().err
    assert "the model is trained on ready features, which hold no sound" in said
    assert "name audio files" in said
    write_wav(Path("yes.wav"), np.ones(8000, np.int16), 16_000)
    assert main(["view_audio", str(model.path), "yes.wav"]) == 0
    assert "No variants: " in capsys.readouterr().out


@pytest.mark.slow
class TestTraining:
    """A training on ready features, from the first window to the archive."""

    pytestmark = TENSORFLOW_WARNINGS

    def test_it_is_trained_and_judged_by_windows(self, model: Any, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["train", "ready.py", "--workers", "0"]) in (0, 1)
        shown = capsys.readouterr().out
        assert "ready features have no sound: augment is not called" in shown
        assert "single windows alone" in shown
        assert "false accepts within" not in shown
        assert main(["evaluate", "ready.py", "--both"]) == 0
        assert "windows: accuracy %" in capsys.readouterr().out
        assert main(["evaluate", "ready.py", "--target-false-accepts", "0.5"]) == 2
        assert "no sound to hear as a stream" in capsys.readouterr().err
        assert main(["report", "ready.py"]) == 0
        assert main(["train", "ready.py", "--test", "--workers", "0"]) in (0, 1)
        write_wav(Path("mine/yes.wav"), np.ones(8000, np.int16), 16_000)
        assert main(["train", "ready.py", "--positives", "mine"]) == 2
        assert "cannot be added to ready features" in capsys.readouterr().err
        assert main(["train", "ready.py", "--dump-augmented", "3"]) == 2
