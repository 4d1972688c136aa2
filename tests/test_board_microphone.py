"""Boards as microphones: a board without a model, streams without gaps, and what goes wrong in the middle."""

import os
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk_like.audio.board import (
    AudioReport,
    Board,
    BoardMicrophone,
    Frame,
    Gapless,
    Tell,
    TextReport,
    encode_frame,
    greeting,
    plain,
    simulated_board,
)
from mltk_like.audio.board import microphone as module
from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.cli import main
from mltk_like.errors import DataError, SettingError, ToolError
from mltk_like.verbs.classify_audio import classify_audio
from mltk_like.verbs.profile import profile_device
from mltk_like.verbs.record import record

FIXED = Path(__file__).parent / "data" / "board" / "fixed.tflite"
RATE = 16000


def ramp(first: int, count: int) -> AudioReport:
    return AudioReport(first=first, samples=np.arange(first, first + count, dtype=np.int16))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Half a second of silence, a loud half second."""
    rng = np.random.default_rng(0)
    samples = np.concatenate([rng.standard_normal(8000) * 20, rng.standard_normal(8000) * 5000]).astype(np.int16)
    write_wav(tmp_path / "mic.wav", samples, RATE)
    return tmp_path / "mic.wav"


@pytest.fixture
def line(sound: Path) -> Iterator[str]:
    """A board that only streams its microphone."""
    pytest.importorskip("serial")
    try:
        with simulated_board(None, None, "--microphone", str(sound), "--name", "ear") as path:
            yield path
    except ToolError as error:
        pytest.skip(f"{error.message}; {error.hint}")


def repeats(samples: np.ndarray, sound: Path) -> bool:
    """The board hears the file over and over, from somewhere in it on."""
    whole = read_audio(sound, RATE)
    start = next(i for i in range(len(whole)) if np.array_equal(np.roll(whole, -i)[:200], samples[:200]))
    return np.array_equal(samples, np.resize(np.roll(whole, -start), len(samples)))


def test_lost_samples_are_silence() -> None:
    stream = Gapless(RATE)
    heard = [stream.take(report) for report in (ramp(0, 10), ramp(10, 5), ramp(20, 5))]
    np.testing.assert_array_equal(np.concatenate(heard), [*range(15), *[0] * 5, *range(20, 25)])
    assert (stream.given, stream.lost) == (25, 5)


def test_a_stream_that_begins_anew_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    stream = Gapless(RATE)
    stream.take(ramp(0, 10))
    now[0] += 2.0
    np.testing.assert_array_equal(stream.take(ramp(0, 10)), range(10))
    assert (stream.given, stream.lost) == (20, 2 * RATE)
    with pytest.raises(DataError, match="the board's audio leaps by 268"):
        stream.take(AudioReport(first=2**32 - 1, samples=np.zeros(4, np.int16)))


def test_a_board_without_a_model_is_recorded(line: str, sound: Path, tmp_path: Path) -> None:
    result = record("hiss", device=line, seconds=1.0, output=tmp_path / "out", progress=False)
    assert (result.seconds, result.lost_ms) == (1.0, 0)
    assert result.events in (1, 2)
    assert repeats(read_audio(result.audio, RATE), sound)
    slow = record("hiss", device=line, seconds=0.3, sample_rate_hz=8000, output=tmp_path / "out", progress=False)
    assert (slow.audio.name, slow.seconds) == ("audio_hiss_002.wav", 0.3)


def test_what_a_board_without_a_model_can_do(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greeting, "port_names", lambda: [line])
    with Board() as board:
        assert (board.info.name, board.info.classes, board.info.columns) == ("ear", (), 0)
        assert board.info.what == "a microphone without a model"
        for work in (board.parameters, board.profile, lambda: board.inject(np.zeros(100, np.int16))):
            with pytest.raises(DataError, match="the board refused: unsupported"):
                work()
        board.start(Tell.AUDIO | Tell.SCORES)
        assert isinstance(next(board.events(5)), AudioReport)
    with pytest.raises(DataError, match="has a microphone without a model"):
        profile_device("auto")


def test_this_machine_hears_with_its_microphone(line: str, sound: Path) -> None:
    live = classify_audio(FIXED, device=line, engine="litert", gate=0)
    events = iter(live)
    step = next(event for event in events if getattr(event, "scores", None))
    assert step.level_dbfs is not None
    assert live.result.engine == f"litert, microphone of board ear at {line}"
    events.close()
    with pytest.raises(SettingError, match="has no model that could hear a file"):
        next(iter(classify_audio(FIXED, device=line, input=sound)))


def heard_until(monkeypatch: pytest.MonkeyPatch, line: str, end: Callable[[], Any]) -> None:
    """After half a second of audio something happens to the line."""
    events = Board.events

    def breaking(self: Board, timeout_s: float | None = None) -> Iterator[Any]:
        count = 0
        for event in events(self, timeout_s):
            yield event
            count += len(event.samples) if isinstance(event, AudioReport) else 0
            if count > RATE // 2:
                count = -(10**9)
                end()

    monkeypatch.setattr(Board, "events", breaking)


def test_unplugged_in_the_middle(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    def write(number: int) -> Callable[[], None]:
        def more() -> None:
            with open(path, "wb") as other:
                other.write(b"\n" * number)

        return more

    monkeypatch.setattr(Board.__init__, "__kwdefaults__", {**Board.__init__.__kwdefaults__, "patience_s": 0.1})
    with simulated_board(None, None, "--microphone", str(sound), "--fault", "unplug=1000") as path:
        heard_until(monkeypatch, path, write(2000))
        with pytest.raises(DataError, match=r"went away .* what was heard until then is in .*_001\.wav") as caught:
            record("k", device=path, seconds=20, output=tmp_path / "out", progress=False)
    assert caught.value.hint == "check the cable and start again"
    assert "\n" not in caught.value.message
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["audio_k_001.wav", "labels_k_001.txt"]
    assert 0.5 <= len(read_audio(tmp_path / "out" / "audio_k_001.wav", RATE)) / RATE < 3


def test_a_board_that_falls_silent(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENT_S", 0.3)

    def stop() -> None:
        with open(line, "wb") as other:
            other.write(encode_frame(Frame(type=1, sequence=1, payload=b"\1\1")))  # a greeting stops it

    heard_until(monkeypatch, line, stop)
    with pytest.raises(DataError, match="sends no audio; what was heard until then is in"):
        record("k", device=line, seconds=20, output=tmp_path / "out", progress=False)


@pytest.mark.slow
def test_noise_on_the_line_is_counted(sound: Path, tmp_path: Path, line: str) -> None:
    with simulated_board(None, None, "--microphone", str(sound), "--fault", "garbage=0.0005,drop=0.0005") as path:
        result = record("k", device=path, seconds=1.0, output=tmp_path, progress=False)
    assert result.lost_ms > 0
    assert result.seconds == 1.0


def test_a_board_that_sends_less_than_it_should(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with Board(line) as board:

        def slow(*_: object) -> Iterator[AudioReport]:
            for first in range(0, 8 * RATE, RATE // 2):
                now[0] += 1.0  # half a second of audio each second
                yield AudioReport(first=first, samples=np.ones(RATE // 2, np.int16))

        monkeypatch.setattr(board, "events", slow)
        with BoardMicrophone(board, RATE) as heard:
            with pytest.raises(DataError, match="sends no audio"):
                assert sum(map(len, heard)) == 8 * RATE
            assert heard.take_lost_ms() == 0
            assert heard.behind_ms() == pytest.approx(8000, abs=1000)


def test_the_command_line(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greeting, "port_names", lambda: [line])
    arguments = ["record", "k", "--seconds", "0.2", "-o", str(tmp_path / "out"), "--json", "--device"]
    assert main(arguments) == 0
    assert main([*arguments, line]) == 0
    assert main([*arguments, str(tmp_path / "none" / "tty")]) == 2
    with Board(line), pytest.raises(DataError, match="is in use by another program"):
        record("k", device=line, seconds=0.2, output=tmp_path / "out", progress=False)
    assert len(list((tmp_path / "out").glob("*.wav"))) == 2


# --- firmware that streams without frames


DESCRIPTION = b'{"sample_rate":8000,"samples_per_packet":1,"version":1,"column_location":{"Microphone":0}}\r\n'


@contextmanager
def streaming(*, reset_at: int = -1) -> Iterator[str]:
    """A board that prints what it is, and counts in int16 once it is sent `connect`; it is reset at a sample, once."""
    pytest.importorskip("serial")
    master, slave = os.openpty()
    tty.setraw(slave)
    ended = threading.Event()

    def run() -> None:
        connected, number, took, resets_at = False, 0, b"", reset_at
        while not ended.is_set():
            took += os.read(master, 4096) if select.select([master], [], [], 0.02)[0] else b""
            if b"disconnect" in took or b"connect" in took:
                connected, number = b"disconnect" not in took, 0
                took = b""
                os.write(master, DESCRIPTION if connected else b"")  # one that was under way
            if number == resets_at:
                connected, resets_at = False, -1
            if connected:
                os.write(master, np.arange(number, number + 160).astype("<i2").tobytes()[:319])
                os.write(master, np.arange(number, number + 160).astype("<i2").tobytes()[319:])
                number += 160
            else:
                os.write(master, DESCRIPTION)

    worker = threading.Thread(target=run)
    worker.start()
    try:
        yield os.ttyname(slave)
    finally:
        ended.set()
        worker.join()
        os.close(master)
        os.close(slave)


@pytest.mark.slow
def test_firmware_that_streams_without_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_QUIET_S", 0.0)
    with streaming() as path:
        monkeypatch.setattr(greeting, "port_names", lambda: [path])
        for number in (1, 2):
            result = record("k", device="auto", seconds=0.2, sample_rate_hz=8000, output=tmp_path, progress=False)
            np.testing.assert_array_equal(read_audio(result.audio, 8000), np.arange(1600))
            assert result.audio.name == f"audio_k_00{number}.wav"


@pytest.mark.slow
def test_firmware_that_streams_is_reset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_QUIET_S", 0.0)
    with streaming(reset_at=800) as path:
        monkeypatch.setattr(greeting, "port_names", lambda: [path])
        result = record("k", device="auto", seconds=0.2, sample_rate_hz=8000, output=tmp_path, progress=False)
    heard = read_audio(result.audio, 8000)
    np.testing.assert_array_equal(heard[:800], np.arange(800))
    np.testing.assert_array_equal(heard[-700:], np.arange(700) + heard[-700])
    assert result.lost_ms > 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"column_location":{"x":0,"y":1},"sample_rate":100}', "streams x, y at 100 Hz, and not one microphone"),
        ('{"column_location":{},"sample_rate":16000}', "streams nothing"),
        ('{"column_location":{"Microphone":0},"sample_rate":"many"}', "at 'many' Hz"),
        ('{"column_location":{"Microphone":0},"sample_rate":16000,"version":2}', "in version 2"),
    ],
)
def test_streams_that_are_no_microphone(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        plain.described([TextReport(text="hello"), TextReport(text="[1"), TextReport(text="[]"), TextReport(text=text)])
    assert plain.described([TextReport(text='{"ModelNumber":0}')]) is None
