"""The pool: the same bytes for any number of workers, errors that reach the user, and no process left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mltk_like as mltk
from mltk_like.errors import DataError, MltkLikeError, SettingError, ToolError
from mltk_like.feed.mined import Mined, save_mined
from mltk_like.feed.pool import Feed, Task, default_workers
from mltk_like.feed.windows import Batch, SplitFiles, WindowMaker
from mltk_like.loader import load_file
from mltk_like.settings import overrides_to_json

Write = Callable[..., Path]
TASKS = [Task(first=first, count=4) for first in range(0, 40, 4)]

HEAD = """
import os
import sys
import time
import numpy as np
import mltk_like as mltk
from mltk_like.audio import FrontendSettings

class Toy(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin):
    classes = ("yes", "_unknown_")
    frontend = FrontendSettings(sample_length_ms=300, window_size_ms=30, window_step_ms=15, filterbank_n_channels=12)
    warm_up_ms = 100

    def {method}(self, samples, rng, sounds):
        {body}

my_model = Toy()
"""


def toy(body: str, method: str = "augment") -> str:
    return HEAD.format(method=method, body=body)


def collect(path: Path, files: SplitFiles, workers: int, **changes: object) -> list[Batch]:
    model = load_file(path).with_settings(**changes)
    with Feed(model, files, workers=workers, overrides=overrides_to_json(model)) as feed:
        return list(feed.batches(TASKS))


def as_bytes(batches: list[Batch]) -> bytes:
    return b"".join(batch.features.tobytes() + batch.labels.tobytes() for batch in batches)


def children(pid: int) -> set[int]:
    """Processes whose parent is `pid`, from /proc; zombies do not count."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            if int(fields[1]) == pid and fields[0] != "Z":
                found.add(int(entry.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time; the limit is far above what is needed."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(autouse=True)
def no_worker_is_left() -> Iterator[None]:
    yield
    assert wait_until(lambda: not multiprocessing.active_children(), 10)


def test_windows_have_the_nets_shape(model_file: Write, split_files: SplitFiles) -> None:
    batches = collect(model_file(), split_files, 0)
    assert len(batches) == len(TASKS)
    for batch in batches:
        assert batch.features.shape == (4, 19, 1, 12)
        assert batch.features.dtype == np.int8
        assert batch.labels.shape == (4,)
        assert batch.labels.dtype == np.int64
        assert set(batch.seconds) == {"decode", "augment", "frontend"}
    assert len({batch.features.tobytes() for batch in batches}) == len(batches)


def test_companion_words_stand_in_the_windows(model_file: Write, split_files: SplitFiles) -> None:
    files = replace(split_files, companions=(-1,) * 9 + (0, 1, 1))
    model = load_file(model_file()).with_settings(
        companion_fraction=0.5, companion_words=("left", "right"), silence_fraction=0.0, cropped_fraction=0.0
    )
    maker = WindowMaker(model, files)
    words = np.concatenate([maker.words(number) for number in range(200)])
    unknown = words[words != model.classes.index("yes")]
    first = len(model.classes)
    shares = [(unknown == first + word).mean() for word in (0, 1)]
    assert shares == pytest.approx([0.25, 0.25], abs=0.03), "of the clips of a word each is as likely"
    assert set(maker.batch(0, len(maker)).words) <= {*range(first), first, first + 1}
    alone = WindowMaker(model, replace(files, companions=(-1,) * 12))
    assert set(alone.words(0)) <= set(range(first))


def test_mined_windows_are_marked(model_file: Write, split_files: SplitFiles, tmp_path: Path) -> None:
    save_mined(tmp_path / "mined.npz", Mined(clips=np.array([7]), ends=np.array([900]), scores=np.ones(1, np.float32)))
    files = replace(split_files, mined=tmp_path / "mined.npz")
    model = load_file(model_file()).with_settings(mined_fraction=0.5, silence_fraction=0.0, cropped_fraction=0.0)
    maker = WindowMaker(model, files)
    marked = maker.mined(2 * len(maker) - 1)
    assert marked.shape == (2 * len(maker) - 1,)
    labels = np.concatenate([maker.labels(number) for number in range(2)])[:-1]
    assert 0 < marked.sum() < (labels == model.classes.index("_unknown_")).sum()
    assert {maker.clip_name(int(place)) for place in np.flatnonzero(marked)} == {"clip7.wav"}
    assert not WindowMaker(model, split_files).mined(5).any()


def test_a_window_does_not_depend_on_its_batch(model_file: Write, split_files: SplitFiles) -> None:
    maker = WindowMaker(load_file(model_file()), split_files)
    assert len(maker) == 15
    assert list(maker.class_counts()) == [6, 9]
    whole = maker.batch(0, 36)  # crosses into the second and third pass
    for first in (35, 0, 16, 14):
        one = maker.batch(first, 1)
        assert np.array_equal(one.features[0], whole.features[first])
        assert one.labels[0] == whole.labels[first]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="file", marks=pytest.mark.slow),
        pytest.param({"seed": 7, "silence_fraction": 0.5, "warm_up_ms": 50}, id="overrides"),
    ],
)
def test_the_same_bytes_for_0_to_3_workers(
    model_file: Write, split_files: SplitFiles, changes: dict[str, object]
) -> None:
    path = model_file()
    expected = as_bytes(collect(path, split_files, 0, **changes))
    for workers in (1, 2, 3):
        assert as_bytes(collect(path, split_files, workers, **changes)) == expected


