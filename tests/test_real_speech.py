"""Declared real speech and noise, read from archives that a server on 127.0.0.1 gives in their place."""

import io
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from mltk_like import data
from mltk_like.audio.wav import write_wav
from mltk_like.data.chosen import says
from mltk_like.data.debian.decode import flac
from mltk_like.data.source import Described, Source
from mltk_like.errors import DataError, SettingError

SAMPLES = (np.random.default_rng(0).standard_normal(3200) * 3000).astype(np.int16)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the server gives: `served["data"]`, at `served["url"]`."""
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLTK_LIKE_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    state: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(state["data"])))
            self.end_headers()
            self.wfile.write(state["data"])

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state["url"] = f"http://127.0.0.1:{http.server_port}/set"
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


def zipped(folder: Path, *names: str) -> bytes:
    write_wav(folder / "one.wav", SAMPLES, 16000)
    wav, buffer = (folder / "one.wav").read_bytes(), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for name in names:
            out.writestr(name, flac(SAMPLES) if name.endswith(".flac") else wav)
    return buffer.getvalue()


def heard(source: data.Download, served: dict[str, Any]) -> list[tuple[str, str]]:
    """File and group of what the source gives, its archive taken from the server."""
    found = replace(source, url=served["url"], mirrors=(), sha1="", sha256="").collect(progress=False)
    assert {(clip.label, clip.source, clip.licence) for clip in found} == {(source.label, source.name, source.licence)}
    return [(clip.path.relative_to(clip.path.parents[1]).as_posix(), clip.group) for clip in found]


WAKE_WORDS = ("alexa/1.flac", "view glass/2.flac", "jarvis/3.wav")


@pytest.mark.parametrize(
    ("avoid", "left"),
    [
        ((), ["alexa/1.flac", "jarvis/3.wav", "view glass/2.flac"]),
        (("Alexa",), ["jarvis/3.wav", "view glass/2.flac"]),
        (("alexa", "view glass"), ["jarvis/3.wav"]),
        (("viewglass", "glass jar"), ["alexa/1.flac", "jarvis/3.wav"]),
        (("benchmark", "audio files"), ["alexa/1.flac", "jarvis/3.wav", "view glass/2.flac"]),
    ],
)
def test_a_wake_word_is_avoided_by_its_folder(
    served: dict[str, Any], tmp_path: Path, avoid: tuple[str, ...], left: list[str]
) -> None:
    names = [f"wake-word-benchmark-master/audio/{name}" for name in WAKE_WORDS]
    served["data"] = zipped(tmp_path, *names, "wake-word-benchmark-master/engine/alexa.wav")
    found = heard(data.picovoice_wake_words(avoid=avoid), served)
    assert [name for name, _ in found] == left


def test_to_avoid_all_there_is_is_an_error(served: dict[str, Any], tmp_path: Path) -> None:
    served["data"] = zipped(tmp_path, "master/audio/alexa/1.flac")
    with pytest.raises(DataError, match="Picovoice wake words: none of its recordings is wanted"):
        heard(data.picovoice_wake_words(avoid=("alexa",)), served)


def test_commands_are_those_without_noise(served: dict[str, Any], tmp_path: Path) -> None:
    served["data"] = zipped(tmp_path, "x/data/speech/clean/a.wav", "x/data/noise/kitchen.wav", "x/data/misc/noisy1.wav")
    assert [name for name, _ in heard(data.picovoice_commands(), served)] == ["clean/a.wav"]


def test_words_of_the_community(served: dict[str, Any], tmp_path: Path) -> None:
    served["data"] = zipped(
        tmp_path, "x/computer/en/computer-en-1.wav", "x/hey-mycroft/en/hey-mycroft-en-2.wav", "x/K9 1.wav",
        "x/not-wake-words/en/notwakeword-en-3.wav", "x/not-wake-words/noises/noise-4.wav",
    )  # fmt: skip
    found = heard(data.mycroft_words(avoid=("computer", "K9")), served)
    assert [name for name, _ in found] == ["en/hey-mycroft-en-2.wav", "en/notwakeword-en-3.wav"]


def test_digits_are_avoided_by_what_they_are_called(served: dict[str, Any], tmp_path: Path) -> None:
    names = ["0_george_1.wav", "1_george_0.wav", "1_theo_0.wav", "9_theo_0.wav"]
    served["data"] = zipped(tmp_path, *(f"fsdd/recordings/{name}" for name in names), "fsdd/1_x_0.wav")
    found = heard(data.free_spoken_digits(avoid=("one", "twenty")), served)
    assert found == [
        ("recordings/0_george_1.wav", "Free Spoken Digits/george"),
        ("recordings/9_theo_0.wav", "Free Spoken Digits/theo"),
    ]


def test_commands_of_google_share_their_speakers(served: dict[str, Any], tmp_path: Path) -> None:
    served["data"] = zipped(tmp_path, "yes/ab_nohash_0.wav", "no/ab_nohash_0.wav", "_background_noise_/a.wav")
    source = data.spoken_commands(label="other", avoid=("yes",))
    assert source.size_bytes == 2_428_923_189
    assert heard(source, served) == [("no/ab_nohash_0.wav", "speech_commands/ab")]


def test_sentences_are_avoided_by_their_texts(served: dict[str, Any]) -> None:
    folder, buffer = "LibriSpeech/dev-clean/84/121", io.BytesIO()
    texts = b"84-121-0 GO DO YOU HEAR ALEXA\n84-121-1 BUT ALEXANDER CAME\n"
    files = {"84-121-0.flac": flac(SAMPLES), "84-121-1.flac": flac(SAMPLES), "84-121.trans.txt": texts}
    with tarfile.open(fileobj=buffer, mode="w:gz") as out:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))
    served["data"] = buffer.getvalue()
    source = replace(data.librispeech(avoid=("alexa",)), url=served["url"], mirrors=(), sha256="")
    (clip,) = source.collect(progress=False)
    assert (clip.path.name, clip.text, clip.group) == ("84-121-1.flac", "but alexander came", "librispeech/84")


def test_the_parts_of_musan_are_one_download(served: dict[str, Any], tmp_path: Path) -> None:
    served["data"] = zipped(tmp_path, "musan/noise/free-sound/a.wav", "musan/speech/librivox/b.wav")
    speech, noise = data.musan("speech", label="other"), data.musan()
    assert (speech.label, noise.label) == ("other", "_noise_")
    assert (speech.url, speech.cached_folder) == (noise.url, noise.cached_folder)
    assert [name for name, _ in heard(speech, served)] == ["librivox/b.wav"]
    assert [name for name, _ in heard(noise, served)] == ["free-sound/a.wav"]


@pytest.mark.parametrize("source", [data.esc_10(), data.esc_50()], ids=["ESC-10", "ESC-50"])
def test_takes_of_one_recording_stay_together(source: data.Download, served: dict[str, Any], tmp_path: Path) -> None:
    served["data"] = zipped(
        tmp_path, "master/audio/1-100-A-0.wav", "master/audio/1-100-B-0.wav", "master/audio/2-7-A.wav"
    )
    assert [group for _, group in heard(source, served)] == ["ESC/100", "ESC/100", "ESC/7"]


def test_rooms_are_those_of_buildings(served: dict[str, Any], tmp_path: Path) -> None:
    rooms = "RIRS_NOISES/real_rirs_isotropic_noises"
    served["data"] = zipped(
        tmp_path, f"{rooms}/RVB2014_type1_rir_large.wav", f"{rooms}/RVB2014_type1_noise_large.wav",
        "RIRS_NOISES/pointsource_noises/noise-1.wav",
    )  # fmt: skip
    source = data.room_responses()
    assert source.label == "_room_"
    assert [Path(name).name for name, _ in heard(source, served)] == ["RVB2014_type1_rir_large.wav"]


@pytest.mark.parametrize("make", [data.musan, data.librispeech])
def test_a_part_that_is_none_is_refused(make: Any) -> None:
    with pytest.raises(SettingError, match="there is no part 'all' of"):
        make("all")


def test_all_real_speech_and_noise_as_lists() -> None:
    few, many = data.real_speech("other", avoid=("alexa",)), data.real_speech(large=True)
    noise = [*data.real_noise(), *data.real_noise(large=True)]
    assert [type(source) for source in few] == 2 * [data.DebianSpeech] + 5 * [data.Download]
    train, kept = few[:2]
    assert not set(train.packages) & set(kept.packages)
    assert set(train.packages) | set(kept.packages) == set(data.DEBIAN_SPEECH)
    assert kept.split == "test"
    assert len(many) == len(few) + 3
    assert {source.label for source in few} == {"other"}
    assert {source.label for source in many} == {"_unknown_"}
    assert {source.label for source in noise} == {"_noise_"}
    for source in [*few, *many, *noise]:
        assert isinstance(source, Source)
        assert isinstance(source, Described)
        assert getattr(source, "avoid", ("alexa",)) in (("alexa",), ())
        assert len({source.name for source in many}) == len(many)
    assert all(source.licence for source in [*few, *many, *noise] if isinstance(source, data.Download))
    # What must not be used commercially is never taken unasked.
    assert not [source for source in [*many, *noise] if "NC" in getattr(source, "licence", "")]


@pytest.mark.parametrize(
    ("text", "phrase", "said"),
    [
        ("Hey, Computer!", "computer", True),
        ("hey-computer_1", "hey computer", True),
        ("computers", "computer", False),
        ("computer hey", "hey computer", False),
        ("anything", "", False),
        ("", "word", False),
    ],
)
def test_whether_a_text_says_a_phrase(text: str, phrase: str, said: bool) -> None:
    assert says(text, phrase) is said
