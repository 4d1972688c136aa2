"""What is printed is text: no name, label or parameter steers the terminal, and no library writes to it."""

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from tqdm import tqdm

from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.cli import main
from mltk_like.errors import DataError
from mltk_like.quiet import libraries_silent, quiet_output
from mltk_like.terminal import make_printable, pass_on, visible

DATA = Path(__file__).parent / "data"
FIXED = DATA / "board" / "fixed.tflite"
EVIL = "a\x1b]0;title\x07\x1b[2J\rb\x9b31m\u202ec\x7f"
SHOWN = r"a\x1b]0;title\x07\x1b[2J\rb\x9b31m\u202ec\x7f"
STEERING = [*map(chr, {*range(32), *range(0x7F, 0xA0)} - {9, 10}), "\u202e", "\u2066", "\u2028", "\u200f"]


def is_text(text: str) -> bool:
    return not any(c in text for c in STEERING)


@settings(deadline=None)
@given(text=st.text() | st.text(alphabet=[*STEERING, "a", "\n"]))
def test_only_what_steers_is_spelled_out(text: str) -> None:
    found = visible(text)
    assert is_text(found)
    if is_text(text):
        assert found == text


def test_other_alphabets_stay() -> None:
    assert visible("é 音 עברית नमस्ते 👩‍👩‍👧\tx\n") == "é 音 עברית नमस्ते 👩‍👩‍👧\tx\n"


def test_both_streams_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    make_printable()
    make_printable()  # a second time changes nothing
    print(EVIL)
    print(f"error: {EVIL}", file=sys.stderr)
    sys.stdout.writelines(["\r", "x\n"])
    found = capsys.readouterr()
    assert found.out == f"{SHOWN}\n\\rx\n"
    assert found.err == f"error: {SHOWN}\n"


def test_bars_move_and_their_names_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    make_printable()
    with tqdm(total=2, desc="outer", ascii=True) as outer, tqdm(total=2, desc=EVIL, ascii=True) as inner:
        outer.update()
        inner.update()
        outer.refresh()
        inner.refresh()
    found = capsys.readouterr().err
    assert SHOWN in found
    assert "\router" in found
    assert "\x1b[A" in found
    assert is_text(found.replace("\r", "").replace("\x1b[A", ""))


def test_what_another_run_printed_goes_through(capsys: pytest.CaptureFixture[str]) -> None:
    make_printable()
    pass_on("\rtrain: 10 %\rtrain: 20 %\n")
    assert capsys.readouterr().out == "\rtrain: 10 %\rtrain: 20 %\n"


def test_warnings_of_numbers_are_for_developers(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_: seen.append(message))
    make_printable()
    warnings.showwarning("overflow", RuntimeWarning, f"{Path(np.__file__).parent}{os.sep}core.py", 1)
    warnings.showwarning("mine", RuntimeWarning, "/home/me/models/my_model.py", 1)
    warnings.showwarning("old", DeprecationWarning, np.__file__, 1)
    assert seen == ["mine", "old"]


# --- at the command line


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    found = capsys.readouterr()
    assert is_text(found.out + found.err)
    return found.err


def test_names_that_steer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert SHOWN in refused(capsys, "summarize", f"{tmp_path}/{EVIL}.tflite")
    assert SHOWN in refused(capsys, "classify_audio", str(FIXED), "--input", f"{tmp_path}/{EVIL}.wav")
    assert SHOWN in refused(capsys, "summarize", EVIL)
    assert SHOWN in refused(capsys, "summarize", str(FIXED), f"--{EVIL}")


def test_parameters_that_steer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    evil = tmp_path / "evil.tflite"
    assert main(["update_params", str(FIXED), "--output", str(evil), "--add", f"note={EVIL}"]) == 0
    assert main(["update_params", str(evil), "--add", f"classes={json.dumps(['a' + chr(27) + '[2J', 'b'])}"]) == 0
    capsys.readouterr()
    assert main(["summarize", str(evil)]) == 0
    found = capsys.readouterr().out
    assert is_text(found)
    assert r"\x1b[2J" in found


def test_an_archive_whose_texts_steer(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where `report` and `export` write
    path = tmp_path / "evil.mltk.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("settings.json", json.dumps({"model": f"evil{EVIL}"}))
        archive.writestr("state.json", json.dumps({"status": EVIL, "chance": EVIL, "failures": [EVIL]}))
        archive.writestr("evil.tflite", FIXED.read_bytes())
    for verb in ("summarize", "report", "quantize", "profile", "export"):
        main([verb, str(path)])
        found = capsys.readouterr()
        assert is_text((found.out + found.err).replace("\r", "").replace("\x1b[A", "")), verb


# --- libraries


def test_silence_is_only_for_what_is_in_it(capfd: pytest.CaptureFixture[str]) -> None:
    with libraries_silent():
        with libraries_silent():
            os.write(2, b"inner ")
        os.write(2, b"outer ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_a_damaged_mp3_says_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = io.BytesIO()
    soundfile.write(data, rng.uniform(-0.5, 0.5, 32000), 16000, format="MP3")
    whole = data.getvalue()
    for seed in range(12):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 40 * (1 + seed % 3)):
            damaged[place] = rng.integers(256)
        path = tmp_path / f"{seed}.mp3"
        path.write_bytes(bytes(damaged[: len(whole) - 100 * seed]))
        with contextlib.suppress(DataError):
            read_audio(path, 16000)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3e38])
def test_numbers_that_overflow_are_one_error(value: float, channels: int, tmp_path: Path) -> None:
    """NumPy's warnings are errors in these tests. The largest numbers saturate, where there is no mean of them."""
    samples = np.full((100, channels), value, np.float32)
    samples[::2] *= -1
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    if value == 3e38 and channels == 1:
        assert read_audio(tmp_path / "a.wav", 16000).tolist() == [-32768, 32767] * 50
    else:
        with pytest.raises(DataError, match="not numbers"):
            read_audio(tmp_path / "a.wav", 16000)


@pytest.mark.slow
def test_the_program_itself(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.zeros(16000, np.int16), 16000)
    command = [sys.executable, "-m", "mltk_like", "classify_audio", str(FIXED), "--input", f"{tmp_path}/{EVIL}.wav"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"\x1b" not in done.stderr
    assert rb"\x1b[2J" in done.stderr


def test_a_library_that_sets_up_its_log_in_silence_does_not_write_to_it_later() -> None:
    library = logging.getLogger("of.a.library")
    with quiet_output():
        handlers = [logging.StreamHandler(), logging.StreamHandler()]
        logging.root.addHandler(handlers[0])
        library.addHandler(handlers[1])
    assert handlers[0] not in logging.root.handlers
    assert handlers[1] not in library.handlers


def test_a_library_that_logs_to_a_stream_of_its_own_says_in_silence_what_is_wrong_alone() -> None:
    """As in a notebook, where its handler keeps the stream of a cell."""
    stream, library = io.StringIO(), logging.getLogger("of.another.library")
    handler = logging.StreamHandler(stream)
    library.addHandler(handler)
    library.setLevel(logging.INFO)
    try:
        with quiet_output():
            library.info("wrote something")
            library.warning("cannot")
        library.info("goes on")
        assert stream.getvalue() == "cannot\ngoes on\n"
    finally:
        library.removeHandler(handler)
