"""Recordings of the user's own: cut, copied, grouped, weighted, and remembered by the run."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.data.clip import Clip, lengths_s
from mltk_like.data.manifest import read_manifest
from mltk_like.data.own import OWN_WEIGHT, OwnRecordings, restrained
from mltk_like.data.split import split_by_group
from mltk_like.errors import DataError, SettingError
from mltk_like.verbs.data import heard_s
from mltk_like.verbs.train.recordings import describe

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS
RATE = 16000
QUICK: dict[str, Any] = {"workers": 0, "progress": False, "evaluate": False}


def record(path: Path, seconds: float, seed: int = 0) -> Path:
    """A recording of noise: every one another, for equal files are one in the cache."""
    noise = np.random.default_rng([seed, *str(path).encode()]).integers(-900, 900, round(seconds * RATE))
    write_wav(path, noise.astype(np.int16), RATE)
    return path


@settings(deadline=None, max_examples=25)
@given(seconds=st.floats(0.1, 20.0), window_s=st.floats(0.4, 1.5), at=st.floats(0.0, 1.0))
def test_whatever_fits_into_a_window_is_whole_in_one_stretch(
    tmp_path_factory: pytest.TempPathFactory, seconds: float, window_s: float, at: float
) -> None:
    folder = tmp_path_factory.mktemp("long")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLTK_LIKE_CACHE", str(folder / "cache"))
        path = record(folder / "room.wav", seconds)
        clips = OwnRecordings(path=path, label="_unknown_", window_s=window_s).collect()
        length = round(seconds * RATE) / RATE
        start = at * max(length - window_s, 0.0)
        end = min(start + window_s, length)
        ends = [length if clip.end_s is None else clip.end_s for clip in clips]
        assert any(clip.start_s <= start + 1e-9 and end <= last + 1e-9 for clip, last in zip(clips, ends, strict=True))
        assert all(s <= 2 * window_s + 1e-9 for s in lengths_s(clips))
        assert sum(heard_s(clips, lengths_s(clips))) == pytest.approx(length)
        assert {clip.group for clip in clips} == {"own recordings/room"}
        assert {clip.weight for clip in clips} == {OWN_WEIGHT}


def test_files_are_copied_and_folders_are_groups(tmp_path: Path) -> None:
    for name in ("ann/1", "ann/2", "bob/1", "hall"):
        record(tmp_path / "mine" / f"{name}.wav", 0.4)
    clips = OwnRecordings(path=tmp_path / "mine", label="yes", name="own positives").collect()
    assert [clip.group for clip in clips] == [f"own positives/{who}" for who in ("ann", "ann", "bob", "hall")]
    assert {clip.split for clip in clips} == {""}
    assert {clip.path.parent for clip in clips} == {tmp_path / "cache" / "own"}
    assert len({clip.path for clip in clips}) == 4
    before = {clip.path: clip.path.stat().st_mtime_ns for clip in clips}
    (tmp_path / "mine" / "zoe").mkdir()
    shutil.copy(tmp_path / "mine" / "ann" / "1.wav", tmp_path / "mine" / "zoe" / "the same.wav")
    again = OwnRecordings(path=tmp_path / "mine", label="yes", name="own positives").collect()
    assert again == clips
    assert {clip.path: clip.path.stat().st_mtime_ns for clip in again} == before


def test_a_folder_is_read_once_for_all_that_a_training_asks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    record(tmp_path / "mine" / "1.wav", 0.4)
    (tmp_path / "mine" / "broken.wav").write_bytes(b"RIFF and no more")
    source = OwnRecordings(path=tmp_path / "mine", label="yes")
    checked = source.inventory().clips
    record(tmp_path / "mine" / "2.wav", 0.4)
    assert "1 as 'yes'" in describe(source)
    assert len(source.collect()) == len(checked) == 1
    assert len([entry for entry in caplog.records if "broken.wav" in entry.getMessage()]) == 1
    assert len(OwnRecordings(path=tmp_path / "mine", label="yes").collect()) == 2


def test_one_or_two_recordings_are_all_for_training(tmp_path: Path) -> None:
    path = record(tmp_path / "false [accepts]*.wav", 9.0)
    record(tmp_path / "another.wav", 1.0)
    clips = OwnRecordings(path=path, label="_unknown_", window_s=1.0).collect()
    assert len(clips) == 8
    assert {clip.split for clip in clips} == {"training"}
    assert len(OwnRecordings(path=path, label="_unknown_", window_s=1.0).collect(limit=3)) == 3
    assert len(OwnRecordings(path=path, label="_unknown_", window_s=1.0).inventory().clips) == 1


def test_no_recording_is_in_two_splits(tmp_path: Path) -> None:
    for number in range(12):
        record(tmp_path / "long" / f"{number}.wav", 3.0 + number / 4)
    clips = OwnRecordings(path=tmp_path / "long", label="_unknown_", window_s=0.5).collect()
    splits = split_by_group(clips)
    files = [{clip.path for clip in part} for _, part in splits.items()]
    assert all(files)
    assert len(set.union(*files)) == sum(map(len, files)) == 12


def test_nothing_there_and_nothing_usable(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no .*gone"):
        OwnRecordings(path=tmp_path / "gone", label="x").collect()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no recordings"):
        OwnRecordings(path=tmp_path / "empty", label="x").collect()


def test_many_own_recordings_do_not_outweigh_the_others() -> None:
    def clips(count: int, label: str, weight: float = 1.0) -> list[Clip]:
        return [Clip(path=Path(f"{label}{i}"), label=label, group="g", source="s", weight=weight) for i in range(count)]

    others = clips(100, "_unknown_") + clips(10, "yes")
    own = clips(200, "_unknown_", 4.0) + clips(50, "yes", 4.0)
    held = restrained(own, others, "_unknown_")
    # A third of all, and two thirds are the others'.
    assert sum(clip.weight for clip in held if clip.label == "_unknown_") == pytest.approx(50.0)
    assert {clip.weight for clip in held if clip.label == "yes"} == {4.0}
    assert restrained(own[:10], others, "_unknown_") == own[:10]
    assert restrained(own, [], "_unknown_") == own
    # A stretch of 3 s is drawn as often as two of 1.5 s.
    long = [replace(clip, start_s=1.0, end_s=4.0) for clip in own[:200]]
    assert sum(clip.weight for clip in restrained(long, others, "_unknown_")) == pytest.approx(25.0)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """`yes/` with three keywords, `room/` with one long recording, `radio.wav`."""
    for number in range(3):
        path = tmp_path / "mine" / "yes" / f"take{number}.wav"
        write_wav(path, toys.beep(np.random.default_rng([5, number])), RATE)
    record(tmp_path / "mine" / "room" / "evening.wav", 5.0)
    record(tmp_path / "mine" / "radio.wav", 2.0)
    return tmp_path / "mine"


@pytest.mark.slow
def test_training_with_own_recordings(toy: Path, mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--workers", "0", "--no-evaluate", "--recordings-weight", "3", "--positives", str(mine / "yes")]
    code = main(["train", str(toy), *command, "--negatives", str(mine / "room"), str(mine / "radio.wav")])
    assert code in toys.ENDED
    printed = capsys.readouterr().out
    assert "own positives: 3 as 'beep', 0.00 h, drawn 3 times as often" in printed
    assert "own negatives 2: 1 as '_unknown_'" in printed
    folder = Path(os.environ["MLTK_LIKE_RUNS"]) / "toy" / "1"
    rows = [row for row in read_manifest(folder / "manifest.jsonl") if row.source.startswith("own ")]
    assert {(row.source, row.label) for row in rows} == {
        ("own positives", "beep"), ("own negatives", "_unknown_"), ("own negatives 2", "_unknown_"),
    }  # fmt: skip
    # 5 s in windows of 0.4 s: stretches of 0.8 s, one every 0.4 s.
    assert [row.start_s for row in rows if row.source == "own negatives"] == pytest.approx(np.arange(12) * 0.4)
    # 16 stretches of weight 3 beside 24 clips of the toy's own: they are held to a third of the unknown sounds.
    assert {(row.label, row.weight) for row in rows} == {("beep", 3.0), ("_unknown_", 0.75)}
    assert "own negatives: so many that they are drawn 0.75 times as often as others, not 3" in printed
    assert all(row.path.startswith("cache:own/") for row in rows)
    # What others get names no folder of the user's.
    archive = open_artifact(folder / "toy.mltk.zip")
    members = ("state.json", "manifest.jsonl", "settings.json", "log.txt")
    assert not [name for name in members if str(mine).encode() in (archive.read(name) or b"")]


@pytest.mark.slow
def test_a_resumed_run_goes_on_with_them(toy: Path, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def spied(model: Any, **options: Any) -> Any:
        asked.append(options)
        raise KeyboardInterrupt

    monkeypatch.setattr("mltk_like.verbs.train.prepare.collect", spied)
    monkeypatch.chdir(mine)
    # Broken off before there is a manifest: the folders are remembered, whatever the working folder is then.
    with pytest.raises(KeyboardInterrupt):
        mltk.train(str(toy), **QUICK, positives="yes", negatives="room", recordings_weight=2.5)
    monkeypatch.chdir(mine.parent)
    with pytest.raises(KeyboardInterrupt):
        mltk.train(str(toy), **QUICK, resume=True)
    started, resumed = (
        [(replace(source, path=Path(source.path).name), source.window_s) for source in options["own"]]
        for options in asked
    )
    assert started == resumed
    assert [Path(source.path) for source in asked[1]["own"]] == [mine / "yes", mine / "room"]
    with pytest.raises(SettingError, match="goes on with the recordings that it was started with"):
        mltk.train(str(toy), **QUICK, resume=True, negatives=[mine / "room"])


@pytest.mark.slow
def test_a_resumed_run_needs_the_folders_no_more(toy: Path, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_INTERRUPT_AT", "1")
    with pytest.raises(KeyboardInterrupt):
        mltk.train(str(toy), **QUICK, negatives=mine / "room")
    monkeypatch.delenv("TOY_INTERRUPT_AT")
    (mine / "room" / "evening.wav").rename(mine / "elsewhere.wav")
    result = mltk.train(str(toy), **QUICK, resume=True)
    assert json.loads((result.folder / "state.json").read_text())["own"] is None


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"positives": "nowhere"}, DataError, "there is no nowhere"),
        ({"positives": "yes", "label": "_unknown_"}, SettingError, "of a class that is detected, not '_unknown_'"),
        ({"positives": "yes", "label": "boop"}, SettingError, "not 'boop'"),
        ({"label": "beep"}, SettingError, "a label goes with recordings of it"),
        ({"positives": "yes", "recordings_weight": 0.0}, SettingError, "recordings_weight=0.0 is not a positive"),
    ],
)
def test_what_does_not_fit_is_refused_before_there_is_a_run(
    toy: Path,
    mine: Path,
    options: dict[str, Any],
    error: type[Exception],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(mine)
    with pytest.raises(error, match=message):
        mltk.train(str(toy), **QUICK, **options)
    assert not Path(os.environ["MLTK_LIKE_RUNS"]).exists()


def test_negatives_need_their_class(model_file: Callable[..., Path], mine: Path) -> None:
    path = toys.write_toy(mine / "models", settings="").read_text().replace('("beep", "_unknown_")', '("beep", "boop")')
    with pytest.raises(SettingError, match="has no class '_unknown_' for negatives"):
        mltk.train(str(model_file(path, "only")), **QUICK, negatives=mine / "room")
