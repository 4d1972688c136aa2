"""Engines that are used where they are found (pico, flite, festival): by fakes, and the real ones where installed."""

import os
import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from mltk_like.data.speech import Utterance, open_engine, say
from mltk_like.data.speech.catalogue import list_voices
from mltk_like.data.speech.finish import fault, finish, letters
from mltk_like.data.speech.speaker_process import SpeakerProcess
from mltk_like.errors import DataError, SettingError, ToolError

FOUND = ("pico", "flite", "festival")


@pytest.fixture
def fake_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on PATH, with a flite and a festival that write a tone; gives their log."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy(Path(__file__).parent / "data" / "speech" / "fake_programs.py", folder / "flite")
    (folder / "flite").chmod(0o755)
    (folder / "festival").symlink_to("flite")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def said(engine: str, voice: str = "", text: str = "computer…", speed: float = 1.0) -> tuple[np.ndarray, int]:
    opened = open_engine(engine)
    utterance = Utterance(
        engine=engine, version="1", voice=voice or opened.voices()[0], text=text, speed=speed, extra=(("pitch", 1.2),)
    )
    return opened.render(utterance, "", 0)


def is_there(engine: str) -> bool:
    return find_spec("py_nanotts") is not None if engine == "pico" else shutil.which(engine) is not None


@pytest.mark.parametrize("name", FOUND)
def test_a_found_engine_speaks_at_the_rate_asked_for_and_repeats_itself(name: str) -> None:
    if not is_there(name):
        pytest.skip(f"{name} is not installed")
    open_engine(name).check()
    for voice in open_engine(name).voices():
        first, rate = said(name, voice)
        # Another text between: what was said before must not be heard in it.
        fast, _ = said(name, voice, speed=1.4)
        again, _ = said(name, voice)
        np.testing.assert_array_equal(first, again)
        clip = finish(first, rate)
        assert fault(clip, letters("computer"), 1.0) == ""
        assert finish(fast, rate).size < 0.9 * clip.size


@pytest.mark.parametrize("name", FOUND)
def test_manners_are_sane(name: str) -> None:
    for seed in range(50):
        manner = open_engine(name).manner(np.random.default_rng(seed))
        assert 0.6 < manner.speed < 1.5
        assert 0.8 < manner.shift < 1.25


@pytest.mark.parametrize("name", FOUND)
def test_a_missing_engine_is_named_with_the_line_that_installs_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("mltk_like.data.speech.lexicon.find_spec", lambda package: None)
    with pytest.raises(ToolError) as caught:
        open_engine(name).check()
    assert f"apt-get install {name}" in (caught.value.hint or "") or "mltk_like[pico]" in (caught.value.hint or "")
    (listed,) = list_voices((name,))
    assert "install" in listed.problem


def test_flite_is_given_rate_pitch_and_text(fake_programs: Path) -> None:
    assert list(open_engine("flite").voices()) == ["kal16", "slt"]
    samples, rate = said("flite", "slt", '-x "a" $(b)…', speed=0.5)
    assert (samples.shape, rate) == ((4000,), 8000)
    line = fake_programs.read_text().splitlines()[-1]
    assert "'-voice', 'slt', '--setf', 'duration_stretch=2.000', '--setf', 'int_f0_target_mean=204.0'" in line
    assert """'-t', '-x "a" $(b)...'""" in line
    with pytest.raises(ToolError, match="flite ended with code 3 and no sound: no such voice"):
        said("flite", "nobody")


def test_flite_speaks_with_voices_out_of_files(fake_programs: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no voice of flite"):
        open_engine(f"flite:{tmp_path}/ann.flitevox").check()
    (tmp_path / "ann.flitevox").touch()
    engine = open_engine(f"flite:{tmp_path}/ann.flitevox")
    engine.check()
    assert (list(engine.voices()), engine.licence) == (["ann"], "")
    said(f"flite:{tmp_path}/ann.flitevox")
    assert f"'-voice', '{tmp_path}/ann.flitevox'" in fake_programs.read_text()


def test_festival_is_one_process_and_goes_on_after_a_bad_text(fake_programs: Path) -> None:
    engine = open_engine("festival")
    assert list(engine.voices()) == ["kal_diphone"]
    assert list(open_engine("festival:italian,kal*").voices()) == ["lp_diphone", "kal_diphone"]
    assert open_engine("festival:*").licence_of("lp_diphone") == "GPL-2.0-or-later"
    with pytest.raises(SettingError, match="no voice 'klingon'"):
        open_engine("festival:klingon").voices()
    utterance = Utterance(engine="festival", version="1", voice="kal_diphone", text='go "now" (\\', speed=0.5)
    sizes = [engine.render(utterance, "", 0)[0].size for _ in range(2)]
    bad = Utterance(engine="festival", version="1", voice="kal_diphone", text="fail")
    assert engine.render(bad, "", 0)[0].size == 0
    assert [*sizes, engine.render(utterance, "", 0)[0].size] == [4000] * 3
    log = fake_programs.read_text()
    assert log.count("--pipe") == 1
    assert "(Parameter.set 'Duration_Stretch 2.000)" in log
    assert '(SynthText "go  now  ( ")' in log


def test_a_crash_of_festival_costs_one_clip_and_one_at_the_start_is_an_error(
    fake_programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine("festival")
    last = Utterance(engine="festival", version="1", voice="kal_diphone", text="die")
    sizes = [engine.render(replace(last, text=text), "", 0)[0].size for text in ("go", "die", "stop")]
    assert sizes == [4000, 0, 4000]
    monkeypatch.setenv("FAKE_END", "1")
    with pytest.raises(ToolError, match="festival ended at once"):
        open_engine("festival").render(last, "", 0)


def test_pico_takes_languages_and_refuses_others() -> None:
    assert list(open_engine("pico").voices()) == ["en-US", "en-GB"]
    assert list(open_engine("pico:de,it-*").voices()) == ["de-DE", "it-IT"]
    assert len(open_engine("pico:*").voices()) == 6
    with pytest.raises(SettingError, match="no voice 'ja'"):
        open_engine("pico:ja").voices()


def test_a_crash_of_pico_costs_one_clip(tmp_path: Path) -> None:
    package = tmp_path / "py_nanotts"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import os\n"
        "class NanoTTS:\n"
        "    def speak(self, text, voice, speed, pitch):\n"
        "        if text == 'crash':\n"
        "            os.abort()\n"
        "        if text == 'odd':\n"
        "            raise ValueError\n"
        "        return b'\\0\\1' * len(text)\n"
    )
    process = SpeakerProcess("pico_process.py", lambda: package, "")
    sizes = [
        process.speak({"voice": "en-US", "text": text, "speed": 1, "pitch": 1})[0].size
        for text in ("go", "crash", "odd", "stop")
    ]
    assert sizes == [2, 0, 0, 4]


def test_one_speaker_in_two_engines_is_one_group(
    fake_programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hibari", reason="the lexicon is hibari's")
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    clips = say("go", label="go", count=4, engines=["flite", "festival"], voices="kal*").collect(
        workers=0, progress=False
    )
    assert {clip.details["engine"] for clip in clips} == {"flite", "festival"}
    assert {clip.group for clip in clips} == {"flite:kal16"}
    assert {clip.licence for clip in clips} == {"MIT-Festival"}
