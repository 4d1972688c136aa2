"""The JSON files of a run folder, and label files, with a wrong value at any place: one line, never a traceback."""

import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import changed, flipped, refused

import mltk_like as mltk
from mltk_like.artifact import model_of, open_artifact
from mltk_like.data.annotated import find_annotated
from mltk_like.data.manifest import parse_manifest, splits_of
from mltk_like.errors import ModelError
from mltk_like.loader import find_model
from mltk_like.run import Run, note_model_file, process_is_alive, runs_of, typed_run, whose_runs
from mltk_like.settings import to_json
from mltk_like.verbs.report.stored import read_model
from mltk_like.verbs.train.fine_tuning import earlier_data, start_from
from mltk_like.verbs.train.recordings import OwnData, remembered
from mltk_like.verbs.train.start import go_on, initial_weights
from mltk_like.verbs.tune.trial import _best

NAME = "bell_detector"
OWN_FILES = ("state.json", "settings.json", "model_file.json")
SHOWN_FILES = (
    "state.json", "settings.json", "versions.json", "train/history.json", "train/mining.json",
    "profile/profile.json", "eval/tflite/eval-results.json", "manifest.jsonl",
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder as a training leaves it, with every entry that is ever written into its files."""
    monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
    folder = tmp_path / "runs" / NAME / "1"
    file = find_model(NAME).path
    with zipfile.ZipFile(file.with_name(f"{NAME}.mltk.zip")) as archive:
        wanted = [name for name in archive.namelist() if not name.endswith((".png", ".keras", ".txt"))]
        archive.extractall(folder, wanted)
        (folder / f"{NAME}.keras").write_bytes(archive.read(f"{NAME}.keras"))
    shutil.copyfile(file, folder / f"{NAME}.py")
    note_model_file(folder, file)
    state = json.loads((folder / "state.json").read_text())
    state |= {
        "status": "interrupted", "pid": None, "augment_copies": 2, "weights": "w.keras", "chance": "x",
        "own": {"positives": None, "negatives": ["x"], "label": None, "weight": 2.0},
        "fine_tuned_from": str(folder), "failures": ["x"], "problems": ["x"],
    }  # fmt: skip
    (folder / "state.json").write_text(json.dumps(state))
    settings = json.loads((folder / "settings.json").read_text())
    now = json.loads(json.dumps(to_json(mltk.load_model(NAME))))
    (folder / "settings.json").write_text(json.dumps({**settings, "overrides": {"epochs": 5}, "settings": now}))
    mined = {"clip": "a.wav", "end_s": 1.0, "score": 0.5}
    rounds = [{"round": 1, "hours": 1.0, "windows": 9, "alarms": 2, "kept": 2, "loudest": [mined]}]
    (folder / "train" / "mining.json").write_text(json.dumps(rounds))
    rows = (folder / "manifest.jsonl").read_text().splitlines(keepends=True)
    (folder / "manifest.jsonl").write_text("".join(rows[:3]))
    return folder


def hostile(data: bytes, name: str, rng: random.Random) -> bytes:
    """The content of a stored file with one thing wrong."""
    chance = rng.random()
    if chance < 0.1:
        return flipped(data, rng)
    if chance < 0.13:
        return b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    if name.endswith(".jsonl"):
        first, *rest = data.splitlines(keepends=True)
        return json.dumps(changed(json.loads(first), rng)).encode() + b"\n" + b"".join(rest)
    return json.dumps(changed(json.loads(data), rng)).encode()


def damaged(folder: Path, names: tuple[str, ...], count: int, seed: int) -> Iterator[str]:
    """The same folder again and again, each time with another file that is not right."""
    whole = {name: (folder / name).read_bytes() for name in names}
    rng = random.Random(seed)
    for _ in range(count):
        name = rng.choice(names)
        (folder / name).write_bytes(hostile(whole[name], name, rng))
        yield name
        (folder / name).write_bytes(whole[name])


def look_at(folder: Path) -> None:
    run = Run(folder)
    assert run.archive.parent == folder
    typed_run(run)
    whose_runs(NAME)
    process_is_alive(run)
    list(runs_of(NAME))
    remembered(run, OwnData())
    initial_weights(run, None)
    run.stage("x").__enter__()
    earlier_data(run)


def use(folder: Path, model: Any) -> list[Callable[[], object]]:
    return [
        lambda: look_at(folder),
        lambda: (open_artifact(folder).typed, open_artifact(folder).typed_model),
        lambda: model_of(folder),
        lambda: start_from(folder, model),
        lambda: go_on(model, OwnData(), test=False),
    ]


def test_the_folder_itself_can_be_used(run: Path) -> None:
    model = mltk.load_model(NAME)
    assert [refused(call) for call in use(run, model)[:-1]] == [False] * 4
    read_model(open_artifact(run))


def check_runs(folder: Path, count: int, seed: int) -> None:
    model = mltk.load_model(NAME)
    found = [refused(call) for _ in damaged(folder, OWN_FILES, count, seed) for call in use(folder, model)]
    assert True in found
    assert False in found


def check_pages(folder: Path, count: int, seed: int) -> None:
    model = open_artifact(folder)
    found = [refused(lambda: read_model(model)) for _ in damaged(folder, SHOWN_FILES, count, seed)]
    assert True in found
    assert False in found


def test_a_wrong_value_in_what_a_training_goes_on_from(run: Path) -> None:
    check_runs(run, 60, 0)


def test_a_wrong_value_in_what_a_page_shows(run: Path) -> None:
    check_pages(run, 60, 0)


@pytest.mark.slow
def test_many_wrong_values_in_a_run_folder(run: Path) -> None:
    check_runs(run, 600, 1)
    check_pages(run, 600, 1)


@pytest.mark.slow
def test_a_page_of_a_run_with_a_wrong_value(run: Path, tmp_path: Path) -> None:
    found = [
        refused(lambda: mltk.report(run, output=tmp_path / "page", progress=False))
        for _ in damaged(run, SHOWN_FILES, 25, 2)
    ]
    assert False in found


@pytest.mark.parametrize(
    ("name", "entry", "value"),
    [
        ("state.json", "name", [1]),
        ("state.json", "stages", {"train": "long"}),
        ("state.json", "pid", 10**30),
        ("state.json", "own", {"negatives": 5}),
        ("settings.json", "overrides", [1]),
        ("settings.json", "settings", 3),
        ("settings.json", "path", {}),
    ],
)
def test_an_entry_of_a_wrong_type_is_named(run: Path, name: str, entry: str, value: Any) -> None:
    values = json.loads((run / name).read_text())
    (run / name).write_text(json.dumps({**values, entry: value}))
    with pytest.raises(ModelError, match=entry):
        (Run(run).settings if name == "settings.json" else Run)(*([] if name == "settings.json" else [run]))


@pytest.mark.parametrize("name", ["\ud800", "a\0b", "a\nb", "x" * 5000, "../x", "", ".x"])
def test_a_model_cannot_be_called_what_no_file_is_called(run: Path, name: str) -> None:
    state = json.loads((run / "state.json").read_text())
    (run / "state.json").write_text(json.dumps({**state, "name": name}))
    for use in (open_artifact, Run):
        with pytest.raises(ModelError, match=r"calls its model|is not a run folder"):
            use(run)


@pytest.mark.parametrize("history", ["", "[]", "{}", '{"best_epoch": 9, "history": {"val_misses": [0.1]}}', "[" * 9999])
def test_the_history_of_a_trial_that_is_damaged(tmp_path: Path, history: str) -> None:
    file = tmp_path / "history.json"
    file.write_text(history)
    assert refused(lambda: _best(file))


def test_a_manifest_with_a_wrong_value(run: Path) -> None:
    file = run / "manifest.jsonl"
    found = [
        refused(lambda: splits_of(parse_manifest(file.read_bytes(), file)))
        for _ in damaged(run, ("manifest.jsonl",), 60, 3)
    ]
    assert True in found
    assert False in found


def test_labels_of_data_studio_with_a_wrong_value(tmp_path: Path, wav_files: Callable[[int], list[Path]]) -> None:
    (recording,) = wav_files(1)
    segment = {"name": "Label", "value": "Knock", "start": 0, "end": 400}
    capture = {
        "file_name": recording.name, "metadata": [{"name": "Set", "value": "train"}],
        "sessions": [{"session_name": "one", "segments": [segment, segment]}],
    }  # fmt: skip
    file = recording.parent / "labels.dcli"
    file.write_text(json.dumps([capture]))
    assert len(find_annotated(file, split_key="Set", group_key="Set")[0]) == 1
    found = [
        refused(lambda: find_annotated(file, split_key="Set", group_key="Set"))
        for _ in damaged(recording.parent, ("labels.dcli",), 150, 4)
    ]
    assert True in found
    assert False in found


def test_label_tracks_of_any_bytes(tmp_path: Path, wav_files: Callable[[int], list[Path]]) -> None:
    (recording,) = wav_files(1)
    labels = recording.with_suffix(".txt")
    labels.write_text("0.0\t0.1\tknock\n0,15\t0,2\tknock\n")
    assert len(find_annotated(recording)[0]) == 1
    for _ in damaged_bytes(labels, 100):
        refused(lambda: find_annotated(recording))
    os.truncate(labels, 0)
    assert find_annotated(recording)[0][0].intervals == ()


def damaged_bytes(file: Path, count: int) -> Iterator[None]:
    whole, rng = file.read_bytes(), random.Random(5)
    for _ in range(count):
        file.write_bytes(flipped(whole, rng))
        yield