def test_overrides_matter(model_file: Write, split_files: SplitFiles) -> None:
    path = model_file()
    assert as_bytes(collect(path, split_files, 0)) != as_bytes(collect(path, split_files, 0, seed=7))


def test_workers_are_processes_of_their_own_without_tensorflow(model_file: Write, split_files: SplitFiles) -> None:
    body = f"""
        heavy = [n for n in ("tensorflow", "keras", "matplotlib", "librosa") if n in sys.modules]
        if heavy or os.getpid() == {os.getpid()} or os.environ["OMP_NUM_THREADS"] != "1":
            raise RuntimeError(f"loaded {{heavy}} in process {{os.getpid()}}")
        return samples
    """
    assert len(collect(model_file(toy(body)), split_files, 1)) == len(TASKS)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("method", ["augment", "augment_clip"])
def test_an_error_of_the_authors_names_the_clip(
    model_file: Write, split_files: SplitFiles, method: str, workers: int
) -> None:
    path = model_file(toy("raise ValueError('oh dear')", method))
    with pytest.raises(DataError) as caught:
        collect(path, split_files, workers, silence_fraction=0)
    message = caught.value.message
    assert "augmenting clip" in message
    assert ".wav failed (pass 0, window 0)" in message
    assert f'File "{path}"' in message
    assert "ValueError: oh dear" in message


@pytest.mark.parametrize("method", ["augment", "augment_clip"])
@pytest.mark.parametrize("body", ["pass", "return 0.5", "return samples * np.nan", "return samples[:, None]"])
def test_what_an_author_returns_is_checked(model_file: Write, split_files: SplitFiles, method: str, body: str) -> None:
    with pytest.raises(DataError, match=f"{method} returned"):
        collect(model_file(toy(body, method)), split_files, 0)


def test_augment_keeps_the_length(model_file: Write, split_files: SplitFiles) -> None:
    with pytest.raises(DataError, match="augment returned 6399 samples for 6400"):
        collect(model_file(toy("return samples[1:]")), split_files, 0)


def test_a_split_without_clips(model_file: Write, split_files: SplitFiles) -> None:
    empty = SplitFiles(speech=split_files.speech, labels=("other",) * 12, names=split_files.names)
    with pytest.raises(DataError, match="a split has no clip of any class"):
        collect(model_file(), empty, 0)


def test_a_worker_that_cannot_start_says_why(model_file: Write, split_files: SplitFiles) -> None:
    path = model_file()
    model = load_file(path)
    with pytest.raises(SettingError, match="unknown setting 'epoch'"):
        Feed(model, split_files, workers=1, overrides={"epoch": 1})
    lost = SplitFiles(speech=Path("/nowhere/x.i16"), labels=(), names=())
    with pytest.raises(MltkLikeError, match=r"(?s)a worker cannot start: FileNotFoundError.*Traceback"):
        Feed(model, lost, workers=1)


def test_a_model_without_a_file_is_fed_in_this_process(model_file: Write, split_files: SplitFiles) -> None:
    Loose = type("Loose", (type(load_file(model_file())),), {"__module__": "a_notebook"})
    with Feed(Loose(), split_files, workers=2) as feed:
        assert not multiprocessing.active_children()
        assert len(list(feed.batches(TASKS[:2]))) == 2


