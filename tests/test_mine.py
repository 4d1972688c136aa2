"""`mine` and `train --resume-from`: what a model fires on is cut out, goes on after Ctrl-C, and is unlearned."""

import itertools
import json
import os
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from numpy.typing import NDArray
from toys import Trained

import mltk_like as mltk
import mltk_like.verbs.mine.verb as mine_module
from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.cli import main
from mltk_like.data.manifest import read_manifest
from mltk_like.data.own import OwnRecordings
from mltk_like.errors import DataError, ModelError, SettingError
from mltk_like.evaluation import scan
from mltk_like.run import Run
from mltk_like.verbs.mine.cuts import stretches
from mltk_like.verbs.shared.subject import open_subject
from mltk_like.verbs.train import archive_of

pytest_plugins = ["toy_fixtures"]
pytestmark = toys.TENSORFLOW_WARNINGS
RATE = toys.RATE
WINDOW_S = 0.4
QUICK: dict[str, Any] = {"workers": 0, "progress": False, "evaluate": False}


def long_recording(path: Path, seconds: float, beeps_s: tuple[float, ...], seed: int = 0) -> Path:
    """Quiet noise with bursts of noise, one a second, and beeps at these times."""
    rng = np.random.default_rng([5, seed])
    sound = rng.normal(0, 20, round(seconds * RATE))
    for at in np.arange(0.5, seconds - 1.0, 1.0):
        if all(abs(at - time) > 0.9 for time in beeps_s):
            put(sound, (rng.standard_normal(5000) * 2500).astype(np.int16), at)
    for at in beeps_s:
        put(sound, toys.beep(rng), at)
    return written(path, sound)


def written(path: Path, sound: NDArray[np.float64]) -> Path:
    write_wav(path, sound.clip(-32768, 32767).astype(np.int16), RATE)
    return path


def put(sound: NDArray[np.float64], what: NDArray[np.int16], at_s: float) -> None:
    start = round(at_s * RATE)
    sound[start : start + len(what)] += what[: len(sound) - start]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two evenings, one of them in two files, and a file that is no audio."""
    monkeypatch.chdir(tmp_path)
    long_recording(tmp_path / "room" / "monday.wav", 30, (4.0, 21.3))
    long_recording(tmp_path / "room" / "sunday" / "1.wav", 12, (3.2,), seed=1)
    long_recording(tmp_path / "room" / "sunday" / "2.wav", 12, (7.7,), seed=2)
    (tmp_path / "room" / "broken.wav").write_bytes(b"RIFF and no more")
    return tmp_path / "room"


@pytest.fixture
def tonal(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trained toy with a net of ours, the same on every machine: it scores how much of a window is one tone."""

    def score(windows: NDArray[np.int8]) -> NDArray[np.uint8]:
        columns = windows.reshape(len(windows), windows.shape[1], -1).astype(int)
        tones = (columns.max(axis=2) - np.median(columns, axis=2) > 120).mean(axis=1)
        return np.stack([np.minimum(320 * tones, 255), np.zeros(len(windows))], axis=1).astype(np.uint8)

    monkeypatch.setattr(mine_module, "open_subject", lambda *args: replace(open_subject(*args), score=score))
    return trained.tflite


def times(result: mltk.MineResult) -> dict[str, list[float]]:
    """Seconds of the cuts in each recording."""
    found: dict[str, list[float]] = {}
    for cut in result.cuts:
        found.setdefault(Path(cut.source).name, []).append(cut.time_s)
    return found


def test_the_trained_toy_finds_the_beeps(trained: Trained, room: Path) -> None:
    found = times(mltk.mine(trained.tflite, room / "sunday", progress=False))
    for name, beep in {"1.wav": 3.2, "2.wav": 7.7}.items():
        assert any(beep < time < beep + 0.8 for time in found[name])


