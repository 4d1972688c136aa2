"""`evaluate --labelled` and the scan of folders: what is found in long recordings, and where."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import toys
from toys import Trained

from mltk_like.artifact import open_artifact
from mltk_like.audio.recogniser import Detection
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.data.labels import Interval
from mltk_like.errors import DataError
from mltk_like.evaluation.labelled import LabelledRecording, label_row, window_labels
from mltk_like.evaluation.scan import scan_folders
from mltk_like.evaluation.streams import ScoredStream
from mltk_like.evaluation.subject import Subject
from mltk_like.verbs.evaluate import evaluate_labelled
from mltk_like.verbs.shared.subject import open_subject

pytest_plugins = ["toy_fixtures"]
pytestmark = [*toys.TENSORFLOW_WARNINGS, pytest.mark.usefixtures("trained")]

BEEPS_S = (2.0, 5.0, 9.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recording of 12 s with three beeps, of which two are labelled, and a label where nothing is."""
    rng = np.random.default_rng(5)
    samples = (rng.standard_normal(12 * toys.RATE) * 100).astype(np.int16)
    spans = []
    for start in BEEPS_S:
        beep = toys.beep(rng)
        first = round(start * toys.RATE)
        samples[first : first + len(beep)] += beep
        spans.append((start, start + len(beep) / toys.RATE))
    write_wav(tmp_path / "long" / "a.wav", samples, toys.RATE)
    rows = [(*spans[0], "beep"), (*spans[1], "beep"), (7.0, 7.3, "beep"), (10.0, 11.0, "door")]
    (tmp_path / "long" / "a.txt").write_text("".join(f"{s:.6f}\t{e:.6f}\t{label}\n" for s, e, label in rows))
    return tmp_path / "long"


@pytest.fixture
def subject(trained: Trained) -> Subject:
    return open_subject(open_artifact(trained.tflite), "tflite")


