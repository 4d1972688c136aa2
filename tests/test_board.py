"""The board protocol: a parser that noise cannot stop, and a session with the simulator that survives what lines do."""

import errno
import json
import math
import os
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.audio.board import (
    AudioReport,
    Board,
    ColumnReport,
    Frame,
    FrameReader,
    ScoresReport,
    Tell,
    TextLine,
    TextReport,
    board_parameters,
    board_profile,
    classify_on_board,
    encode_frame,
    greeting,
    messages,
    port,
    session,
    simulated_board,
)
from mltk_like.audio.frontend import Frontend, frontend_from_parameters
from mltk_like.audio.gain import amplify
from mltk_like.audio.programs import program_path
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.audio.wav import write_wav
from mltk_like.cli import main
from mltk_like.errors import DataError, ModelError, SettingError, ToolError
from mltk_like.tflite import find_tflm, read_parameters, summarize_tflite, write_parameters
from mltk_like.verbs.evaluate import check_device
from mltk_like.verbs.profile import profile_device

DATA = Path(__file__).parent / "data" / "board"
FIXED, FLOAT = DATA / "fixed.tflite", DATA / "float.tflite"
RATE = 16000

frames = st.builds(
    Frame,
    type=st.integers(0, 255),
    sequence=st.integers(0, 65535),
    payload=st.binary(max_size=512) | st.binary(max_size=60).map(lambda b: b.replace(b"\x00", b"\xf5\xf6\xf7")),
)


