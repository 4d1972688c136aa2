"""The engine that runs any command: what it is given, what it may give back, and how it fails."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mltk_like.data.speech import Utterance, open_engine, say
from mltk_like.errors import DataError, SettingError, ToolError

PROGRAM = Path(__file__).parent / "data" / "speech" / "fake_tts.py"
TTS = f"{shlex.quote(sys.executable)} {shlex.quote(str(PROGRAM))}"


def said(line: str, text: str = "go", voice: str = "") -> tuple[np.ndarray, int]:
    engine = open_engine(f"command:{line}")
    utterance = Utterance(engine=f"command:{line}", version="1", voice=voice or engine.voices()[0], text=text)
    return engine.render(utterance, "", 0)


@pytest.mark.parametrize("line", ["{tts} --out {{out}} {{text}}", "{tts} {{text}}", "{tts} --out {{out}}", "{tts}"])
def test_text_and_wav_go_by_argument_or_by_pipe(line: str) -> None:
    samples, rate = said(line.format(tts=TTS))
    assert rate == 8000
    assert samples.shape == (4000,)
    assert samples.dtype == np.float32
    assert 0.2 < np.abs(samples).max() < 0.3


def test_a_text_is_one_argument_whatever_it_holds(tmp_path: Path) -> None:
    text = '"; touch {out} $(id) `id` {voice} * \\'
    said(f"{TTS} --log {tmp_path}/log -- {{text}}", text)
    assert (tmp_path / "log").read_text() == text + "\n"


def test_voices_are_named_by_the_program_and_fill_their_place() -> None:
    engine = open_engine(f"command:name=tts voices=200,400 licence=CC0-1.0 -- {TTS} --hz {{voice}} {{text}}")
    assert list(engine.voices()) == ["tts#200", "tts#400"]
    assert engine.licence == "CC0-1.0"
    low, _ = said(f"name=tts voices=200,400 -- {TTS} --hz {{voice}} {{text}}", voice="tts#200")
    high, _ = said(f"name=tts voices=200,400 -- {TTS} --hz {{voice}} {{text}}", voice="tts#400")
    crossings = [int((np.diff(np.sign(tone)) != 0).sum()) for tone in (low, high)]
    assert crossings[1] == pytest.approx(2 * crossings[0], abs=4)


def test_the_rate_varies_only_where_the_command_takes_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    assert open_engine("command:say {text}").manner(rng).speed == 1.0
    assert len({open_engine("command:say {rate} {text}").manner(rng).speed for _ in range(20)}) > 5
    line = f"{TTS} --log {tmp_path}/log '{{rate}} {{wpm}}'"
    engine = open_engine(f"command:{line}")
    utterance = Utterance(engine="command", version="1", voice="x", text="go", speed=1.2, shift=0.8)
    engine.render(utterance, "", 0)
    engine.render(replace(utterance, speed=0.8), "", 0)
    assert (tmp_path / "log").read_text().splitlines() == ["1.500 262", "1.000 175"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{tts} --say fail {{text}}", r"'python\S*' ended with code 1 for 'go': and none tomorrow"),
        ("timeout=0.5 -- {tts} --say sleep {{text}}", r"took longer than 0.5 s for 'go'"),
        ("{tts} --say nothing --out {{out}} {{text}}", "wrote no WAV for 'go'"),
        ("{tts} --say rubbish --out {{out}} {{text}}", "wrote something that is not a WAV"),
        ("{tts} --say nothing", "wrote no WAV"),
        ("/nowhere/tts {{text}}", "could not be started"),
    ],
)
def test_failures_say_which_command_which_text_and_why(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        said(line.format(tts=TTS))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "no command"),
        ("voices=a -- ", "no command"),
        ("say 'oops {text}", "cannot be split"),
        ("{text} --out {out}", "program of a command is fixed"),
        ("say {words}", r"no placeholder \{words\}"),
        ("say {voice} {text}", "needs its voices"),
        ("timeout=soon -- say {text}", "no number of seconds"),
    ],
)
def test_bad_commands_are_refused_at_once(line: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        open_engine(f"command:{line}")


def test_a_missing_program_is_named() -> None:
    with pytest.raises(ToolError, match="no program 'no-such-tts'"):
        open_engine("command:no-such-tts {text}").check()


def test_settings_before_a_double_dash_are_not_taken_from_the_program() -> None:
    assert open_engine("command:tts voices=a -- {text}").voices() == ("tts",)


def test_a_source_of_a_command_gives_clips() -> None:
    pytest.importorskip("hibari", reason="the lexicon is hibari's")
    line = f"command:name=tts voices=300,500 -- {TTS} --hz {{voice}} {{text}}"
    clips = say("go", label="go", count=3, engines=line).collect(workers=0, progress=False)
    assert len(clips) == 3
    assert {clip.group for clip in clips} == {"command:tts#300", "command:tts#500"}
    assert clips[0].details["engine"] == "command"