def test_labels_are_hit_missed_and_alarmed(trained: Trained, folder: Path, tmp_path: Path) -> None:
    result = evaluate_labelled(trained.tflite, folder, output=tmp_path / "out", progress=False)
    (row,) = result.rows
    assert (row.label, row.intervals, row.hits, row.misses, row.false_alarms) == ("beep", 3, 2, 1, 1)
    (recording,) = result.recordings
    assert [found.time_ms // 1000 for found in recording.detections] == [2, 5, 9]
    # One window an inference, from the first whole one on: 12 s, every 100 ms, 400 ms long.
    assert result.windows.count == 117
    assert result.windows.support[0] == (recording.truth == 0).sum() > 6
    text = str(result)
    assert "True positives:" in text
    assert "a label is hit by a detection in it" in text
    names = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert {"eval-results.json", "summary.txt", "toy-confusion_matrix.png", "strips/a-beep-1.png"} <= names
    plain = json.loads((tmp_path / "out" / "eval-results.json").read_text())
    assert plain == result.to_dict()
    assert len(plain["recordings"][0]["detections"]) == 3


def test_the_command_line(trained: Trained, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(trained.tflite), "--labelled", str(folder), "--json", "--normalised"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"][0]["hits"] == 2
    (folder / "a.txt").unlink()
    assert main(["evaluate", str(trained.tflite), "--labelled", str(folder)]) == 2
    assert "has labels" in capsys.readouterr().err


def test_events_that_follow_close_are_told_apart() -> None:
    intervals = tuple(Interval(start_s=at, end_s=at + 0.3, label="knock") for at in (0.0, 0.6, 1.2))

    def hits(*times_ms: int) -> tuple[int, int]:
        found = tuple(Detection(time_ms=at, class_index=0, label="knock", score=250) for at in times_ms)
        nothing = ScoredStream(scores=np.zeros((0, 1), np.uint8), times_ms=np.zeros(0, np.int64), duration_s=3.0)
        recording = LabelledRecording(
            path=Path("a.wav"), intervals=intervals, detections=found, scored=nothing, truth=np.zeros(0, np.int64)
        )
        row = label_row("knock", [recording])
        return row.hits, row.false_alarms

    assert hits(250, 850, 1450) == (3, 0)
    assert hits(250) == (1, 0)
    assert hits(700, 900) == (2, 0)  # late for the first, then in the second
    assert hits(250, 2900) == (1, 1)


def test_what_never_reaches_the_net_is_an_error(trained: Trained, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.zeros(toys.RATE // 10, np.int16), toys.RATE)
    (tmp_path / "a.txt").write_text("0.0\t0.1\tbeep\n")
    with pytest.raises(DataError, match="the net never ran") as found:
        evaluate_labelled(trained.tflite, tmp_path, progress=False)
    assert re.match(r"it needs \d+ ms for its first window: put silence", found.value.hint)


def test_a_recording_shorter_than_a_window_is_named(trained: Trained, folder: Path) -> None:
    assert "never ran" not in str(evaluate_labelled(trained.tflite, folder, progress=False))
    write_wav(folder / "short.wav", np.zeros(toys.RATE // 10, np.int16), toys.RATE)
    (folder / "short.txt").write_text("0.0\t0.1\tbeep\n")
    result = evaluate_labelled(trained.tflite, folder, progress=False)
    assert result.rows[0].misses == 2
    assert "the net never ran on 1 of them" in str(result)
    assert ": short.wav (put silence" in str(result)


def test_labels_of_another_name(trained: Trained, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.txt").write_text((folder / "a.txt").read_text().replace("beep", "Pling"))
    words = ["evaluate", str(trained.tflite), "--labelled", str(folder)]
    assert main(words) == 0
    assert "no class it detects: Pling 3, door 1 (--label-map" in capsys.readouterr().out
    assert main([*words, "--label-map", "Pling=beep", "door=_unknown_", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["labels"][0]["intervals"], found["labels"][0]["hits"]) == (3, 2)
    assert found["other_labels"] == {"_unknown_": 1}
    assert main([*words, "--label-map", "Pling=bell"]) == 2
    assert "Pling cannot become bell" in capsys.readouterr().err
    assert main(["evaluate", str(trained.tflite), "--label-map", "Pling=beep"]) == 2
    assert "go with --labelled" in capsys.readouterr().err
    assert main([*words, "--label-map", "Pling"]) == 2


def test_sessions_of_a_project(trained: Trained, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def session(name: str, *starts: float) -> dict[str, object]:
        segments = [
            {"name": "beep", "start": round(start * toys.RATE), "end": round((start + 0.4) * toys.RATE)}
            for start in starts
        ]
        return {"session_name": name, "segments": segments}

    captures = [{"file_name": "a.wav", "sessions": [session("one", *BEEPS_S), session("two", BEEPS_S[0])]}]
    (folder / "door.dcli").write_text(json.dumps(captures))
    words = ["evaluate", str(trained.tflite), "--labelled", str(folder), "--json"]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "several sessions: 'one', 'two'\nhint: name those to take: --session one, or" in error
    for name, count in (("one", 3), ("two", 1)):
        assert main([*words, "--session", name]) == 0
        row = json.loads(capsys.readouterr().out)["labels"][0]
        assert (row["intervals"], row["hits"]) == (count, count)


def test_a_window_has_the_label_that_it_shares_half_of() -> None:
    times = np.arange(1, 11, dtype=np.int64) * 100
    intervals = [Interval(start_s=0.4, end_s=0.6, label="a"), Interval(start_s=0.8, end_s=3.0, label="b")]
    truth = window_labels(times, 400, intervals, ("a", "b", "_"), 2)
    # Half of `a` is 100 ms: from 0.5 s on, and until the window begins at 0.5 s. Half of the window is 200 ms of `b`.
    assert truth.tolist() == [2, 2, 2, 2, 0, 0, 0, 0, 0, 1]
    assert window_labels(times, 400, [], ("a", "_"), 1).tolist() == [1] * 10


def test_a_scan_finds_places_in_files_and_goes_on(subject: Subject, folder: Path) -> None:
    quiet = (np.random.default_rng(6).standard_normal(2 * toys.RATE) * 100).astype(np.int16)
    write_wav(folder.parent / "other" / "b.wav", quiet, toys.RATE)
    (folder.parent / "other" / "c.wav").write_bytes(b"RIFF, but no more")
    folders = [folder, folder.parent / "other"]
    first, second, third = scan_folders(subject, folders)
    assert first.path == folder / "a.wav"
    assert [event.time_ms // 1000 for event in first.events] == [2, 5, 9]
    assert all(event.score > 150 for event in first.events)
    assert first.duration_s == 12
    assert (second.events, second.problem) == ((), "")
    assert third.problem
    assert json.loads(json.dumps(first.to_dict()))["events"][0]["label"] == "beep"
    rest = list(scan_folders(subject, folders, done={first.path, third.path}))
    assert [item.path for item in rest] == [second.path]
    assert len(next(scan_folders(subject, folders, merge_ms=20_000)).events) == 1
    assert next(scan_folders(subject, folders, threshold=254)).events == ()
    with pytest.raises(DataError, match="no such folder"):
        next(scan_folders(subject, [folder / "nowhere"]))


def test_what_only_the_other_session_labels_is_left_out(
    trained: Trained, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def session(name: str, *starts: float) -> dict[str, object]:
        spans = [(round(start * toys.RATE), round((start + 0.4) * toys.RATE)) for start in starts]
        return {"session_name": name, "segments": [{"name": "beep", "start": a, "end": b} for a, b in spans]}

    shutil.copy(folder / "a.wav", folder / "b.wav")
    captures = [
        {"file_name": "a.wav", "sessions": [session("one", *BEEPS_S[:1]), session("two", *BEEPS_S)]},
        {"file_name": "b.wav", "sessions": [session("two", *BEEPS_S)]},
    ]
    (folder / "door.dcli").write_text(json.dumps(captures))
    words = ["evaluate", str(trained.tflite), "--labelled", str(folder), "--json", "--session"]
    found = {}
    for name in ("one", "two"):
        assert main([*words, name]) == 0
        found[name] = json.loads(capsys.readouterr().out)
    (one,), (two,) = found["one"]["labels"], found["two"]["labels"]
    # The second and third beep are not labelled in the first session: neither misses nor false alarms there.
    assert (one["intervals"], one["hits"], one["false_alarms"]) == (1, 1, 0)
    assert (two["intervals"], two["hits"], two["false_alarms"]) == (6, 6, 0)
    assert [Path(item["file"]).name for item in found["one"]["recordings"]] == ["a.wav"]
    assert one["hours"] * 3600 == pytest.approx(12 - 2 * 0.4, abs=0.01)
    assert found["one"]["windows"]["clips"] < 117


def test_a_label_that_is_nearly_a_keyword_is_no_background(
    trained: Trained, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.txt").write_text((folder / "a.txt").read_text().replace("beep", "Beep"))
    words = ["evaluate", str(trained.tflite), "--labelled", str(folder)]
    assert main(words) == 2
    assert "the label 'Beep' is nearly 'beep', and is not" in capsys.readouterr().err
    assert main([*words, "--label-map", "Beep=beep"]) == 0
