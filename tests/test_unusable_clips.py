"""Recordings that go bad on their way into a training never end it, and are named."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import model_with

from mltk_like.audio import FrontendSettings
from mltk_like.audio.wav import write_wav
from mltk_like.data import Folder, generated_noise
from mltk_like.data.skipped import Skipped, add_skipped
from mltk_like.errors import DataError
from mltk_like.evaluation.testset import Recordings, from_folders
from mltk_like.feed.dataset import collect, open_split
from mltk_like.feed.store import ClipStore

RATE = 16_000


def make(path: Path, seed: int, seconds: float = 0.2) -> Path:
    write_wav(path, np.random.default_rng(seed).integers(-999, 999, round(seconds * RATE)).astype(np.int16), RATE)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Any:
    for label in ("yes", "_unknown_", "yse"):
        for number in range(10):
            make(tmp_path / "own" / label / f"{number}.wav", number)
    (tmp_path / "own" / "yes" / "broken.wav").write_text("no audio")
    folder = tmp_path / "own"
    unknown = Folder(path=folder / "_unknown_", label="_unknown_")
    return model_with(
        Folder(path=folder, name="own"), unknown, generated_noise(minutes=0.05),
        classes=("yes", "_unknown_"), frontend=FrontendSettings(sample_length_ms=300), babble_minutes=0.0,
    )  # fmt: skip


def test_a_training_goes_on_without_them(model: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        dataset = collect(model, progress=False)
    assert {clip.label for _, clips in dataset.splits.items() for clip in clips} == {"yes", "_unknown_", "_noise_"}
    assert "10 of" in caplog.text
    assert "'yse' is no class of the model" in caplog.text
    assert add_skipped(tmp_path / "skipped.txt", dataset.skipped) == dataset.skipped
    lines = (tmp_path / "skipped.txt").read_text().splitlines()
    assert len(lines) == 11, "the log names a few, the file all"
    assert lines[0] == f"{tmp_path / 'own' / 'yes' / 'broken.wav'}: Format not recognised"

    # Gone and cut between the two stages.
    training = dataset.splits.training
    spoken = [clip for clip in training if clip.label != "_noise_"]
    spoken[0].path.unlink()
    spoken[-1].path.write_bytes(spoken[-1].path.read_bytes()[:30])
    files = open_split(model, training, seed=0, progress=False)
    left = spoken[1:-1]
    assert {item.path for item in files.skipped} == {spoken[0].path, spoken[-1].path}
    assert files.names == tuple(clip.name for clip in left)
    assert files.labels == tuple(clip.label for clip in left)
    store = ClipStore(files.speech)
    assert len(store) == len(left)
    for index, clip in enumerate(left):
        expected = np.random.default_rng(int(clip.path.stem)).integers(-999, 999, 3200).astype(np.int16)
        np.testing.assert_array_equal(store[index], expected)


def test_a_split_of_which_nothing_is_left_is_an_error(model: Any) -> None:
    training = collect(model, progress=False).splits.training
    for clip in training:
        clip.path.unlink()
    with pytest.raises(DataError, match="clips can be read"):
        open_split(model, training, seed=0, progress=False)


def test_what_is_skipped_is_written_once(tmp_path: Path) -> None:
    file, one = tmp_path / "skipped.txt", Skipped(path=Path("a\nb.wav"), reason="no")
    assert add_skipped(file, ()) == ()
    assert not file.exists()
    assert add_skipped(file, [one, one]) == (one,)
    other = Skipped(path=Path("caf\udce9.wav"), reason="no")
    assert add_skipped(file, [one, other]) == (other,)
    assert add_skipped(file, [other]) == ()
    assert file.read_text(encoding="utf-8") == "a b.wav: no\ncaf\\udce9.wav: no\n"


def test_evaluation_goes_on_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make(tmp_path / "yes" / "a.wav", 0)
    (tmp_path / "yes" / "b.wav").write_text("no audio")
    make(tmp_path / "no" / "a.wav", 1, 1.0)
    (tmp_path / "no" / "b.wav").write_text("no audio")
    given = Recordings(positives=tmp_path / "yes", negatives=(tmp_path / "no",))
    judged = from_folders(given, ["yes"], RATE, [10.0])
    assert len(judged.clips) == len(list(judged.positives(None))) == len(list(judged.positives(10.0))) == 1
    assert sum(map(len, judged.negative_stream())) >= RATE
    assert "1 of 2 clips cannot be used" in caplog.text
    assert "the rest of it is not scored" in caplog.text
    (tmp_path / "yes" / "a.wav").unlink()
    with pytest.raises(DataError, match="none of the recordings can be used"):
        from_folders(Recordings(positives=tmp_path / "yes"), ["yes"], RATE, [10.0])
