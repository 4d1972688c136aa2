"""Engine 'espeak': espeak-ng's formant voices in a hundred languages, about 5 ms a word; robotic, but many."""

import json
import struct
import subprocess
import sys
import weakref
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.engines import Engine, Manner
from mltk_like.data.speech.lexicon import require
from mltk_like.data.speech.utterance import Utterance
from mltk_like.errors import ToolError

HINT = "pip install 'mltk_like[speech-gpl]'"
_ACCENTS = "en-us,en,en-gb-scotland,en-gb-x-rp,en-gb-x-gbclan,en-029"
_VARIANTS = (
    "f1,f2,f3,f4,f5,m1,m2,m3,m4,m5,m6,m7,m8,Andy,Annie,Alicia,Denis,Diogo,Gene,Gene2,Henrique,Hugo,Lee,Marco,Mario,Michael,"
    "Mike,Reed,Storm,adam,anika,antonio,belinda,benjamin,boris,caleb,david,ed,edward,grandma,grandpa,ian,linda,max,michel,"
    "miguel,norbert,pablo,paul,pedro,rob,robert,sandro,shelby,steph,travis,victor,zac"
)


class Espeak(Engine):
    """espeak-ng (GPL-3) out of the package espeakng-loader, in a process of its own that is spoken to by pipe.

    The argument is a language or several with commas between ('de', 'en-us,fr,hi'); default: accents of English. It
    reads the text of an utterance by its own rules and does not take phonemes. No randomness.
    """

    version: ClassVar[str] = "espeak-ng-1.52/1"
    reads_phonemes: ClassVar[bool] = False

    def check(self) -> None:
        require("espeakng_loader", HINT)

    def voices(self) -> Sequence[str]:
        languages = (self.argument or _ACCENTS).split(",")
        # Languages take turns, so that the first voices of the list differ as much as they can.
        return tuple(f"{language.strip()}+{variant}" for variant in _VARIANTS.split(",") for language in languages)

    def manner(self, rng: np.random.Generator) -> Manner:
        extra = (("pitch", float(rng.integers(25, 76))), ("range", float(rng.integers(20, 81))))
        shift = round(float(np.exp(rng.uniform(-0.1, 0.1))), 3)
        return Manner(speed=round(float(rng.uniform(0.7, 1.3)), 2), shift=shift, extra=extra)

    @cached_property
    def _process(self) -> "subprocess.Popen[bytes]":
        self.check()
        script = str(Path(__file__).with_name("espeak_process.py"))
        # -I keeps the child from importing anything but the standard library and installed packages; the folder of
        # the package is given, since it may lie on a path that only this process knows.
        command = [sys.executable, "-I", script, str(require("espeakng_loader", HINT))]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        weakref.finalize(self, _end, process)
        return process

    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        request = {
            "voice": utterance.voice,
            "text": utterance.text,
            # 175 words a minute is espeak's own rate. A new draw of a bad clip must differ: one word a minute.
            "rate": round(175 * utterance.speed / utterance.shift) + (seed - utterance.seed),
            **{name: int(value) for name, value in utterance.extra},
        }
        pipe_in.write(json.dumps(request).encode() + b"\n")
        pipe_in.flush()
        head = pipe_out.read(8)
        if len(head) < 8:
            raise ToolError(f"the espeak-ng process ended (voice {utterance.voice})", HINT)
        rate, size = struct.unpack("<II", head)
        samples = np.frombuffer(pipe_out.read(size), "<i2")
        return samples.astype(np.float32) / np.float32(32768), int(rate)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The program ends with its input."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()
