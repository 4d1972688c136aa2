"""Stored copies: the same bytes as without, made once, kept after an interruption, and never half a file."""

import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mltk_like.errors import DataError, SettingError, ToolError
from mltk_like.feed.copies import CopyFeed, CopyStore, open_feed
from mltk_like.feed.copy_choice import choose_copies
from mltk_like.feed.copy_key import copies_key
from mltk_like.feed.pool import Task
from mltk_like.feed.windows import Batch, SplitFiles, WindowMaker
from mltk_like.loader import load_file

Write = Callable[..., Path]
# A pass is 15 windows: the batches cross from one to the next.
TASKS = [Task(first=first, count=4) for first in range(0, 44, 4)]


def as_bytes(batches: Iterator[Batch]) -> bytes:
    return b"".join(batch.features.tobytes() + batch.labels.tobytes() for batch in batches)


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_bytes_as_without_copies(model_file: Write, split_files: SplitFiles, workers: int) -> None:
    model = load_file(model_file())
    with open_feed(model, split_files, workers=0) as feed:
        expected = as_bytes(feed.batches(TASKS))
    with open_feed(model, split_files, workers=workers, copies=3, progress=False) as feed:
        assert isinstance(feed, CopyFeed)
        assert as_bytes(feed.batches(TASKS)) == expected


