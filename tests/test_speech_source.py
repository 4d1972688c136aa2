"""Sources of synthetic speech: plans, cache, faults. The engine is a fake one; see data/speech."""

import os
import signal
import subprocess
import sys
import time
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk_like.data.speech import SpeechSource, Utterance
from mltk_like.data.speech.finish import SAMPLE_RATE, fault, finish
from mltk_like.errors import DataError, SettingError, ToolError

FAKE = "fake_speech_engine:Beeper"
HERE = Path(__file__).parent / "data" / "speech"


@pytest.fixture(autouse=True)
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The fake engine importable, an empty cache; gives the engine's log."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_SPEECH_LOG", str(tmp_path / "log"))
    (tmp_path / "log").touch()
    return tmp_path / "log"


def source(count: int = 12, phonemes: str = "ɑ", **changes: Any) -> SpeechSource:
    from fake_speech_engine import Beeps

    settings: dict[str, Any] = {"name": "beeps", "label": "beep", "engines": ((FAKE, 1.0),)}
    return SpeechSource(texts=Beeps(phonemes), count=count, **(settings | changes))


def renders(log: Path) -> int:
    return len(log.read_text().splitlines())


def files(suffix: str) -> list[Path]:
    return sorted(Path(os.environ["MLTK_LIKE_CACHE"]).rglob(f"*{suffix}"))


def test_plan_is_repeatable_and_a_larger_one_begins_with_the_smaller() -> None:
    assert source(30).plan() == source(30).plan()
    assert source(300).plan()[:30] == source(30).plan()
    assert source(30, seed=1).plan() != source(30).plan()


def test_engines_get_their_shares_all_along_the_plan() -> None:
    mixed = source(100, engines=((FAKE, 0.75), ("espeak:de", 0.25)))
    heads = [utterance.engine for utterance in mixed.plan()]
    assert heads.count(FAKE) == 75
    assert 8 <= heads[:12].count(FAKE) <= 10


def test_a_limit_spreads_over_voices() -> None:
    clips = source(100).collect(limit=5, workers=0, progress=False)
    assert len({clip.group for clip in clips}) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"engine": "piper"}, {"version": "2"}, {"voice": "w"}, {"text": "other"}, {"phonemes": "u"}, {"speed": 1.1},
        {"shift": 1.1}, {"seed": 1}, {"extra": (("pitch", 2.0),)},
    ],
)  # fmt: skip
def test_every_field_changes_the_key(change: dict[str, Any]) -> None:
    plain = Utterance(engine="kokoro", version="1", voice="v", text="hello", phonemes="ɑ")
    assert replace(plain, **change).key() != plain.key()
    assert replace(plain).key() == plain.key()


def test_group_and_path_name_the_voice(tmp_path: Path) -> None:
    said = Utterance(engine="piper:/some/voice.onnx", version="1", voice="voice#012", text="Alexa!", speed=1.1)
    assert said.group == "piper:voice#012"
    path = said.path(tmp_path)
    assert path.parent == tmp_path / "piper" / said.key()[:2]
    assert path.name == f"piper+voice-012+alexa+1.10+{said.key()[:16]}.wav"


def test_clips_are_written_once(fake: Path) -> None:
    first = source().collect(workers=0, progress=False)
    assert renders(fake) == 12
    assert source().collect(workers=0, progress=False) == first
    assert renders(fake) == 12
    first[3].path.unlink()
    source(15).collect(workers=0, progress=False)
    assert renders(fake) == 12 + 1 + 3


def test_clips_carry_what_the_split_needs() -> None:
    clips = source(6).collect(workers=0, progress=False)
    assert {clip.group for clip in clips} == {
        f"fake-speech-engine:{name}" for name in ("ann", "ben", "cem", "dov", "eva")
    }
    assert (clips[0].label, clips[0].source, clips[0].licence, clips[0].text) == ("beep", "beeps", "CC0-1.0", "beep 0")
    details = clips[0].details
    assert details["voice_id"] == clips[0].group == f"{details['engine']}:{details['voice']}"
    assert {"speed", "pitch", "phonemes", "seed", "version"} <= details.keys()


def test_an_inventory_makes_nothing(fake: Path) -> None:
    source(4).collect(workers=0, progress=False)
    found = source(10).inventory()
    assert (len(found.clips), found.missing, found.licence) == (4, 6, "CC0-1.0")
    assert renders(fake) == 4


