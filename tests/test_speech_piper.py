"""Piper voices: files of the user's, declared downloads, many speakers, other languages. The voice is a tiny tone."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk_like.data.speech import Utterance, open_engine
from mltk_like.data.speech.catalogue import list_voices
from mltk_like.data.speech.piper import Piper
from mltk_like.data.speech.piper_voices import DECLARED
from mltk_like.errors import DataError, SettingError, ToolError

pytest.importorskip("onnxruntime")

NEEDS_ESPEAK = pytest.mark.skipif(find_spec("espeakng_loader") is None, reason="espeakng_loader is not installed")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mirror of Piper's collection on this machine, empty."""
    root = tmp_path / "site"
    root.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MLTK_LIKE_PIPER_VOICES", f"http://127.0.0.1:{server.server_port}")
        yield root
        server.shutdown()


@pytest.fixture(autouse=True)
def fixtures_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """`tiny_voice` can be imported."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "data" / "speech"))


def write_tiny_voice(path: Path, **settings: Any) -> Path:
    """A voice and its settings; see tests/data/speech/tiny_voice.py."""
    from tiny_voice import write_tiny_voice as write

    write(path, **settings)
    return path


def publish(site: Path, name: str, **settings: Any) -> Path:
    language, speaker, quality = name.split("-")
    folder = site / language[:2] / language / speaker / quality
    folder.mkdir(parents=True)
    return write_tiny_voice(folder / f"{name}.onnx", **settings)


def tone(engine: Piper, voice: str) -> int:
    """How often the wave of a clip crosses zero."""
    said = Utterance(engine="piper", version="1", voice=voice, text="go", phonemes="ɡO")
    samples, rate = engine.render(said, "ɡO", 0)
    assert rate == 22_050
    return int((np.diff(np.sign(samples)) != 0).sum())


def test_speakers_are_voices_of_their_own(tmp_path: Path) -> None:
    file = write_tiny_voice(tmp_path / "choir.onnx", speakers=3)
    engine = Piper(str(file))
    assert list(engine.voices()) == ["choir#000", "choir#001", "choir#002"]
    low, middle, high = (tone(engine, voice) for voice in engine.voices())
    assert low < middle < high


@pytest.mark.parametrize(("which", "voices"), [("#1", ["choir#001"]), ("#1-2", ["choir#001", "choir#002"])])
def test_some_speakers_can_be_taken(tmp_path: Path, which: str, voices: list[str]) -> None:
    file = write_tiny_voice(tmp_path / "choir.onnx", speakers=3)
    engine = Piper(f"{file}{which}")
    engine.check()
    assert list(engine.voices()) == voices


def test_a_speaker_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = write_tiny_voice(tmp_path / "choir.onnx", speakers=3)
    with pytest.raises(SettingError, match=r"choir has no speaker #3"):
        Piper(f"{file}#3").voices()


def test_settings_that_are_none_are_named(tmp_path: Path) -> None:
    file = write_tiny_voice(tmp_path / "v.onnx")
    (tmp_path / "v.onnx.json").write_text("<html>")
    with pytest.raises(DataError, match=r"v\.onnx\.json does not hold the settings"):
        Piper(str(file)).voices()


def test_the_voice_of_904_speakers_is_declared_whole() -> None:
    engine = open_engine("piper:libritts_r")
    assert len(engine.voices()) == 904
    assert engine.licence == "CC-BY-4.0"
    assert engine.reads_phonemes
    assert "79 MB" in engine.download
    assert DECLARED["libritts_r"].url.endswith("/en/en_US/libritts_r/medium/en_US-libritts_r-medium.onnx")
    assert all(len(digest) == 64 for digest in DECLARED["libritts_r"].sha256)
    assert list(open_engine("piper:libritts_r#17").voices()) == ["en_US-libritts_r-medium#017"]


def test_a_voice_of_the_collection_is_fetched_once(site: Path) -> None:
    file = publish(site, "en_GB-tiny-low", speakers=2)
    engine = Piper("en_GB-tiny-low")
    assert engine.download
    engine.check()
    file.unlink()
    again = Piper("en_GB-tiny-low")
    again.check()
    assert again.download == ""
    assert list(again.voices()) == ["en_GB-tiny-low#000", "en_GB-tiny-low#001"]
    assert tone(again, "en_GB-tiny-low#000") > 0


def test_a_download_with_another_hash_is_refused(site: Path) -> None:
    publish(site, "en_US-libritts_r-medium", speakers=904)
    with pytest.raises(DataError, match=r"its SHA256 is .*, not b471dc60"):
        Piper("libritts_r").check()
    assert Piper("libritts_r").download


def test_a_voice_that_is_not_published_is_an_error_with_its_address(site: Path) -> None:
    with pytest.raises(DataError, match=r"en_GB-nobody-low\.onnx\.json: HTTP 404"):
        Piper("en_GB-nobody-low").check()


def test_listing_fetches_nothing(site: Path) -> None:
    publish(site, "de_DE-tiny-low")
    (line,) = list_voices(["piper:de_DE-tiny-low"])
    assert line.download == "fetched when it is first used"
    assert line.problem == ""
    assert Piper("de_DE-tiny-low").download


def test_a_voice_of_another_language_needs_espeak_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Piper(str(write_tiny_voice(tmp_path / "german.onnx", voice="de")))
    assert not engine.reads_phonemes
    monkeypatch.setattr("mltk_like.data.speech.piper.require", require_without_espeak)
    with pytest.raises(ToolError, match=r"german speaks 'de'(.|\n)*mltk_like\[speech-gpl\]"):
        engine.check()


def require_without_espeak(package: str, hint: str = "") -> Path:
    if "espeak" in package:
        raise ToolError(f"needs {package}", hint)
    return Path()


def test_a_voice_that_reads_letters_needs_none(tmp_path: Path) -> None:
    engine = Piper(str(write_tiny_voice(tmp_path / "letters.onnx", voice="uk", reads="text")))
    engine.check()
    assert engine.read("Tak Ï") == "tak i\u0308"


@NEEDS_ESPEAK
def test_another_language_is_read_by_espeak_with_its_punctuation(tmp_path: Path) -> None:
    engine = Piper(str(write_tiny_voice(tmp_path / "german.onnx", voice="de")))
    engine.check()
    read = engine.read("Größe, zwölf!")
    assert "øː" in read
    assert read.index(",") < read.index("ts")
    assert read.endswith("!")
    assert len(engine.ids(read)) > 15