def test_copies_are_made_once(model_file: Write, split_files: SplitFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_file(model_file())
    with open_feed(model, split_files, workers=0, copies=2, progress=False) as feed:
        expected = as_bytes(feed.batches(TASKS))
    monkeypatch.setattr("mltk_like.feed.copies.Feed", lambda *a, **k: pytest.fail("made again"))
    changed = model.with_settings(learning_rate=0.5, epochs=7)  # as a sweep does
    with open_feed(changed, split_files, workers=0, copies=2, progress=False) as feed:
        assert as_bytes(feed.batches(TASKS)) == expected


def test_after_the_last_copy_the_same_windows_come_in_another_order(model_file: Write, split_files: SplitFiles) -> None:
    with open_feed(load_file(model_file()), split_files, workers=0, copies=2, progress=False) as feed:
        passes = [next(iter(feed.batches([Task(first=15 * number, count=15)]))) for number in range(6)]
    rows = [[window.tobytes() for window in batch.features] for batch in passes]
    for number in range(2, 6):
        assert sorted(rows[number]) == sorted(rows[number % 2])
        assert rows[number] != rows[number - 2]
        label_of = dict(zip(rows[number % 2], passes[number % 2].labels, strict=True))
        assert [label_of[row] for row in rows[number]] == list(passes[number].labels)


def test_an_interruption_keeps_the_finished_passes(model_file: Write, split_files: SplitFiles) -> None:
    model = load_file(model_file())
    store = CopyStore(model, split_files)
    maker = WindowMaker(model, split_files)

    class Interrupted:
        def batches(self, tasks: list[Task]) -> Iterator[Batch]:
            for task in tasks:
                if task.first >= 30:
                    raise KeyboardInterrupt
                yield maker.batch(task.first, task.count)

    with pytest.raises(KeyboardInterrupt):
        store.make(Interrupted(), 4, progress=False)
    assert files_of(store.folder) == ["pass-0000.npy", "pass-0001.npy"]
    assert store.missing(4) == [2, 3]
    before = store.path(0).stat().st_mtime_ns
    with open_feed(model, split_files, workers=0, copies=4, progress=False) as feed:
        assert as_bytes(feed.batches(TASKS)) == as_bytes(iter([maker.batch(t.first, t.count) for t in TASKS]))
    assert store.path(0).stat().st_mtime_ns == before


# In a process of its own: a limit on files would hit the tests' own output too, where that is a file.
TOO_LARGE = """
import pickle, resource, signal, sys
from pathlib import Path
from mltk_like.errors import DataError
from mltk_like.feed.copies import open_feed
from mltk_like.loader import load_file

model = load_file(Path(sys.argv[1])).with_settings(unknown_multiplier=9.0)
files = pickle.loads(Path(sys.argv[2]).read_bytes())
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    with open_feed(model, files, workers=0, copies=2, progress=False):
        print("it went on")
except DataError as error:
    print(error.message)
"""


def test_a_write_that_fails_is_one_error_and_leaves_nothing(
    model_file: Write, split_files: SplitFiles, tmp_path: Path
) -> None:
    path, pickled = model_file(), tmp_path / "files.pickle"
    pickled.write_bytes(pickle.dumps(split_files))
    command = [sys.executable, "-c", TOO_LARGE, str(path), str(pickled)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert re.search(r"cannot write .*pass-0000\.npy", done.stdout), done.stdout + done.stderr
    model = load_file(path).with_settings(unknown_multiplier=9.0)
    assert files_of(CopyStore(model, split_files).folder) == []


def test_a_disk_too_small_is_said_before_the_work(
    model_file: Write, split_files: SplitFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mltk_like.feed.copies._free_bytes", lambda folder: 10_000)
    with (
        pytest.raises(DataError, match=r"9 augmented copies need 0\.00 GB; .* has 0\.00 GB free") as caught,
        open_feed(load_file(model_file()), split_files, workers=0, copies=9, progress=False),
    ):
        pytest.fail("it went on")
    assert "--augment-copies" in (caught.value.hint or "")


def test_an_error_in_a_worker_leaves_nothing(model_file: Write, split_files: SplitFiles) -> None:
    text = model_file().read_text().replace("return scene", "raise ValueError('oh dear')\n        return scene")
    model = load_file(model_file(text, "broken"))
    with (
        pytest.raises(DataError, match="oh dear"),
        open_feed(model, split_files, workers=1, copies=1, progress=False),
    ):
        pytest.fail("it went on")
    assert files_of(CopyStore(model, split_files).folder) == []


def test_the_key_follows_what_windows_depend_on(model_file: Write, split_files: SplitFiles, tmp_path: Path) -> None:
    model = load_file(model_file())
    key = copies_key(model, split_files)
    assert copies_key(load_file(model_file()), split_files) == key
    assert copies_key(model.with_settings(batch_size=9, label_smoothing=0.2), split_files) == key
    for changes in ({"seed": 1}, {"warm_up_ms": 50}, {"silence_fraction": 0.5}):
        assert copies_key(model.with_settings(**changes), split_files) != key
    fewer = SplitFiles(speech=split_files.speech, labels=split_files.labels[:-1], names=split_files.names[:-1])
    assert copies_key(model, fewer) != key
    edited = model_file(model_file().read_text() + "\n# louder\n")
    assert copies_key(load_file(edited), split_files) != key


def test_a_model_without_a_file_has_no_copies(model_file: Write, split_files: SplitFiles) -> None:
    Loose = type("Loose", (type(load_file(model_file())),), {"__module__": "a_notebook"})
    with pytest.raises(SettingError, match="need a model that has a file"):
        CopyStore(Loose(), split_files)


def test_a_dead_worker_leaves_no_half_pass(model_file: Write, split_files: SplitFiles) -> None:
    text = model_file().read_text().replace("return scene", "__import__('os')._exit(1)\n        return scene")
    model = load_file(model_file(text, "deadly"))
    with (
        pytest.raises(ToolError, match="a worker process died"),
        open_feed(model, split_files, workers=1, copies=1, progress=False),
    ):
        pytest.fail("it went on")
    assert files_of(CopyStore(model, split_files).folder) == []


MB = 10**6


@pytest.mark.parametrize(
    ("needed", "have", "seconds", "free", "passes"),
    [
        (20, 0, 1.0, 10_000 * MB, 20),  # all of them
        (1000, 0, 10.0, 100_000 * MB, 60),  # ten minutes' worth
        (1000, 0, 1.0, 4_000 * MB, 20),  # half of the free disk
        (1000, 0, 300.0, 100_000 * MB, 0),  # so few that a net would learn them by heart
        (1000, 0, 1.0, 0, 0),
        (1000, 500, 300.0, 0, 500),  # what is there costs nothing
        (2, 0, 1.0, 10_000 * MB, 2),
    ],
)
def test_auto_goes_by_disk_and_time(needed: int, have: int, seconds: float, free: int, passes: int) -> None:
    choice = choose_copies(needed=needed, have=have, size=100 * MB, seconds=seconds, free=free)
    assert choice.passes == passes
    assert "passes stored" in choice.reason


def test_auto_measures_the_model(model_file: Write, split_files: SplitFiles) -> None:
    choice = CopyStore(load_file(model_file()), split_files).choose(needed=3, workers=2)
    assert choice.passes == 3


def test_windows_are_whole_numbers_of_the_plan(model_file: Write, split_files: SplitFiles) -> None:
    store = CopyStore(load_file(model_file()), split_files)
    with open_feed(load_file(model_file()), split_files, workers=0, copies=1, progress=False):
        stored = np.load(store.path(0), mmap_mode="r")
    assert stored.shape == (15, 19, 1, 12)
    assert stored.dtype == np.int8