def noise(seed: int, seconds: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    loudness = np.repeat(10 ** rng.uniform(1, 4, math.ceil(seconds * 8)), RATE // 8)[: round(seconds * RATE)]
    return np.clip(rng.standard_normal(len(loudness)) * loudness, -32768, 32767).astype(np.int16)


@pytest.fixture(scope="module")
def library() -> Path:
    pytest.importorskip("serial")
    try:
        program_path("board_simulator")
        return find_tflm()
    except ToolError as error:
        pytest.skip(f"{error.message}; {error.hint}")


@pytest.fixture(scope="module")
def line(library: Path) -> Iterator[str]:
    with simulated_board(FIXED, library) as path:
        yield path


@pytest.fixture(scope="module")
def heard(line: str) -> list[tuple[int, str, int]]:
    with Board(line) as board:
        return plain(board.inject(noise(1, 5)))


def plain(detections: list) -> list[tuple[int, str, int]]:
    return [(each.time_ms, each.label, each.score) for each in detections]


# --- frames


def test_a_frame_is_as_documented() -> None:
    assert encode_frame(Frame(type=1, sequence=0x1234, payload=b"\1\1")).hex(" ") == (
        "f5 01 01 34 12 02 00 01 01 46 9c 21 4e f6"
    )
    assert encode_frame(Frame(type=0xF6, sequence=0xF5F7)).startswith(b"\xf5\x01\xf7\xd6\xf7\xd7\xf7\xd5\0\0")
    assert zlib.crc32(b"123456789") == 0xCBF43926
    with pytest.raises(ValueError, match="at most 512"):
        encode_frame(Frame(type=1, sequence=0, payload=bytes(513)))


@settings(deadline=None, max_examples=30)
@given(
    sent=st.lists(frames | st.builds(TextLine, text=st.from_regex(r"[ -~]{1,40}", fullmatch=True))),
    cut=st.integers(1, 40),
)
def test_frames_and_lines_come_out_as_they_went_in(sent: list[Frame | TextLine], cut: int) -> None:
    stream = b"".join(
        item.text.encode() + b"\r\n" if isinstance(item, TextLine) else encode_frame(item) for item in sent
    )
    reader = FrameReader()
    found = [item for at in range(0, len(stream), cut) for item in reader.feed(stream[at : at + cut])]
    assert found == sent
    assert reader.damaged == 0


@settings(deadline=None, max_examples=50)
@given(before=st.binary(max_size=3000), frame=frames, data=st.data())
def test_after_any_damage_the_next_frame_is_found(before: bytes, frame: Frame, data: st.DataObject) -> None:
    broken = bytearray(encode_frame(frame))
    place = data.draw(st.integers(0, len(broken) - 1))
    how = data.draw(st.sampled_from(["cut", "flip", "lose", "invent"]))
    if how == "cut":
        del broken[place:]
    elif how == "flip":
        broken[place] ^= 1 << data.draw(st.integers(0, 7))
    elif how == "lose":
        del broken[place]
    else:
        broken.insert(place, data.draw(st.integers(0, 255)))
    whole = [Frame(type=7, sequence=i, payload=bytes([i] * 20)) for i in range(4)]
    reader = FrameReader()
    reader.feed(before)
    reader.feed(bytes(broken))
    found = [item for each in whole for item in reader.feed(encode_frame(each)) if isinstance(item, Frame)]
    assert found == whole


def test_missing_frames_and_bad_lines_are_counted() -> None:
    reader = FrameReader()
    for sequence in (65534, 65535, 0, 3):
        reader.feed(encode_frame(Frame(type=1, sequence=sequence)))
    assert reader.missing == 2
    assert reader.feed(b"good\nb\x01d\n\xff\xfe\nalso good\r\n") == [TextLine(text="good"), TextLine(text="also good")]
    assert reader.damaged == 2
    reader.feed(b"\xf5" + bytes(5000))  # a frame without an end
    assert reader.feed(encode_frame(Frame(type=2, sequence=4)))[-1] == Frame(type=2, sequence=4)


# --- a session


def test_what_a_board_says_of_itself(line: str) -> None:
    with Board(line) as board:
        info = board.info
        assert (info.name, info.model, info.classes) == ("simulator", "fixed", ("yes", "no"))
        assert (info.sample_rate_hz, info.columns, info.bands, info.max_payload) == (RATE, 20, 8, 512)
        assert board.path == line


def test_injected_audio_is_heard_again_and_again_the_same(line: str, heard: list) -> None:
    assert len(heard) >= 4
    assert {label for _, label, _ in heard} == {"yes", "no"}
    assert plain(classify_on_board(line, noise(1, 5))) == heard
    assert classify_on_board(line, np.zeros(0, np.int16)) == []


def test_reports_are_what_the_front_end_gives(line: str) -> None:
    samples = noise(2, 1.5)
    events: list = []
    with Board(line) as board:
        board.inject(samples, tell=Tell.AUDIO | Tell.COLUMNS | Tell.SCORES, on_event=events.append)
    audio = np.concatenate([each.samples for each in events if isinstance(each, AudioReport)])
    np.testing.assert_array_equal(audio, samples)
    columns = np.array([each.values for each in events if isinstance(each, ColumnReport)])
    expected = Frontend(frontend_from_parameters(read_parameters(FIXED.read_bytes())), "uint16")(samples)
    np.testing.assert_array_equal(columns, expected)
    scores = [each for each in events if isinstance(each, ScoresReport)]
    assert [each.time_ms for each in scores] == list(range(420, 1501, 60))
    assert all(each.scores.shape == (2,) for each in scores)


def test_parameters_are_taken_all_or_none(line: str, heard: list) -> None:
    with Board(line) as board:
        board.set_parameters(detection_threshold=250, volume_gain=0.5)
        assert board.parameters()["detection_threshold"] == 250
        assert board.parameters()["volume_gain"] == 0.5
        with pytest.raises(SettingError, match="refuses detection_threshold=3, latency_ms=900"):
            board.set_parameters(detection_threshold=3, latency_ms=900)
        assert board.parameters()["detection_threshold"] == 250
        assert len(board.inject(noise(1, 5))) < len(heard)
        with pytest.raises(SettingError, match="no parameter 'loudness'"):
            board.set_parameters(loudness=1)
        for bad in (-1, 2.5, 2**31):
            with pytest.raises(SettingError, match="latency_ms must be a whole number"):
                board.set_parameters(latency_ms=bad)
        own = RecogniserSettings.from_parameters(read_parameters(FIXED.read_bytes()))
        board.set_parameters(**board_parameters(own))
        assert plain(board.inject(noise(1, 5))) == heard
    with pytest.raises(SettingError, match="one threshold"):
        board_parameters(RecogniserSettings(detection_threshold_list=(1, 2)))


def test_the_boards_own_layer_table(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = board_profile(line)
    assert (found.board, found.model, found.model_bytes) == ("simulator", "fixed", FIXED.stat().st_size)
    assert found.arena_bytes > 0
    assert found.time_us > 0
    assert found.layers[0].op == "CONV_2D"
    assert main(["profile", "--device", line]) == 0
    out = capsys.readouterr().out
    assert "SOFTMAX" in out
    assert "MACs" not in out
    assert main(["profile", "--device", line, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["layers"]) == len(found.layers)


def test_the_boards_times_beside_what_the_file_says(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    known = summarize_tflite(FIXED.read_bytes())
    assert main(["profile", str(FIXED), "--device", line]) == 0
    out = capsys.readouterr().out
    assert "note:" not in out
    assert "Padding:Same" in out
    assert main(["profile", str(FIXED), "--device", line, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["macs"], values["ops"], values["same_file"]) == (known.macs, known.ops, True)
    assert [row["macs"] for row in values["layers"]] == [layer.macs for layer in known.layers]
    assert values["layers"][0]["output_shape"] == known.layers[0].outputs[0].shape_text
    assert all(row["time_us"] > 0 for row in values["layers"])


def test_a_profile_of_another_file(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(write_parameters(FIXED.read_bytes(), {"name": "changed"}))
    with simulated_board(FIXED, library, "--slot", "0") as path:
        with pytest.raises(ModelError, match="the board runs fixed, and not this file"):
            profile_device(path, other)
        # A board that does not know its file: by the operators alone.
        monkeypatch.setattr(greeting, "parse_info", lambda data: messages.parse_info(data[:21]))
        assert str(profile_device(path, other)).endswith("its operators are those of this one")
        with pytest.raises(ModelError, match="has other operators: 14 of them, "):
            profile_device(path, DATA / "streaming.tflite")
    monkeypatch.undo()
    with simulated_board(FLOAT, library) as path:
        assert profile_device(path, FIXED).same_file, "a board with a slot is given the file"


def test_a_model_put_onto_the_board(library: Path, heard: list) -> None:
    with simulated_board(FLOAT, library, "--slot", "20000") as path, Board(path) as board:
        events: list = []
        board.inject(noise(2, 0.5), tell=Tell.COLUMNS, on_event=events.append)
        assert events[0].values.dtype == np.float32
        done: list[int] = []
        assert board.upload_model(FIXED.read_bytes(), done.append).model == "fixed"
        assert sum(done) == FIXED.stat().st_size
        assert plain(board.inject(noise(1, 5))) == heard
        with pytest.raises(ModelError, match="cannot run this model"):
            board.upload_model(b"no model" * 50)
        with pytest.raises(ModelError, match="20001 bytes, the board's slot 20000"):
            board.upload_model(bytes(20001))
        assert plain(board.inject(noise(1, 5))) == heard


@pytest.mark.parametrize(
    "fault",
    ["drop=0.0002,flip=0.0002", "garbage=0.0006", "reset=60000", "reset=9000,drop=0.0001"],
)
def test_a_bad_line_changes_nothing(library: Path, heard: list, fault: str) -> None:
    with simulated_board(FIXED, library, "--fault", fault) as path, Board(path) as board:
        assert plain(board.inject(noise(1, 5), tell=Tell.DETECTIONS | Tell.SCORES)) == heard
        if "reset" in fault:
            assert board.info.boot == 2
        else:
            assert board.damaged > 0


def test_more_lost_detections_than_a_board_keeps(line: str, library: Path) -> None:
    settings = RecogniserSettings(
        latency_ms=20, minimum_count=1, average_window_duration_ms=20, detection_threshold=0, suppression_ms=0
    )
    samples = noise(3, 4)
    expected = classify_on_board(line, samples, settings)
    assert len(expected) > 150
    with simulated_board(FIXED, library, "--fault", "flip=0.0005") as path, Board(path) as board:
        board.set_parameters(**board_parameters(settings))
        assert board.inject(samples) == expected
        assert board.damaged > 0


def test_settings_outlive_a_reset(library: Path, heard: list) -> None:
    with simulated_board(FIXED, library, "--fault", "reset=40000") as path, Board(path) as board:
        board.set_parameters(detection_threshold=255)
        assert board.inject(noise(1, 5)) == []
        assert board.info.boot == 2
        assert board.parameters()["detection_threshold"] == 255


def test_an_upload_that_was_stopped_goes_on(library: Path) -> None:
    model = FIXED.read_bytes()

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with simulated_board(FLOAT, library) as path:
        with Board(path) as board, pytest.raises(KeyboardInterrupt):
            board.upload_model(model, stop)
        done: list[int] = []
        with Board(path) as board:
            assert board.upload_model(model, done.append).model == "fixed"
    assert 0 < sum(done) < len(model)


def test_a_reset_while_listening(library: Path, tmp_path: Path) -> None:
    wav = tmp_path / "mic.wav"
    write_wav(wav, noise(1, 2), RATE)
    options = ("--microphone", str(wav), "--fault", "reset=2000")
    with simulated_board(FIXED, library, *options) as path, Board(path) as board:
        board.start(Tell.SCORES)
        events = board.events(5)
        assert isinstance(next(events), ScoresReport)
        with open(path, "wb") as other:
            other.write(b"\n" * 2500)
        assert any(isinstance(event, TextReport) and "mltk board" in event.text for event in events)
        after = next(event for event in events if isinstance(event, ScoresReport))
        assert after.time_ms == 420
        assert board.info.boot == 2


def test_unplugged_in_the_middle_and_plugged_in_again(
    library: Path, heard: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tty"
    with simulated_board(FIXED, library, "--fault", "unplug=70000") as first, simulated_board(FIXED, library) as second:
        path.symlink_to(first)
        again = port.reopen

        def plugged_in(*args: object) -> port.Port:
            path.unlink(missing_ok=True)
            path.symlink_to(second)
            return again(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(session, "reopen", plugged_in)
        with Board(str(path)) as board:
            assert plain(board.inject(noise(1, 5))) == heard


def test_unplugged_for_good(library: Path) -> None:
    with (
        simulated_board(FIXED, library, "--fault", "unplug=5000") as path,
        Board(path, patience_s=0.3) as board,
        pytest.raises(DataError, match="went away"),
    ):
        board.inject(noise(1, 5))


def test_the_line_of_an_unplugged_board_is_nobody_elses(library: Path) -> None:
    with simulated_board(FIXED, library, "--fault", "unplug=5000") as path:
        with Board(path, patience_s=0.1) as board, pytest.raises(DataError, match="went away"):
            board.inject(noise(1, 5))
        assert not Path(path).exists()
        with simulated_board(FIXED, library) as other:
            assert other != path


def test_microphone_and_text_for_a_terminal(library: Path, tmp_path: Path, heard: list) -> None:
    wav = tmp_path / "mic.wav"
    write_wav(wav, noise(1, 5), RATE)
    with simulated_board(FIXED, library, "--microphone", str(wav)) as path, Board(path) as board:
        board.start(Tell.TEXT)
        line = next(each for each in board.events(5) if isinstance(each, TextReport))
        values = json.loads(line.text)
        assert list(values) == ["ModelNumber", "Classification", "Label", "Score", "TimeMs"]
        assert values["Classification"] == 1 + ["yes", "no"].index(values["Label"])
        board.stop()
        assert list(board.events(0.3)) == []


def test_the_simulator_ends_with_its_parent(library: Path) -> None:
    command = [program_path("board_simulator"), "--library", library, "--model", FIXED]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline().startswith(b"/dev/")
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()


# --- what goes wrong


def test_no_device_and_no_permission(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serial = pytest.importorskip("serial")
    with pytest.raises(DataError, match="there is no device"):
        Board(str(tmp_path / "tty"))

    def denied(*_: object, **__: object) -> None:
        raise serial.SerialException(errno.EACCES, "denied")

    monkeypatch.setattr(serial, "Serial", denied)
    with pytest.raises(DataError, match="no permission") as caught:
        Board("/dev/ttyACM0")
    assert "dialout" in caught.value.hint


def test_without_pyserial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    with pytest.raises(ToolError) as caught:
        Board("/dev/ttyACM0")
    assert caught.value.hint == "pip install 'mltk_like[board]'"


def test_a_line_without_a_board(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("serial")
    master, slave = os.openpty()
    try:
        monkeypatch.setattr(greeting, "port_names", lambda: [os.ttyname(slave)])
        with pytest.raises(DataError, match="no board answers on any"):
            Board("auto")
    finally:
        os.close(master)
        os.close(slave)


def test_a_line_that_cannot_be_opened_is_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("serial")
    monkeypatch.setattr(greeting, "port_names", lambda: [str(tmp_path / "tty")])
    with pytest.raises(DataError, match="there is no device"):
        Board("auto")
    monkeypatch.setattr(greeting, "port_names", list)
    with pytest.raises(DataError, match="this computer has no serial line"):
        Board("auto")


def test_auto_finds_the_only_board(line: str, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greeting, "port_names", lambda: ["/dev/none", line])
    with Board("auto") as board:
        assert board.path == line
    with simulated_board(FLOAT, library, "--name", "other") as second:
        monkeypatch.setattr(greeting, "port_names", lambda: [line, second])
        with pytest.raises(DataError) as caught:
            Board("auto")
    assert caught.value.message == (
        f"there are 2 boards ({line}: simulator, model fixed; {second}: other, model float)"
    )
    assert caught.value.hint == f"name the line of one, as in: --device {line}"


def test_another_version_is_said(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greeting, "VERSION", 2)
    with pytest.raises(DataError, match="speaks version 1 of the protocol, this program version 2"):
        Board(line)


def test_simulator_refuses_a_model_without_parameters(library: Path) -> None:
    bare = DATA.parent / "tflite" / "tiny_tenet.tflite"
    with pytest.raises(ModelError, match="carries no parameters"), simulated_board(bare, library):
        pass


# --- board against computer


def test_board_and_computer_agree(line: str, tmp_path: Path) -> None:
    for index in range(3):
        write_wav(tmp_path / f"{index}.wav", noise(index, 1.0), RATE)
    found = check_device(FIXED, line, tmp_path, limit=2)
    assert [clip.file for clip in found.clips] == ["0.wav", "1.wav"]
    assert found.agree == 2
    assert sum(len(clip.host) for clip in found.clips) > 0
    assert "same detections: 2 of 2" in str(found)
    assert found.to_dict()["board"] == "simulator"


def test_board_and_computer_agree_on_a_net_with_its_own_state(library: Path, tmp_path: Path) -> None:
    """One recording after the other: what the state was left in by the one before changes nothing."""
    for index in range(3):
        write_wav(tmp_path / f"{index}.wav", noise(index, 1.0), RATE)
    streaming = DATA / "streaming.tflite"
    with simulated_board(streaming, library) as path:
        found = check_device(streaming, path, tmp_path)
    assert found.agree == 3
    assert sum(len(clip.host) for clip in found.clips) > 0


def test_another_model_on_the_board(line: str, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(1, 1.0), RATE)
    with pytest.raises(ModelError, match="has no class 'maybe'"):
        check_device(FIXED, line, tmp_path, label="maybe")
    with pytest.raises(DataError, match="no recordings"):
        check_device(FIXED, line, tmp_path / "nothing")


@pytest.mark.parametrize("gain", [0.0, 0.3, 1.0, 2.5, 40.0])
def test_gain_rounds_and_saturates(gain: float) -> None:
    samples = np.arange(-32768, 32768, 3, dtype=np.int16)
    exact = samples if gain == 0 else np.clip(np.rint(samples * np.float64(np.float32(gain))), -32768, 32767)
    assert np.abs(amplify(samples, gain) - exact).max() <= (0 if gain in (0, 1, 2.5, 40) else 1)
