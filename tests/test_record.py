"""`record`: events are found by their energy, and what is written can be trained on."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.cli import main
from mltk_like.data import LabelledRecordings
from mltk_like.data.segments import loud_segments
from mltk_like.errors import DataError, SettingError
from mltk_like.verbs import record as module
from mltk_like.verbs.record import record
from mltk_like.verbs.shared.audio_sources import Source

RATE = 16000


def knocks(*starts: float, seconds: float = 10.0, length: float = 0.1) -> NDArray[np.int16]:
    rng = np.random.default_rng(0)
    audio = rng.standard_normal(round(seconds * RATE)) * 20
    for start in starts:
        at = round(start * RATE)
        audio[at : at + round(length * RATE)] += rng.standard_normal(round(length * RATE)) * 3000
    return audio.astype(np.int16)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_wav(tmp_path / "in.wav", knocks(1.0, 3.0, 3.15, 6.0), RATE)
    return tmp_path / "in.wav"


def test_events_are_found_where_they_are() -> None:
    found = loud_segments(knocks(1.0, 3.0, 6.0), RATE, "knock")
    assert [i.start_s for i in found] == pytest.approx([0.95, 2.95, 5.95], abs=0.011)
    assert [i.end_s for i in found] == pytest.approx([1.15, 3.15, 6.15], abs=0.011)
    assert {i.label for i in found} == {"knock"}


@pytest.mark.parametrize("rate", [11_025, 22_050])
def test_events_late_in_a_recording_are_where_they_are(rate: int) -> None:
    audio = np.zeros(300 * rate, np.int16)
    for start in (10, 290):
        audio[start * rate : round((start + 0.1) * rate)] = 5000
    found = loud_segments(audio, rate, "k", pad_s=0.0)
    assert [i.start_s for i in found] == pytest.approx([10, 290], abs=0.011)


def test_an_event_that_is_just_long_enough_counts() -> None:
    audio = np.zeros(60 * RATE, np.int16)
    for start in range(1, 59):
        audio[start * RATE : start * RATE + RATE // 50] = 5000
    assert len(loud_segments(audio, RATE, "k", shortest_s=0.02)) == 58


def test_short_pauses_are_part_of_an_event() -> None:
    audio = knocks(1.0, 1.3)
    assert len(loud_segments(audio, RATE, "k", gap_s=0.25)) == 1
    assert len(loud_segments(audio, RATE, "k", gap_s=0.1)) == 2


def test_segments_of_one_length() -> None:
    found = loud_segments(knocks(1.0, 3.0, 9.8), RATE, "k", segment_s=0.5)
    assert [i.end_s - i.start_s for i in found] == pytest.approx([0.5, 0.5])  # the last does not fit


def test_intervals_do_not_overlap() -> None:
    found = loud_segments(knocks(1.0, 1.3), RATE, "k", gap_s=0.1, pad_s=0.3)
    assert found[0].end_s <= found[1].start_s + 1e-9 or found[1].start_s == found[0].end_s


@pytest.mark.parametrize("audio", [np.zeros(RATE, np.int16), np.zeros(3, np.int16), knocks(seconds=2.0)])
def test_silence_has_no_events(audio: NDArray[np.int16]) -> None:
    assert loud_segments(audio, RATE, "k") == []


def test_lengths_below_0_are_refused() -> None:
    with pytest.raises(SettingError):
        loud_segments(knocks(1.0), RATE, "k", segment_s=-1.0)


def test_a_recording_can_be_trained_on(file: Path, tmp_path: Path) -> None:
    result = record("knocking", input=file, output=tmp_path / "out", progress=False)
    assert (result.events, result.seconds) == (3, 10.0)
    assert result.audio.name == "audio_knocking_001.wav"
    assert np.array_equal(read_audio(result.audio, RATE), read_audio(file, RATE))
    clips = LabelledRecordings(path=tmp_path / "out").collect()
    assert [clip.label for clip in clips] == ["knocking"] * 3
    assert [clip.start_s for clip in clips] == pytest.approx([0.95, 2.95, 5.95], abs=0.011)


def test_nothing_is_overwritten(file: Path, tmp_path: Path) -> None:
    names = [record("knocking", input=file, output=tmp_path / "out", progress=False).labels.name for _ in range(3)]
    assert names == [f"labels_knocking_{number:03}.txt" for number in (1, 2, 3)]


def test_no_more_than_asked_for_is_kept(file: Path, tmp_path: Path) -> None:
    result = record("k", input=file, output=tmp_path, seconds=2.5, progress=False)
    assert (result.seconds, result.events) == (2.5, 1)


def test_noise_is_labelled_as_a_whole(file: Path, tmp_path: Path) -> None:
    result = record("unknown", input=file, output=tmp_path, whole=True, progress=False)
    assert result.labels.read_text() == "0.000000\t10.000000\tunknown\n"


def test_ctrl_c_keeps_what_was_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from collections.abc import Iterator
    from contextlib import contextmanager

    def heard() -> Iterator[NDArray[np.int16]]:
        yield knocks(1.0, seconds=2.0)
        raise KeyboardInterrupt

    @contextmanager
    def fake(**_: object) -> Iterator[Source]:
        yield Source(name="microphone", blocks=heard(), take_lost_ms=lambda: 30)

    monkeypatch.setattr(module, "open_source", fake)
    result = record("k", output=tmp_path, progress=False)
    assert (result.seconds, result.events, result.lost_ms) == (2.0, 1, 30)
    assert "30 ms were lost" in str(result)


def test_a_full_disk_leaves_no_labels_of_nothing(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*unused: object) -> None:
        raise DataError("no space left on device")

    monkeypatch.setattr(module, "write_wav", full)
    with pytest.raises(DataError, match="no space left"):
        record("knock", input=file, output=tmp_path / "out", progress=False)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_silent_source_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from collections.abc import Iterator
    from contextlib import contextmanager

    @contextmanager
    def fake(**_: object) -> Iterator[Source]:
        yield Source(name="microphone", blocks=[])

    monkeypatch.setattr(module, "open_source", fake)
    with pytest.raises(DataError, match="nothing was heard"):
        record("k", output=tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_the_command_line(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["record", "knocking", "--input", str(file), "-o", str(tmp_path / "out")]
    assert main([*arguments, "--segment", "0.5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["events_s"] == pytest.approx(1.5)
    assert main([*arguments, "--above", "90"]) == 0
    assert "nothing is louder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("label", "options"),
    [
        ("a/b", []),
        *(
            ("a", options)
            for options in (
                ["--seconds", "0"], ["--seconds", "inf"], ["-m", "x"], ["--rate", "0"], ["--rate", "1000000000"],
                ["--above", "nan"], ["--above", "-1"], ["--segment", "nan"], ["--segment", "0"],
            )
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(label: str, options: list[str], file: Path, tmp_path: Path) -> None:
    assert main(["record", label, "--input", str(file), "-o", str(tmp_path / "out"), *options]) == 2
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_heard(file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot write"):
        record("a", input=file, output=tmp_path / "file" / "out", progress=False)
    record("a", input=file, output=tmp_path / "out", progress=False)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["audio_a_001.wav", "labels_a_001.txt"]
