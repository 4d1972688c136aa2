"""Rounds of mining: what a model in training fires on, and what it sees after that."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mltk_like.audio import FrontendSettings
from mltk_like.errors import DataError
from mltk_like.feed.mined import Mined, load_mined, save_mined
from mltk_like.feed.store import ClipStore, store_samples
from mltk_like.feed.windows import SplitFiles
from mltk_like.training import rounds
from mltk_like.training.mining import Mining, mine_clips
from mltk_like.training.rounds import MINING, Listening, MiningRounds
from mltk_like.training.schedule import Schedule

RATE = 16_000
SETTINGS = FrontendSettings(sample_length_ms=400, window_size_ms=32, window_step_ms=20, filterbank_n_channels=16)


def tone(seconds: float, at: float, hz: float = 2000.0) -> np.ndarray:
    """A soft hiss with a loud tone of 0.2 s in it."""
    time = np.arange(round(seconds * RATE)) / RATE
    rng = np.random.default_rng(round(1000 * at))
    wave = 0.002 * rng.standard_normal(len(time)) + 0.5 * np.sin(2 * np.pi * hz * time) * (
        (time >= at) & (time < at + 0.2)
    )
    return np.asarray(wave * 32767).astype(np.int16)


def loud(windows: np.ndarray) -> np.ndarray:
    """A 'net' that takes loud columns for its keyword: the more of them, the higher the score."""
    share = (windows.astype(np.int64).max(axis=2) > 110).mean(axis=1)
    keyword = np.round(255 * share).astype(np.uint8)
    return np.stack([keyword, 255 - keyword], axis=1)


@pytest.fixture
def store(tmp_path: Path) -> ClipStore:
    clips = [tone(2.0, 1.0), tone(2.0, 9.0), tone(0.3, 0.05), tone(2.0, 0.1)]
    path = tmp_path / "speech.i16"
    store_samples(path, clips, RATE)
    return ClipStore(path)


def mine(store: ClipStore, **changes: Any) -> Any:
    given: dict[str, Any] = dict(hours=1.0, keep=100, progress=False)
    return mine_clips(
        loud, SETTINGS, store, np.arange(4), np.array([True, False]), np.random.default_rng(0), **{**given, **changes}
    )


def test_the_windows_that_fire_are_found_where_they_are(store: ClipStore) -> None:
    found = mine(store)
    mined = found.mined
    assert set(mined.clips.tolist()) == {0, 2, 3}, "the clip without a tone has none"
    assert (np.diff(mined.scores) <= 0).all()
    for clip, begin in ((0, 1.0), (2, 0.05), (3, 0.1)):
        best = int(np.flatnonzero(mined.clips == clip)[0])
        end = mined.ends[best] / RATE
        assert end - 0.4 <= begin + 0.02, "the whole tone is in the window"
        assert end >= begin + 0.15
    assert found.hours * 3600 == pytest.approx(6.3)
    assert found.alarms == int((mined.scores > 0.5).sum()) or found.alarms >= 3


def test_the_worst_are_kept_and_no_more_than_the_hours_asked_for_are_heard(store: ClipStore) -> None:
    assert len(mine(store, keep=2).mined) == 2
    assert mine(store, hours=2.5 / 3600).hours * 3600 <= 4.5


def test_mined_windows_are_kept_in_a_file_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    mined = Mined(clips=np.array([1, 2]), ends=np.array([3, 4]), scores=np.array([0.5, 0.25], np.float32))
    save_mined(tmp_path / "m.npz", mined)
    again = load_mined(tmp_path / "m.npz")
    assert all(np.array_equal(getattr(mined, name), getattr(again, name)) for name in ("clips", "ends", "scores"))
    (tmp_path / "m.npz").write_bytes((tmp_path / "m.npz").read_bytes()[:-30])
    with pytest.raises(DataError, match="mined windows"):
        load_mined(tmp_path / "m.npz")


class Stand:
    """In place of a trainer: the net is `loud`, and the mean of the weights is swapped in while it listens."""

    def __init__(self) -> None:
        self.swapped = 0

    def swap_mean(self) -> None:
        self.swapped += 1

    def predict(self, features: np.ndarray) -> np.ndarray:
        assert self.swapped % 2, "listens with the mean of the weights"
        return loud(features[:, :, 0]) / 255.0


class Asked:
    frontend = SETTINGS
    classes = ("beep", "_unknown_")
    seed = 7
    mining_rounds = 2
    mining_hours = 1.0


def test_each_round_listens_once_and_a_training_that_goes_on_sees_the_same(store: ClipStore, tmp_path: Path) -> None:
    opened: list[Path | None] = []
    said: list[str] = []

    @contextmanager
    def open_feed(files: SplitFiles) -> Iterator[Any]:
        opened.append(files.mined)
        yield f"feed {len(opened)}"

    files = SplitFiles(speech=tmp_path / "speech.i16", labels=("beep", "_unknown_", "_unknown_", "_unknown_"),
        names=("a.wav", "b.wav", "c.wav", "d.wav"), families=("x", "x", "y", "y"),
    )  # fmt: skip
    listening = Listening(
        model=Asked(), files=files, folder=tmp_path / "train", open_feed=open_feed, say=said.append, progress=False
    )
    schedule = Schedule(steps_per_epoch=10, total_steps=85, rate=lambda step: 0.1)
    trainer: Any = Stand()
    with MiningRounds(listening, schedule, rounds=2) as stretches:
        assert stretches.steps == (30, 60)
        assert stretches.feed(0, trainer) == "feed 1"
        assert stretches.feed(30, trainer) == "feed 2"
        assert stretches.feed(60, trainer) == "feed 3"
    assert opened == [None, tmp_path / "train" / "mined-1.npz", tmp_path / "train" / "mined-2.npz"]
    assert [line.partition(":")[0] for line in said] == ["mining round 1", "mining round 2"]
    assert set(load_mined(tmp_path / "train" / "mined-1.npz").clips.tolist()) == {2, 3}, "keywords are not mined"
    noted = json.loads((tmp_path / "train" / MINING).read_text())
    assert [entry["round"] for entry in noted] == [1, 2]
    assert noted[0]["kept_by_family"].keys() == {"y"}
    assert {item["clip"] for item in noted[0]["loudest"]} == {"c.wav", "d.wav"}
    before = (tmp_path / "train" / "mined-2.npz").read_bytes()
    with MiningRounds(listening, schedule, rounds=2) as stretches:
        stretches.feed(70, trainer)
    assert len(said) == 2, "what was heard is not heard again"
    assert (tmp_path / "train" / "mined-2.npz").read_bytes() == before


@pytest.mark.parametrize(("seconds", "listened"), [(3599, {1, 2}), (3601, {2})])
def test_recordings_alone_are_listened_to_where_there_is_an_hour_of_them(
    tmp_path: Path, seconds: int, listened: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    store_samples(tmp_path / "s.i16", [tone(1.0, 0.1), tone(1.0, 0.2), np.zeros(seconds * 16, np.int16)], RATE)
    heard: list[int] = []

    nothing = Mined(clips=np.zeros(0, int), ends=np.zeros(0, int), scores=np.zeros(0, np.float32))

    def listen(score: Any, settings: Any, store: Any, clips: np.ndarray, *others: Any, **named: Any) -> Mining:
        heard.extend(clips.tolist())
        return Mining(mined=nothing, hours=0, heard=0, alarms=0)

    class Slow(Asked):
        frontend: Any = SimpleNamespace(sample_rate_hz=16)  # an hour is 57,600 samples

    monkeypatch.setattr(rounds, "mine_clips", listen)
    files = SplitFiles(
        speech=tmp_path / "s.i16", labels=("beep", "_unknown_", "_unknown_"), names=("a", "b", "c"),
        synthetic=(False, True, False),
    )  # fmt: skip
    asked = Listening(
        model=Slow(), files=files, folder=tmp_path, open_feed=lambda files: nullcontext(), say=print, progress=False
    )
    rounds.mine_first(asked, Stand())
    assert set(heard) == listened


def test_without_rounds_there_is_one_feed(tmp_path: Path) -> None:
    files = SplitFiles(speech=tmp_path / "none.i16", labels=(), names=())

    @contextmanager
    def open_feed(files: SplitFiles) -> Iterator[Any]:
        yield "the feed"

    listening = Listening(model=Asked(), files=files, folder=tmp_path, open_feed=open_feed, say=print)
    stand: Any = Stand()
    with MiningRounds(
        listening, Schedule(steps_per_epoch=10, total_steps=85, rate=lambda step: 0.1), rounds=0
    ) as stretches:
        assert stretches.steps == ()
        assert stretches.feed(40, stand) == "the feed"