def test_beeps_are_cut_out_where_they_are(tonal: Path, room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = mltk.mine(tonal, room, progress=False)
    found = times(result)
    assert list(found) == ["monday.wav", "1.wav", "2.wav"]
    for name, beeps in {"monday.wav": (4.0, 21.3), "1.wav": (3.2,), "2.wav": (7.7,)}.items():
        # Detected within a window and the averaging after their start; nothing else sounds like them.
        assert found[name] == pytest.approx([at + 0.4 for at in beeps], abs=0.35)
    assert result.detections == result.false_accepts == len(result.cuts) == 4
    assert (result.files, result.files_now) == (4, 4)
    assert result.hours == pytest.approx(54 / 3600)
    assert [problem for problem in result.problems if "broken.wav" in problem] == list(result.problems)
    assert f"next:\n  python -m mltk_like train {tonal.parents[3] / 'toy.py'} --negatives mined" in str(result)
    for cut in result.cuts:
        samples = read_audio(room.parent / "mined" / cut.file, RATE)
        assert len(samples) == 2 * WINDOW_S * RATE
        source = read_audio(cut.source, RATE)
        start = round(cut.start_s * RATE)
        assert np.array_equal(samples, source[start : start + len(samples)])
        # The beep, which is louder than the room, is whole in the cut.
        beep = np.flatnonzero(abs(samples.astype(int)) > 500)
        assert RATE * 0.15 < beep[-1] - beep[0] < RATE * 0.31
        assert beep[0] > 0.05 * RATE
        assert beep[-1] < len(samples) - 0.05 * RATE
    assert not capsys.readouterr().out


def test_names_manifest_and_groups(tonal: Path, room: Path) -> None:
    result = mltk.mine(tonal, room, progress=False)
    rows = [json.loads(line) for line in (result.folder / "manifest.jsonl").read_text().splitlines()]
    assert {(row["model"], row["version"], row["model_sha256"]) for row in rows} == {("toy", 3, result.setup.sha256)}
    assert sorted(row["file"] for row in rows) == sorted(
        path.relative_to(result.folder).as_posix() for path in result.folder.rglob("*.wav")
    )
    first = rows[0]
    stamp = f"00h00m0{first['time_s']:.3f}s"
    assert first["source"] == str(room / "monday.wav")
    assert first["file"].startswith("monday-")
    assert first["file"].endswith(f"/monday_beep_{stamp}_{first['score']}.wav")
    # Both files of Sunday are one recording for the split, and no cut is divided again.
    clips = OwnRecordings(path=result.folder, label="_unknown_", window_s=WINDOW_S).collect()
    assert len(clips) == 4
    assert sorted(clip.group.split("/")[1].split("-")[0] for clip in clips) == ["monday", "monday", "sunday", "sunday"]
    assert len({clip.group for clip in clips}) == 2


def test_a_second_call_hears_what_is_new(tonal: Path, room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = mltk.mine(tonal, room, progress=False)
    content = (first.folder / "manifest.jsonl").read_bytes()
    again = mltk.mine(tonal, room, progress=False)
    assert (again.files_now, again.files, again.cuts) == (0, 4, first.cuts)
    assert (first.folder / "manifest.jsonl").read_bytes() == content
    # A recording that has grown is heard again, its old cuts are replaced; the line of a crash is no line.
    long_recording(room / "monday.wav", 30, (12.0,))
    with (first.folder / "heard.jsonl").open("ab") as file:
        file.write(b'{"source":"/torn')
    third = mltk.mine(tonal, room, progress=False)
    assert third.files_now == 1
    assert times(third)["monday.wav"] == pytest.approx([12.4], abs=0.35)
    assert len(list(third.folder.rglob("*.wav"))) == 3
    assert mltk.mine(tonal, room, progress=False).files_now == 0


def test_interrupted_and_gone_on(
    tonal: Path, room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = scan.scan_folders

    def broken_off(*args: Any, **options: Any) -> Iterator[scan.ScannedFile]:
        yield from itertools.islice(real(*args, **options), 2)
        raise KeyboardInterrupt

    command = ["mine", str(tonal), "--negatives", str(room)]
    monkeypatch.setattr(mine_module, "scan_folders", broken_off)
    assert main(command) == 130
    assert "interrupted with 2 of 4 files to go; the same command goes on" in capsys.readouterr().err
    kept = (room.parent / "mined" / "manifest.jsonl").read_text()
    monkeypatch.setattr(mine_module, "scan_folders", real)
    assert main([*command, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["files"], values["files_now"], values["detections"], values["cuts"]) == (4, 2, 4, 4)
    assert (room.parent / "mined" / "manifest.jsonl").read_text().startswith(kept)
    assert [cut["score"] for cut in values["loudest"]] == sorted([c["score"] for c in values["loudest"]], reverse=True)


def test_thresholds_margin_and_limit(tonal: Path, room: Path) -> None:
    def mined(**options: Any) -> mltk.MineResult:
        output = f"mined-{len(list(room.parent.glob('mined*')))}"
        return mltk.mine(tonal, room, output=output, progress=False, **options)

    assert mined().setup.thresholds == {"beep": 120}
    assert mined(margin=0).setup.thresholds == {"beep": 150}
    low = mined(threshold=0)
    assert low.detections > 4
    assert low.false_accepts == 4
    limited = mined(threshold=0, limit=1)
    assert limited.detections == low.detections
    best = {Path(c.source).name: c.score for c in sorted(low.cuts, key=lambda cut: cut.score)}
    assert {Path(cut.source).name: cut.score for cut in limited.cuts} == best
    assert not mined(threshold=254).cuts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 255}, "there is no threshold 255"),
        ({"margin": 1.0}, "margin=1.0 is no share"),
        ({"limit": 0}, "limit=0 would cut out nothing"),
        ({"output": "room/mined"}, "would be mixed up"),
        ({"output": "."}, "would be mixed up"),
        ({"output": "elsewhere"}, "elsewhere was not made by mine"),
    ],
)
def test_what_cannot_be_is_refused(tonal: Path, room: Path, options: dict[str, Any], message: str) -> None:
    (room.parent / "elsewhere").mkdir()
    (room.parent / "elsewhere" / "note.txt").write_text("mine")
    before = sorted(room.parent.rglob("*"))
    with pytest.raises(SettingError, match=message):
        mltk.mine(tonal, room, progress=False, **options)
    assert sorted(room.parent.rglob("*")) == before


