"""The dump of augmented windows: what is written is what training gets."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.wav import read_audio, sample_rate_hz
from mltk_like.errors import DataError
from mltk_like.feed.dump import dump_augmented
from mltk_like.feed.windows import SplitFiles, WindowMaker
from mltk_like.loader import load_file

Write = Callable[..., Path]


def rows_of(index: Path) -> list[dict[str, str]]:
    with index.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_window_is_heard_seen_and_named(model_file: Write, split_files: SplitFiles, tmp_path: Path) -> None:
    model = load_file(model_file())
    folder = tmp_path / "augmented"
    rows = rows_of(dump_augmented(model, split_files, folder, 6, progress=False))
    assert len(rows) == 6
    assert sorted(row["label"] for row in rows) == ["_unknown_"] * 3 + ["yes"] * 3
    maker = WindowMaker(model, split_files)
    for row in rows:
        assert (row["seed"], row["pass"]) == ("42", "0")
        window = maker.window(int(row["place"]))
        assert row["label"] == model.classes[window.label]
        assert row["clip"] == window.clip
        samples = read_audio(folder / row["audio"], 16_000)
        assert (len(samples), sample_rate_hz(folder / row["audio"])) == (4800, 16_000)
        assert samples / 32768 == pytest.approx(window.scene[-4800:], abs=1 / 32768)
    files = {path.name for path in folder.iterdir()}
    assert files == {"index.csv"} | {row[kind] for row in rows for kind in ("audio", "image")}


def test_the_image_is_the_nets_input(model_file: Write, split_files: SplitFiles, tmp_path: Path) -> None:
    from matplotlib import colormaps
    from matplotlib.image import imread

    model = load_file(model_file())
    (row,) = rows_of(dump_augmented(model, split_files, tmp_path, 1, progress=False))
    image = imread(tmp_path / row["image"])
    features = WindowMaker(model, split_files).window(int(row["place"])).features[:, 0]
    assert image.shape == (3 * 12, 3 * 19, 4)
    low_bands_below = image[::-3, ::3]
    expected = colormaps["magma"]((features.T.astype(float) + 128) / 255)
    assert low_bands_below == pytest.approx(expected, abs=0.02)


def test_more_windows_than_a_pass_has(model_file: Write, split_files: SplitFiles, tmp_path: Path) -> None:
    rows = rows_of(dump_augmented(load_file(model_file()), split_files, tmp_path, 20, progress=False))
    assert len({(row["pass"], row["place"]) for row in rows}) == 20
    assert {row["pass"] for row in rows} == {"0", "1"}


def test_a_window_is_the_one_that_training_gets(model_file: Write, split_files: SplitFiles) -> None:
    maker = WindowMaker(load_file(model_file()), split_files)
    batch = maker.batch(10, 10)
    for row in range(10):
        window = maker.window(10 + row)
        assert np.array_equal(window.features, batch.features[row])
        assert window.label == batch.labels[row]
        assert (window.number, window.place) == divmod(10 + row, 15)


def test_a_folder_that_cannot_be_written(model_file: Write, split_files: SplitFiles, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        dump_augmented(load_file(model_file()), split_files, tmp_path / "file" / "augmented", 2, progress=False)
