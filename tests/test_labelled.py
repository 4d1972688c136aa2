"""Long recordings with label files as clips."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.data import LabelledRecordings
from mltk_like.data.source import Source
from mltk_like.data.split import split_by_group
from mltk_like.errors import DataError, SettingError
from mltk_like.feed.store import build_store

RATE = 1000


def recording(path: Path, seconds: float = 4.0) -> Path:
    write_wav(path, np.arange(1, round(seconds * RATE) + 1).astype(np.int16), RATE)
    return path


def track(path: Path, *labels: tuple[float, float, str]) -> None:
    path.write_text("".join(f"{start}\t{end}\t{label}\n" for start, end, label in labels))


def spans(source: LabelledRecordings) -> list[tuple[float, float | None, str]]:
    return [(round(clip.start_s, 6), clip.end_s, clip.label) for clip in source.collect()]


def test_the_stretches_themselves(tmp_path: Path) -> None:
    recording(tmp_path / "a.wav")
    track(tmp_path / "a.txt", (0.5, 1.25, "Ding"), (2, 3, "Dong"), (3.5, 4.005, "Ding"))
    source = LabelledRecordings(path=tmp_path, label_map={"Ding": "bell"}, licence="own")
    assert isinstance(source, Source)
    assert pickle.loads(pickle.dumps(source)) == source
    assert spans(source) == [(0.5, 1.25, "bell"), (2.0, 3.0, "Dong"), (3.5, 4.0, "bell")]
    clips = source.collect()
    assert {(clip.group, clip.source, clip.licence, clip.split) for clip in clips} == {
        (f"{tmp_path.name}/a", tmp_path.name, "own", "")
    }
    assert clips.skipped == ()
    store = build_store(clips, RATE, progress=False)
    whole = read_audio(tmp_path / "a.wav", RATE)
    assert [list(store[i]) for i in range(3)] == [list(whole[500:1250]), list(whole[2000:3000]), list(whole[3500:])]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("inside", {1.0, 1.5}), ("overlap", {0.5, 1.0, 1.5, 2.0}), ("centre", {0.5, 1.0, 1.5})],
)  # fmt: skip
def test_windows_by_rule(rule: str, expected: set[float], tmp_path: Path) -> None:
    recording(tmp_path / "a.wav")
    track(tmp_path / "a.txt", (1, 2.5, "bell"))
    found = spans(LabelledRecordings(path=tmp_path, window_s=1.0, step_s=0.5, rule=rule))
    assert [start for start, *_ in found] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert {start for start, _, label in found if label == "bell"} == expected
    assert {label for *_, label in found} == {"bell", "_unknown_"}
    assert all(end == pytest.approx(start + 1) for start, end, _ in found)
    named = spans(LabelledRecordings(path=tmp_path, window_s=1.0, step_s=0.5, rule=rule, other=""))
    assert {start for start, *_ in named} == expected


def test_windows_of_one_length_have_one_number_of_samples(tmp_path: Path) -> None:
    recording(tmp_path / "a.wav")
    (tmp_path / "a.txt").touch()
    clips = LabelledRecordings(path=tmp_path, window_s=0.3337, step_s=0.1111).collect()
    assert set(build_store(clips, RATE, progress=False).lengths) == {334}


def test_labels_that_are_mapped_to_nothing_hide_what_they_cover(tmp_path: Path) -> None:
    recording(tmp_path / "a.wav")
    track(tmp_path / "a.txt", (0, 1, "bell"), (1.5, 2.5, "doubt"))
    source = LabelledRecordings(path=tmp_path, window_s=1.0, label_map={"doubt": ""})
    assert spans(source) == [(0.0, 1.0, "bell"), (3.0, 4.0, "_unknown_")]
    assert spans(LabelledRecordings(path=tmp_path, label_map={"doubt": ""})) == [(0.0, 1.0, "bell")]


def test_points_have_the_length_they_are_given(tmp_path: Path) -> None:
    recording(tmp_path / "a.wav")
    track(tmp_path / "a.txt", (1, 1, "bell"), (2, 2.5, "bell"))
    plain = LabelledRecordings(path=tmp_path)
    assert spans(plain) == [(2.0, 2.5, "bell")]
    assert [item.reason for item in plain.collect().skipped] == [
        "1-1 s 'bell' of a.wav is a point: point_s gives such labels a length"
    ]
    assert spans(LabelledRecordings(path=tmp_path, point_s=0.75)) == [(1.0, 1.75, "bell"), (2.0, 2.5, "bell")]


def test_what_cannot_be_used_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recording(tmp_path / "a.wav")
    track(tmp_path / "a.txt", (1, 2, "bell"), (3, 5, "bell"), (6, 7, "bell"), (1, 2, ""))
    with (tmp_path / "a.txt").open("a") as file:
        file.write("nonsense\n")
    recording(tmp_path / "unlabelled.wav")
    track(tmp_path / "labels_9.txt", (1, 2, "bell"))
    (tmp_path / "bad.wav").write_text("no audio")
    track(tmp_path / "bad.txt", (1, 2, "bell"))
    source = LabelledRecordings(path=tmp_path)
    assert spans(source) == [(1.0, 2.0, "bell"), (3.0, 4.0, "bell")]
    assert {f"{item.path.name}: {item.reason}" for item in source.collect().skipped} == {
        "a.txt: line 5: 'nonsense' is no time in seconds",
        "unlabelled.wav: it has no label file",
        "labels_9.txt: there is no recording for these labels",
        "a.txt: 6-7 s 'bell' of a.wav begins after the end (4 s)",
        "a.txt: 1-2 s '' of a.wav has no name",
        "bad.wav: Format not recognised",
    }
    assert "6 of 8 recordings" in caplog.text
    assert "1 of 5 labels go beyond their recording and are cut there" in caplog.text
    with pytest.raises(DataError, match="1 of 5 labels go beyond"):
        LabelledRecordings(path=tmp_path, strict=True).collect()


@pytest.mark.parametrize("name", ["labels_7.txt", "label_7.txt", "audio_7.txt"])
def test_pairs_of_names(name: str, tmp_path: Path) -> None:
    recording(tmp_path / "deep" / "audio_7.wav")
    track(tmp_path / "deep" / name, (1, 2, "bell"))
    source = LabelledRecordings(path=tmp_path)
    assert spans(source) == [(1.0, 2.0, "bell")]
    assert [clip.group for clip in source.collect()] == [f"{tmp_path.name}/deep/audio_7"]
    assert spans(LabelledRecordings(path=tmp_path / "deep" / "audio_7.wav")) == [(1.0, 2.0, "bell")]


def segment(start: int, end: int, value: str) -> dict[str, Any]:
    return {"name": "Label", "value": value, "start": start, "end": end}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("key", "noise"):
        recording(tmp_path / "data" / f"{name}.wav")
    sessions = [
        {"session_name": "m500", "segments": [segment(0, 499, "Key IO"), segment(1000, 1499, "Key IO")]},
        {"session_name": "m500_test", "segments": [segment(3000, 3499, "Key IO")]},
    ]
    captures = [
        {"file_name": "key.wav", "metadata": [{"name": "who", "value": "amy"}], "sessions": sessions},
        {"file_name": "noise.wav", "sessions": [{"session_name": "m500", "segments": [segment(0, 2999, "Unknown")]}]},
        {"file_name": "gone.wav"},
        {"file_name": "imu.csv"},
    ]
    (tmp_path / "Lock.dcli").write_text(json.dumps(captures))
    (tmp_path / "._Lock.dcli").write_bytes(b"of a Mac")
    return tmp_path


def test_sessions_fix_the_splits(project: Path) -> None:
    source = LabelledRecordings(
        path=project,
        sessions={"m500": "training", "m500_test": "test"},
        label_map={"Unknown": "_unknown_"},
        name="lock",
    )
    clips = source.collect()
    assert [(c.start_s, c.end_s, c.label, c.split, c.group) for c in clips] == [
        (0.0, 0.5, "Key IO", "training", "lock/data/key (training)"),
        (1.0, 1.5, "Key IO", "training", "lock/data/key (training)"),
        (3.0, 3.5, "Key IO", "test", "lock/data/key (test)"),
        (0.0, 3.0, "_unknown_", "training", "lock/data/noise"),
    ]
    assert [item.reason for item in clips.skipped] == ["there is no gone.wav below its folder", "imu.csv is no audio"]
    assert [len(part) for _, part in split_by_group(clips).items()] == [3, 0, 1]
    store = build_store(clips, RATE, progress=False)
    assert [store[2][0], store[2][-1]] == [3001, 3500]


def test_one_session_and_its_windows(project: Path) -> None:
    source = LabelledRecordings(
        path=project / "Lock.dcli", sessions={"m500": ""}, window_s=0.5, name="lock", group_key="who"
    )
    clips = source.collect()
    # The window of 3.0 s has a label in the other session alone: it is no unknown sound.
    key = [(clip.start_s, clip.label) for clip in clips if clip.path.stem == "key"]
    assert key == [
        (0.0, "Key IO"),
        (0.5, "_unknown_"),
        (1.0, "Key IO"),
        *((t, "_unknown_") for t in (1.5, 2, 2.5, 3.5)),
    ]
    assert {clip.group for clip in clips} == {"lock/amy", "lock/data/noise"}
    assert {clip.split for clip in clips} == {""}


def test_windows_without_label_belong_to_no_split_when_there_are_two(project: Path) -> None:
    source = LabelledRecordings(path=project, sessions={"m500": "training", "m500_test": "test"}, window_s=0.5)
    key = [clip for clip in source.collect() if clip.path.stem == "key"]
    assert [(clip.start_s, clip.label, clip.split) for clip in key] == [
        (0.0, "Key IO", "training"),
        (1.0, "Key IO", "training"),
        (3.0, "Key IO", "test"),
    ]
    noise = [clip for clip in source.collect() if clip.path.stem == "noise"]
    assert {(clip.label, clip.split) for clip in noise} == {("Unknown", "training"), ("_unknown_", "training")}


def test_sessions_must_be_named_where_there_are_several(project: Path) -> None:
    with pytest.raises(DataError, match="several sessions: 'm500', 'm500_test'"):
        LabelledRecordings(path=project).collect()
    with pytest.raises(DataError, match="no session 'm5000'"):
        LabelledRecordings(path=project, sessions={"m5000": ""}).collect()


def test_metadata_names_split(project: Path) -> None:
    captures = json.loads((project / "Lock.dcli").read_text())
    captures[0]["metadata"].append({"name": "set", "value": "Train"})
    captures[1]["metadata"] = [{"name": "set", "value": "somewhere"}]
    (project / "Lock.dcli").write_text(json.dumps(captures))
    clips = LabelledRecordings(path=project, sessions={"m500": ""}, split_key="set").collect()
    assert {(clip.path.stem, clip.split) for clip in clips} == {("key", "training")}
    assert clips.skipped[0].reason == "its set is 'somewhere', which is no split"


@pytest.mark.parametrize(
    "wrong", [{"rule": "any"}, {"labels": "praat"}, {"split": "dev"}, {"sessions": {"a": "dev"}}, {"group": "("}]
)
def test_wrong_settings_are_refused_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        LabelledRecordings(**{"path": "x", "window_s": 1.0, **wrong})


def test_nothing_there_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no"):
        LabelledRecordings(path=tmp_path / "none").collect()
    with pytest.raises(DataError, match="none of 0"):
        LabelledRecordings(path=tmp_path).collect()
    with pytest.raises(DataError, match=r"no \.dcli file"):
        LabelledRecordings(path=tmp_path, labels="dcli").collect()
    (tmp_path / "a.dcli").write_text("{}")
    with pytest.raises(DataError, match=r"a\.dcli is no \.dcli file"):
        LabelledRecordings(path=tmp_path).collect()
