"""Engine 'command': any program that writes a WAV file, one process a clip."""

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.audio.rates import rate_fault
from mltk_like.data.speech.engines import Engine, Manner
from mltk_like.data.speech.utterance import Utterance
from mltk_like.errors import DataError, SettingError, ToolError

PLACEHOLDERS = ("{text}", "{out}", "{voice}", "{rate}", "{wpm}", "{seed}")
"""What stands in a command for: the text, the WAV file to write, the voice, the rate of speech as a factor and in words
a minute, and a whole number that differs from clip to clip."""

_SETTINGS = {"name": "", "voices": "", "licence": "", "timeout": "60"}
_PLACEHOLDER = re.compile(r"\{\w*\}")
_WORDS_A_MINUTE = 175
_EXAMPLE = "give for example 'command:espeak-ng -v {voice} -w {out} {text}'"


class Command(Engine):
    """A command line with placeholders: `command:mytts --speaker {voice} --speed {rate} --out {out} {text}`.

    Settings may stand before it: `command:voices=ann,ben licence=CC0-1.0 timeout=20 name=mytts -- mytts ...`. Without
    {text} the text is given on standard input; without {out} the WAV is taken from standard output. Any rate, width and
    number of channels will do. The rate of speech varies where the command takes {rate} or {wpm}; the pitch varies
    always, by resampling.

    The line is split as a shell would, but no shell runs it, and a text is always one argument whatever it holds. The
    program has all the rights of its user: run only commands that you would type yourself. A program that takes a text
    with a leading '-' for an option needs '--' before {text}, or the text on standard input.
    """

    version: ClassVar[str] = "command/1"
    reads_phonemes = False

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        settings, self._line = _parse(argument)
        self._name = settings["name"] or Path(self._line[0]).stem
        self._voices = tuple(voice.strip() for voice in settings["voices"].split(",") if voice.strip())
        self._timeout_s = _seconds(settings["timeout"])
        self.licence = settings["licence"]
        if "{voice}" in "".join(self._line) and not self._voices:
            raise SettingError("a command with {voice} needs its voices", "command:voices=ann,ben -- mytts {voice} ...")

    def check(self) -> None:
        if shutil.which(self._line[0]) is None:
            raise ToolError(f"there is no program {self._line[0]!r}", "install it, or give its full path")

    def voices(self) -> Sequence[str]:
        # The program's name belongs to the voice: 'ann' of one program is not 'ann' of another.
        return tuple(f"{self._name}#{voice}" for voice in self._voices) or (self._name,)

    def manner(self, rng: np.random.Generator) -> Manner:
        speed, shift = round(float(rng.uniform(0.75, 1.25)), 2), round(float(np.exp(rng.uniform(-0.1, 0.1))), 3)
        paced = any("{rate}" in part or "{wpm}" in part for part in self._line)
        return Manner(speed=speed if paced else 1.0, shift=shift)

    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        rate = utterance.speed / utterance.shift
        with tempfile.TemporaryDirectory(prefix="mltk_like-") as folder:
            out = Path(folder) / "speech.wav"
            values = {
                "{text}": utterance.text,
                "{out}": str(out),
                "{voice}": utterance.voice.partition("#")[2],
                "{rate}": f"{rate:.3f}",
                "{wpm}": str(round(_WORDS_A_MINUTE * rate)),
                "{seed}": str(seed),
            }
            self._run(values, out)
            return self._read(out, utterance.text)

    def _run(self, values: Mapping[str, str], out: Path) -> None:
        line = [_filled(part, values) for part in self._line]
        text = values["{text}"]
        given = None if "{text}" in "".join(self._line) else text.encode()
        errors = out.with_name("errors")
        # Files and not pipes: a grandchild that holds a pipe open would keep us waiting after the time-out.
        with out.with_name("stdout").open("wb") as stdout, errors.open("wb") as stderr:
            try:
                ended = subprocess.run(
                    line, input=given, stdin=subprocess.DEVNULL if given is None else None, stdout=stdout,
                    stderr=stderr, timeout=self._timeout_s, check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired as error:
                raise self._failure(f"took longer than {self._timeout_s:g} s", text, "") from error
            except (OSError, ValueError) as error:
                raise self._failure(f"could not be started ({error})", text, "") from error
        if ended.returncode:
            raise self._failure(f"ended with code {ended.returncode}", text, _last_line(errors))
        if "{out}" not in "".join(self._line):
            out.with_name("stdout").rename(out)

    def _read(self, out: Path, text: str) -> tuple[npt.NDArray[np.float32], int]:
        import soundfile

        if not out.is_file() or not out.stat().st_size:
            raise self._failure("wrote no WAV", text, _last_line(out.with_name("errors")))
        try:
            samples, rate = soundfile.read(out, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise self._failure(f"wrote something that is not a WAV ({error})", text, "") from error
        if fault := rate_fault(rate):
            raise self._failure(f"wrote a WAV that cannot be ({fault})", text, "")
        return samples.mean(axis=1), int(rate)

    def _failure(self, what: str, text: str, said: str) -> DataError:
        words = f": {said}" if said else ""
        return DataError(f"the command {self._name!r} {what} for {text!r}{words}", "try it by hand in a terminal")


def _parse(argument: str) -> tuple[dict[str, str], list[str]]:
    """Settings and command line of an argument."""
    try:
        parts = shlex.split(argument)
    except ValueError as error:
        raise SettingError(f"the command {argument!r} cannot be split: {error}", _EXAMPLE) from error
    settings = dict(_SETTINGS)
    end = parts.index("--") if "--" in parts else 0
    if end and all(part.partition("=")[0] in settings and "=" in part for part in parts[:end]):
        settings |= dict(part.split("=", 1) for part in parts[:end])
        parts = parts[end + 1 :]
    if not parts:
        raise SettingError("there is no command after 'command:'", _EXAMPLE)
    if "{" in parts[0]:
        raise SettingError(f"the program of a command is fixed, not {parts[0]!r}", _EXAMPLE)
    for part in parts:
        for name in _PLACEHOLDER.findall(part):
            if name not in PLACEHOLDERS:
                raise SettingError(f"a command has no placeholder {name}", f"it has {', '.join(PLACEHOLDERS)}")
    return settings, parts


def _filled(part: str, values: Mapping[str, str]) -> str:
    """One argument with its placeholders filled in, in one pass: what a text holds is not looked at again."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[0], match[0]), part)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 3600:
        raise SettingError(f"timeout={text} of a command is no number of seconds", "give for example timeout=60")
    return seconds


def _last_line(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else ""