def test_one_folder_one_model(tonal: Path, room: Path) -> None:
    mltk.mine(tonal, room, progress=False)
    with pytest.raises(SettingError, match="was mined with other settings"):
        mltk.mine(tonal, room, threshold=99, progress=False)
    other = room.parent / "toy.tflite"
    other.write_bytes(tonal.read_bytes() + b"\0")
    with pytest.raises(SettingError, match="was mined with another model: toy version 3") as caught:
        mltk.mine(other, room, progress=False)
    assert "-o mined-2" in str(caught.value.hint)
    heard = room.parent / "mined" / "heard.jsonl"
    heard.write_bytes(b"{\n" + heard.read_bytes())
    with pytest.raises(DataError, match="is damaged"):
        mltk.mine(tonal, room, progress=False)


def test_folders_of_the_keyword_are_suspected(tonal: Path, room: Path) -> None:
    for number in range(6):
        sound = np.random.default_rng(number).normal(0, 20, 2 * RATE)
        put(sound, toys.beep(np.random.default_rng(number)), 0.8)
        written(room.parent / "beeps" / f"{number}.wav", sound)
    written(room / "click.wav", np.full(RATE // 4, 99.0))
    # What two folders have is heard once.
    result = mltk.mine(tonal, [room.parent / "beeps", room, room / "sunday"], progress=True)
    assert result.files == 11
    assert "fires on 6 of 6 short recordings in beeps: if they hold the keyword" in result.notes[0]
    broken = room.parent / "bad"
    broken.mkdir()
    (broken / "a.wav").write_bytes(b"no")
    with pytest.raises(DataError, match="none of 1 files can be heard"):
        mltk.mine(tonal, broken, output="none", progress=False)


def test_a_word_shorter_than_the_window_is_heard(tonal: Path, tmp_path: Path) -> None:
    short = toys.beep(np.random.default_rng(3))
    assert len(short) < 0.4 * RATE
    written(tmp_path / "short" / "beep.wav", short.astype(np.float64))
    result = mltk.mine(tonal, tmp_path / "short", output=tmp_path / "cuts", progress=False)
    assert result.detections == 1
    assert 0 <= result.loudest[0].time_s <= len(short) / RATE + 0.001


def test_long_cuts_come_in_one_pass_of_bounded_memory(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).integers(-3000, 3000, 70 * RATE).astype(np.int16)
    write_wav(tmp_path / "long.wav", sound, RATE)
    starts = [0, 8000, 159_000, 60 * RATE, 70 * RATE - 50]
    spans = [(start, start + 9000) for start in starts]
    found = list(stretches(tmp_path / "long.wav", RATE, spans))
    assert all(np.array_equal(a, sound[start:end]) for a, (start, end) in zip(found, spans, strict=True))
    with wave.open(str(tmp_path / "long.wav")) as file:
        assert file.getnframes() == 70 * RATE


def test_the_next_command_goes_on_from_the_same_model(trained: Trained, own_copy: Path, room: Path) -> None:
    result = mltk.mine(own_copy, room, output="cuts", progress=False)
    # The latest run of this file is the one that mined.
    assert (
        result.next_command == f"python -m mltk_like train {trained.path} --resume-from {trained.path} --negatives cuts"
    )


def test_a_model_of_ready_features_is_told_another_way(own_copy: Path, room: Path) -> None:
    manifest = own_copy / "manifest.jsonl"
    row = json.loads(manifest.read_text().partition("\n")[0])
    manifest.write_text(json.dumps({**row, "row": 0}) + "\n")
    result = mltk.mine(own_copy, room / "sunday", output="cuts", progress=False)
    assert result.cuts
    assert result.next_command == ""
    assert "ready features, to which no recordings can be added" in result.notes[-1]
    assert "next:" not in str(result)


@pytest.mark.slow
def test_fine_tuning_takes_settings_data_and_weights(
    trained: Trained, own_copy: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in own_copy.rglob("*") if path.is_file()}
    result = mltk.train(str(trained.path), **QUICK, resume_from=own_copy, negatives=room, publish=False)
    run = Run(result.folder)
    # 10 epochs at 0.01 and below: a fifth at a tenth of that; the steps of an epoch stay.
    overrides = run.settings()["overrides"]
    assert overrides == {"epochs": 2, "lr_schedule": None, "learning_rate": pytest.approx(0.001)}
    assert len(result.history["loss"]) == 2
    assert run.state["fine_tuned_from"].endswith("toy/1")
    assert {path: path.read_bytes() for path in before} == before
    # Every voice is where it was, so that the net is not tested on what it has learned.
    old, new = (
        {row.group: row.split for row in read_manifest(folder / "manifest.jsonl")} for folder in (own_copy, run.folder)
    )
    assert old.items() <= new.items()
    assert {group for group in new if group not in old} == {"own negatives/monday", "own negatives/sunday"}
    # It begins where the earlier one ended.
    assert result.history["val_misses"][0] <= trained.result.history["val_misses"][0]
    assert "loaded" in (run.folder / "log.txt").read_text()

    # What was fine-tuned is fine-tuned again at the same rates, and with the recordings that it had,
    # though they are gone.
    for path in (room / "sunday").iterdir():
        path.unlink()
    start: dict[str, Any] = {"resume_from": run.folder, "negatives": room / "monday.wav"}
    chained = mltk.train(str(trained.path), **QUICK, **start, publish=False)
    assert Run(chained.folder).settings()["overrides"] == overrides
    rows = read_manifest(chained.folder / "manifest.jsonl")
    assert {row.group for row in rows if row.source == "own earlier recordings"} == {"own negatives/sunday"}
    assert {row.group for row in rows if row.source == "own negatives"} == {"own negatives/monday"}


@pytest.mark.slow
def test_set_wins_over_the_short_schedule(
    trained: Trained, own_copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def spied(model: Any, **options: Any) -> Any:
        asked.append(model)
        raise KeyboardInterrupt

    monkeypatch.setattr("mltk_like.verbs.train.prepare.collect", spied)
    command = ["train", str(trained.path), "--resume-from", str(own_copy), "--workers", "0"]
    assert main([*command, "--set", "epochs=7"]) == 130
    assert main([*command, "--set", "learning_rate_steps=[[5, 0.002]]", "--set", "batch_size=4"]) == 130
    # Gone on with: the same settings, and the weights that it began with.
    assert main(["train", str(trained.path), "--resume", "--workers", "0"]) == 130
    first, second, resumed = ((m.epochs, m.learning_rate, m.learning_rate_steps, m.batch_size) for m in asked)
    assert first == (7, pytest.approx(0.001), (), 8)
    assert second == resumed == (10, 0.001, ((5, 0.002),), 4)
    run = Run(Path(os.environ["MLTK_LIKE_RUNS"]) / "toy" / "3")
    assert Path(run.state["weights"]) == (run.folder / "train" / "start.weights.h5").resolve()


def test_starts_that_cannot_be(trained: Trained, own_copy: Path) -> None:
    def refused(error: type[Exception], message: str, **options: Any) -> None:
        with pytest.raises(error, match=message):
            mltk.train(options.pop("model", str(trained.path)), **QUICK, **options)
        assert [path.name for path in own_copy.parent.iterdir()] == ["1"]

    refused(SettingError, "a fine-tuning is a new run", resume_from=own_copy, resume=True)
    refused(SettingError, "a fine-tuning is a new run", resume_from=own_copy, weights="a.keras")
    refused(ModelError, "has no float weights", resume_from=own_copy / "toy.tflite")
    refused(ModelError, "is not a run folder", resume_from=trained.folder)
    assert archive_of(own_copy) == archive_of(own_copy / "toy.mltk.zip") == own_copy / "toy.mltk.zip"
    model = mltk.load_model(trained.path)
    frontend: Any = model.settings()["frontend"]
    other = model.with_settings(frontend=replace(frontend, filterbank_n_channels=20))
    refused(ModelError, "was trained with other frontend", model=other, resume_from=own_copy)


def hums(path: Path, count: int, seed: int) -> Path:
    """Low tones, which the toy has never heard and takes for beeps."""
    rng = np.random.default_rng([9, seed])
    sound = rng.normal(0, 20, round((count + 1) * 1.5 * RATE))
    for number in range(count):
        t = np.arange(round(rng.uniform(0.25, 0.45) * RATE)) / RATE
        ramp = np.minimum(1.0, np.arange(len(t)) / 160)
        wave = np.sin(2 * np.pi * rng.uniform(300, 450) * t) * ramp * ramp[::-1] * 9000
        put(sound, wave.astype(np.int16), 0.7 + 1.5 * number)
    return written(path, sound)


@pytest.mark.slow
def test_the_loop(trained: Trained, own_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge, mine, fine-tune, judge: fewer false accepts at the same threshold, hardly more misses."""
    monkeypatch.chdir(tmp_path)
    for evening in range(6):
        hums(tmp_path / "street" / f"{evening}.wav", 20, seed=evening)
    hums(tmp_path / "judged" / "another.wav", 60, seed=100)
    beeps = tmp_path / "beeps"
    for number in range(60):
        write_wav(beeps / f"{number}.wav", toys.beep(np.random.default_rng([33, number])), RATE)
    recordings = mltk.Recordings(positives=beeps, negatives=(tmp_path / "judged",))

    def judged(model: Path) -> tuple[int, float]:
        result = mltk.evaluate(model, tflite=True, recordings=recordings, progress=False)
        curves = result.curves["clean"].at(result.threshold)
        return curves.false_accepts, curves.misses_fraction

    before = judged(own_copy)
    mined = mltk.mine(own_copy, tmp_path / "street", progress=False)
    assert mined.false_accepts > 40
    # A fifth of the toy's few steps is next to nothing.
    model = mltk.load_model(trained.path).with_settings(epochs=15)
    tuned = mltk.train(model, **QUICK, resume_from=own_copy, negatives="mined", publish=False)
    after = judged(tuned.folder)
    assert before[0] > 30
    assert after[0] <= before[0] / 3
    assert after[1] <= before[1] + 0.1