def test_a_clip_is_16_khz_trimmed_and_levelled() -> None:
    clip = source(1).collect(workers=0, progress=False)[0]
    with wave.open(str(clip.path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert 0.5 <= samples.size / 16_000 <= 0.6
    assert np.abs(samples.astype(int)).max() == pytest.approx(0.7 * 32767, abs=2)


def test_processes_give_the_same_bytes() -> None:
    here = {clip.path.name: clip.path.read_bytes() for clip in source(10).collect(workers=0, progress=False)}
    for path in files(".wav"):
        path.unlink()
    there = {clip.path.name: clip.path.read_bytes() for clip in source(10).collect(workers=2, progress=False)}
    assert here == there


def test_an_engines_exception_names_the_utterance() -> None:
    with pytest.raises(DataError, match=r"cannot speak 'beep \d' by fake-speech-engine:\w+: ValueError: no such sound"):
        source(3, "b").collect(workers=1, progress=False)


def test_a_killed_worker_is_an_error_not_a_hang() -> None:
    with pytest.raises(DataError, match="worker was killed"):
        source(3, "k").collect(workers=1, progress=False)


def test_a_bad_clip_is_drawn_again_then_left_out(fake: Path) -> None:
    assert source(2, "s").collect(workers=0, progress=False) == []
    assert renders(fake) == 8
    assert source(2, "s").collect(workers=0, progress=False) == []
    assert renders(fake) == 8


def test_interrupted_writing_leaves_no_half_file(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.write_bytes

    def full_disk(self: Path, data: bytes) -> int:
        whole(self, data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(DataError, match="No space left"):
        source(2).collect(workers=0, progress=False)
    assert files(".wav") == files(".tmp") == []


def test_ctrl_c_leaves_no_process_and_no_half_file(fake: Path, tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "from fake_speech_engine import Beeps\n"
        "from mltk_like.data.speech import SpeechSource\n"
        "if __name__ == '__main__':\n"
        f"    engines = (({FAKE!r}, 1.0),)\n"
        "    source = SpeechSource(name='n', label='l', texts=Beeps('z'), count=20, engines=engines)\n"
        "    source.collect(workers=2)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen([sys.executable, str(script)], env=environment, stderr=subprocess.PIPE)
    for _ in range(300):
        if renders(fake) >= 2:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in errors
    for line in fake.read_text().splitlines():
        with pytest.raises(ProcessLookupError):
            os.kill(int(line.split()[0]), 0)
    assert files(".wav") == files(".tmp") == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "count is 0"),
        ({"engines": ()}, "share above 0"),
        ({"engines": ((FAKE, 0.0),)}, "share above 0"),
        ({"engines": (("kokoro2", 1.0),)}, "unknown speech engine 'kokoro2'"),
        ({"engines": (("fake_speech_engine:Nobody", 1.0),)}, "unknown speech engine"),
        ({"engines": (("pathlib:Path", 1.0),)}, "is not a speech engine"),
    ],
)
def test_bad_settings_are_refused_at_once(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        source(**changes)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltk_like.data.speech.lexicon.find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"pip install 'mltk_like\[speech\]'"):
        source(engines=(("kokoro", 1.0),)).collect(progress=False)
    with pytest.raises(ToolError, match=r"pip install 'mltk_like\[speech-gpl\]'"):
        source(engines=(("espeak", 1.0),)).collect(progress=False)


@pytest.mark.parametrize("audio", [np.zeros(8000), np.full(8000, np.nan), np.zeros(3)])
def test_what_is_no_sound_gives_no_clip(audio: np.ndarray[Any, Any]) -> None:
    clip = finish(audio.astype(np.float32), 24_000)
    assert fault(clip, 5, 1.0) == "silent"


def test_shift_raises_the_pitch() -> None:
    tone = np.sin(2 * np.pi * 500 * np.arange(24_000) / 24_000).astype(np.float32)
    clip = finish(tone, 24_000, 1.25)
    spectrum = np.abs(np.fft.rfft(clip[:8000]))
    assert np.argmax(spectrum) * SAMPLE_RATE / 8000 == pytest.approx(625, abs=4)
    assert clip.size == pytest.approx(SAMPLE_RATE / 1.25, abs=400)