def test_a_model_without_data_is_refused(split_files: SplitFiles) -> None:
    Bare = type("Bare", (mltk.Model, mltk.TrainMixin), {})
    with pytest.raises(MltkLikeError, match="lacks AudioDatasetMixin"):
        Feed(Bare(), split_files, workers=0)


def test_a_killed_worker_is_an_error_and_no_hang(model_file: Write, split_files: SplitFiles) -> None:
    path = model_file(toy("time.sleep(0.05); return samples"))
    with Feed(load_file(path), split_files, workers=2) as feed:
        batches = feed.batches(TASKS * 10)
        next(batches)
        os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
        with pytest.raises(ToolError, match="a worker process died"):
            list(batches)


@pytest.mark.slow  # the time must do for a worker's start on a busy machine
def test_a_hanging_window_is_named(model_file: Write, split_files: SplitFiles) -> None:
    path = model_file(toy("time.sleep(3600 if len(samples) % 7 == 0 else 0); return samples", "augment_clip"))
    with (
        pytest.raises(DataError, match=r"augmenting clip\d+\.wav \(pass \d, window \d+\) has not ended after 8 s"),
        Feed(load_file(path), split_files, workers=2, timeout_s=8.0) as feed,
    ):
        list(feed.batches(TASKS * 3))


def test_an_interruption_does_not_wait_for_batches_under_way(
    model_file: Write, split_files: SplitFiles, tmp_path: Path
) -> None:
    body = f"""
        with open({str(tmp_path / "count")!r}, "a") as file:
            file.write("x")
            made = file.tell()
        time.sleep(3600 if made > 4 else 0)
        return samples
    """
    model = load_file(model_file(toy(body)))

    def interrupted() -> None:
        with Feed(model, split_files, workers=1) as feed:
            next(feed.batches(TASKS))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not multiprocessing.active_children()


def test_default_workers() -> None:
    assert default_workers() == len(os.sched_getaffinity(0))


SCRIPT = """
import json, sys, time
from pathlib import Path
from mltk_like.feed.mined import Mined, save_mined
from mltk_like.feed.pool import Feed, Task
from mltk_like.feed.windows import SplitFiles
from mltk_like.loader import load_file

if __name__ == "__main__":
    model, speech = Path(sys.argv[1]), Path(sys.argv[2])
    files = SplitFiles(speech=speech, labels=("yes",) * 6 + ("_unknown_",) * 6, names=tuple("abcdefghijkl"))
    with Feed(load_file(model), files, workers=2) as feed:
        for number, batch in enumerate(feed.batches(Task(first=4 * n, count=4) for n in range(10**6))):
            if number == 0:
                print("running", flush=True)
"""


@pytest.fixture
def script(
    model_file: Write, split_files: SplitFiles, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], set[int]]]:
    """A script that feeds for ever from two workers, in a process group of its own; and its children."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    model = model_file(toy("time.sleep(0.02); return samples"))
    command = [sys.executable, str(path), str(model), str(split_files.speech)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    running = children(process.pid)
    try:
        assert line == "running\n"
        assert len(running) >= 2
        yield process, running
    finally:
        for pid in [process.pid, *running]:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        process.communicate()


def test_a_killed_parent_leaves_no_worker(script: tuple[subprocess.Popen[str], set[int]]) -> None:
    process, running = script
    process.kill()
    process.wait()
    assert wait_until(lambda: not any(is_alive(pid) for pid in running), 5)


@pytest.mark.parametrize(
    "whole_group",
    [pytest.param(True, id="Ctrl-C"), pytest.param(False, id="kill -INT", marks=pytest.mark.slow)],
)
def test_an_interrupted_script_ends_and_leaves_no_worker(
    script: tuple[subprocess.Popen[str], set[int]], whole_group: bool
) -> None:
    process, running = script
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=3)  # what is promised to the user
    except subprocess.TimeoutExpired:
        pytest.fail("it still runs after 3 s")
    assert process.returncode == -signal.SIGINT
    assert errors.count("KeyboardInterrupt") == 1, errors
    # Python's own resource tracker among them ends a moment after its parent.
    assert wait_until(lambda: not any(is_alive(pid) for pid in running), 2)
