"""Microphones, by a stand-in for the sounddevice package: lists, names, rates, gaps, and what is said without one."""

import builtins
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from mltk_like.audio.microphone import Microphone, find_microphone, list_microphones
from mltk_like.errors import DataError, SettingError, ToolError

RATE = 16000
DEVICES = [
    {"name": "Loudspeaker", "max_input_channels": 0, "default_samplerate": 48000.0},
    {"name": "USB headset", "max_input_channels": 1, "default_samplerate": 44100.0},
    {"name": "USB camera", "max_input_channels": 2, "default_samplerate": 48000.0},
]


class PortAudioError(Exception):
    """As the package's."""


class FakeStream:
    """What InputStream is: it calls back when the test says so."""

    def __init__(self, *, callback: Callable[..., None], **options: Any) -> None:
        self.options, self.callback, self.active, self.closed = options, callback, False, False

    def start(self) -> None:
        self.active = True

    def close(self) -> None:
        self.active, self.closed = False, True

    def hear(self, samples: Any, *, overflow: bool = False) -> None:
        block = np.array(samples, np.int16)[:, None]
        self.callback(block, len(block), None, types.SimpleNamespace(input_overflow=overflow))
        block[:] = -1  # PortAudio uses its memory again


class FakePackage(types.ModuleType):
    """The parts of sounddevice that are used."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.devices = list(DEVICES)
        self.rates = {16000, 44100, 48000}
        self.default = types.SimpleNamespace(device=[2, 0])
        self.streams: list[FakeStream] = []
        self.busy = False

    def query_devices(self) -> list[dict[str, Any]]:
        return self.devices

    def check_input_settings(self, *, samplerate: int, **_: Any) -> None:
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate")

    def InputStream(self, **options: Any) -> FakeStream:
        if self.busy:
            raise PortAudioError("Device unavailable")
        self.streams.append(FakeStream(**options))
        return self.streams[-1]


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePackage]:
    fake = FakePackage()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    yield fake
    assert all(stream.closed for stream in fake.streams)


def test_only_what_records_is_listed(package: FakePackage) -> None:
    assert [(d.index, d.name, d.default) for d in list_microphones()] == [
        (1, "USB headset", False),
        (2, "USB camera", True),
    ]
    assert str(list_microphones()[1]) == "*   2  USB camera  (2 channels, 48000 Hz)"


@pytest.mark.parametrize(
    ("name", "index"), [(None, 2), ("1", 1), ("headset", 1), ("usb CAMERA", 2), ("USB headset", 1)]
)
def test_a_microphone_is_found_by_number_and_name(package: FakePackage, name: str | None, index: int) -> None:
    assert find_microphone(name).index == index


@pytest.mark.parametrize(("name", "words"), [("piano", "no microphone is called 'piano'"), ("usb", "2 microphones")])
def test_other_names_are_refused_with_those_there_are(package: FakePackage, name: str, words: str) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        find_microphone(name)
    assert "1: USB headset; 2: USB camera" in caught.value.hint


def test_the_first_one_where_the_system_names_no_default(package: FakePackage) -> None:
    package.default.device = [-1, -1]
    assert find_microphone().index == 1


def test_no_microphone(package: FakePackage) -> None:
    package.devices = DEVICES[:1]
    with pytest.raises(ToolError, match="there is no microphone") as caught:
        find_microphone()
    assert "--input" in caught.value.hint


def test_samples_come_as_they_were_heard(package: FakePackage) -> None:
    with Microphone("headset", RATE) as microphone:
        (stream,) = package.streams
        assert stream.options == {"device": 1, "channels": 1, "dtype": "int16", "samplerate": RATE}
        stream.hear([1, 2, 3])
        stream.hear([4, 5])
        blocks = iter(microphone)
        assert next(blocks).tolist() == [1, 2, 3]
        assert next(blocks).tolist() == [4, 5]
        assert microphone.take_lost_ms() == 0
    assert stream.closed


def test_another_rate_is_resampled(package: FakePackage) -> None:
    package.rates = {48000}
    with Microphone("camera", RATE) as microphone:
        (stream,) = package.streams
        assert stream.options["samplerate"] == 48000
        t = np.arange(48000) / 48000
        for part in np.split(10000 * np.sin(2 * np.pi * 440 * t), 10):
            stream.hear(part)
        stream.active = False
        heard: list[Any] = []
        with pytest.raises(DataError, match="has stopped"):
            heard.extend(microphone)
    result = np.concatenate(heard)
    assert RATE - 600 < len(result) <= RATE
    expected = 10000 * np.sin(2 * np.pi * 440 * np.arange(len(result)) / RATE)
    assert np.abs(result - expected)[500:].max() < 30


def test_what_does_not_fit_is_dropped_and_counted(package: FakePackage) -> None:
    with Microphone(None, RATE) as microphone:
        (stream,) = package.streams
        for second in range(8):
            stream.hear(np.full(RATE, second))
        assert microphone.take_lost_ms() == 3000
        assert microphone.take_lost_ms() == 0
        blocks = iter(microphone)
        assert [int(next(blocks)[0]) for _ in range(5)] == [0, 1, 2, 3, 4]
        stream.hear(np.full(RATE, 9))
        assert int(next(blocks)[0]) == 9
        assert microphone.take_lost_ms() == 0
        stream.hear([1], overflow=True)
        assert microphone.take_lost_ms() == 1


def test_a_busy_microphone(package: FakePackage) -> None:
    package.busy = True
    with pytest.raises(DataError, match="cannot open the microphone 'USB camera': Device unavailable"):
        Microphone(None, RATE).__enter__()


@pytest.mark.parametrize(
    ("error", "words", "hint"),
    [
        (ImportError("No module named 'sounddevice'"), "sounddevice is not installed", "mltk_like[microphone]"),
        (OSError("PortAudio library not found"), "PortAudio library is not installed", "libportaudio2"),
    ],
)
def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, error: Exception, words: str, hint: str) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    ordinary = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "sounddevice":
            raise error
        return ordinary(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ToolError, match=words) as caught:
        list_microphones()
    assert hint in caught.value.hint
    assert "--input" in caught.value.hint
