"""Engine 'flite': the program flite of Carnegie Mellon University, one process a clip; about 10 ms a word."""

import io
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.chosen import find_program, plain_text
from mltk_like.data.speech.engines import Engine, Manner
from mltk_like.data.speech.utterance import Utterance
from mltk_like.errors import DataError, ToolError

HINT = "apt-get install flite"
"""How flite is had."""

# 'kal' is kal16 at 8 kHz, and 'awb_time' tells the time alone.
_LEFT_OUT = ("kal", "awb_time")
# Hertz that each voice has by itself; 'rms' does not listen, and of a file it is not known.
_F0: Mapping[str, float] = MappingProxyType({"kal16": 95.0, "awb": 127.0, "slt": 170.0})
_TIMEOUT_S = 60


class Flite(Engine):
    """The program flite (a permissive licence of its own), where it is installed, with its American voices.

    The argument names files of further voices (*.flitevox) with commas between, which then speak in their place. It
    reads text by its own rules. The pitch of some voices varies without the formants. No randomness.
    """

    version: ClassVar[str] = "flite-2/1"
    reads_phonemes = False

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        files = [Path(part.strip()).expanduser() for part in argument.split(",") if part.strip()]
        self._files = {file.stem: file for file in files}
        self.licence = "" if files else "MIT-Festival"

    def check(self) -> None:
        find_program("flite", HINT)
        for file in self._files.values():
            if not file.is_file():
                raise DataError(f"no voice of flite at {file}", "give a .flitevox file")

    def voices(self) -> Sequence[str]:
        return tuple(self._files) or _built_in(find_program("flite", HINT))

    def manner(self, rng: np.random.Generator) -> Manner:
        extra = (("pitch", round(float(rng.uniform(0.85, 1.25)), 2)),)
        shift = round(float(np.exp(rng.uniform(-0.12, 0.12))), 3)
        return Manner(speed=round(float(rng.uniform(0.75, 1.3)), 2), shift=shift, extra=extra)

    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        import soundfile

        # A new draw of a bad clip must differ: one per cent of the rate.
        stretch = utterance.shift / utterance.speed + 0.01 * (seed - utterance.seed)
        line = [find_program("flite", HINT), "-voice", str(self._files.get(utterance.voice, utterance.voice))]
        line += ["--setf", f"duration_stretch={stretch:.3f}"]
        if utterance.voice in _F0:
            pitch = _F0[utterance.voice] * dict(utterance.extra).get("pitch", 1.0)
            line += ["--setf", f"int_f0_target_mean={pitch:.1f}"]
        line += ["-t", plain_text(utterance.text), "-o", "/dev/stdout"]
        ended = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False)
        try:
            samples, hertz = soundfile.read(io.BytesIO(ended.stdout), dtype="float32")
        except soundfile.LibsndfileError as error:
            said = ended.stderr.decode(errors="replace").strip()[-200:]
            raise ToolError(f"flite ended with code {ended.returncode} and no sound: {said}", HINT) from error
        return samples, int(hertz)


@lru_cache(maxsize=1)
def _built_in(program: str) -> tuple[str, ...]:
    listed = subprocess.run(
        [program, "-lv"], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    names = listed.stdout.partition(":")[2].split()
    return tuple(sorted(set(names) - set(_LEFT_OUT)))
