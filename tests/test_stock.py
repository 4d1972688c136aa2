"""Windows that are made once and drawn in another order in each pass."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk_like.errors import DataError
from mltk_like.feed.pool import Task
from mltk_like.feed.windows import Batch
from mltk_like.training.stock import WINDOWS, ToldFeed, forget_windows

COUNT = 60
ANSWERS = np.log(np.random.default_rng(3).dirichlet((1, 1), COUNT)).astype(np.float32)


class Feeds:
    """Windows whose numbers say which they are."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.stop_at: int | None = None

    def batches(self, tasks: Iterable[Task]) -> Iterator[Batch]:
        for task in tasks:
            if task.first == self.stop_at:
                raise KeyboardInterrupt
            self.asked.append(task.first)
            own = np.arange(task.first, task.first + task.count)
            features = np.repeat(own.astype(np.int8), 6).reshape(-1, 3, 1, 2)
            seconds = {"decode": 0.5}
            yield Batch(
                features=features, labels=own % 2, first=task.first, origins=own % 3 - 1, words=own % 5, seconds=seconds
            )


def passes(feeds: Feeds, folder: Path, first: int = 0, count: int = 180, seed: int = 7) -> list[Batch]:
    feed = ToldFeed(source=feeds, answers=ANSWERS, folder=folder, seed=seed, progress=False)
    return list(feed.batches(Task(at, 20) for at in range(first, first + count, 20)))


def places(batches: list[Batch]) -> list[int]:
    return [int(number) for batch in batches for number in batch.features[:, 0, 0, 0]]


def test_each_pass_has_every_window_once_in_an_order_of_its_own(tmp_path: Path) -> None:
    feeds = Feeds()
    batches = passes(feeds, tmp_path)
    assert feeds.asked == [0, 20, 40], "windows are made once"
    shown = places(batches)
    orders = [shown[at : at + COUNT] for at in range(0, 3 * COUNT, COUNT)]
    assert all(sorted(order) == list(range(COUNT)) for order in orders)
    assert len({tuple(order) for order in [*orders, list(range(COUNT))]}) == 4
    assert places(passes(feeds, tmp_path, seed=8)) != shown
    for batch in batches:
        own = np.array(places([batch]))
        assert np.array_equal(batch.told, ANSWERS[own])
        assert np.array_equal(batch.labels, own % 2)
        assert np.array_equal(batch.origins, own % 3 - 1)
        assert np.array_equal(batch.words, own % 5)
        assert batch.features.shape == (20, 3, 1, 2)
        assert batch.features.dtype == np.int8
    assert [batch.first for batch in batches] == list(range(0, 180, 20))
    assert sum(batch.seconds.get("decode", 0.0) for batch in batches) == 1.5, "what they cost is said once"


def test_a_training_that_goes_on_sees_what_it_would_have_seen(tmp_path: Path) -> None:
    whole = places(passes(Feeds(), tmp_path / "whole"))
    feeds = Feeds()
    feeds.stop_at = 40
    with pytest.raises(KeyboardInterrupt):
        passes(feeds, tmp_path / "broken")
    assert not list((tmp_path / "broken").iterdir()), "half a file is none"
    feeds.stop_at = None
    assert places(passes(feeds, tmp_path / "broken", first=100, count=80)) == whole[100:]
    feeds.asked = []
    assert places(passes(feeds, tmp_path / "broken", first=160, count=20)) == whole[160:]
    assert not feeds.asked
    forget_windows(tmp_path / "broken")
    assert not list((tmp_path / "broken").iterdir())
    forget_windows(tmp_path / "broken")


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def of_others(path: Path) -> None:
    index = path.with_suffix(".npz")
    with np.load(index) as file:
        columns = {name: file[name] for name in file}
    columns["labels"] = columns["labels"][:-1]
    np.savez(index, **columns)


def nonsense(path: Path) -> None:
    path.with_suffix(".npz").write_bytes(b"PK nonsense")


@pytest.mark.parametrize("damage", [shortened, of_others, nonsense])
def test_damaged_windows_are_one_line(damage: Any, tmp_path: Path) -> None:
    passes(Feeds(), tmp_path)
    damage(tmp_path / WINDOWS)
    with pytest.raises(DataError, match="cannot read the windows") as caught:
        passes(Feeds(), tmp_path)
    assert caught.value.hint == "delete the file and resume"


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mltk_like.paths as paths

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paths.os, "fsync", full)
    with pytest.raises(DataError, match="No space left"):
        passes(Feeds(), tmp_path)
    assert not list(tmp_path.iterdir())
