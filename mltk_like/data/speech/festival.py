"""Engine 'festival': the program festival with the voices that are installed; 2 to 50 ms a word."""

import re
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.audio.effects import change_tempo
from mltk_like.data.speech.chosen import chosen_voices, find_program, plain_text
from mltk_like.data.speech.engines import Engine, Manner
from mltk_like.data.speech.speaker_process import end_process
from mltk_like.data.speech.utterance import Utterance
from mltk_like.errors import ToolError

HINT = "apt-get install festival festvox-kallpc16k festvox-us-slt-hts"
"""How festival and two of its voices are had."""

_ENGLISH = ("english", "us")
_LOCATION = re.compile(r'\(([^\s()]+) \. "([^"]*)"\)')
_READY = b"ready\n"
# Others read UTF-8.
_ENCODINGS: Mapping[str, str] = MappingProxyType(
    {"czech": "iso8859-2", "finnish": "iso8859-15", "italian": "iso8859-15", "catalan": "iso8859-15"}
)
# As the packages of Debian state them; what a voice says is made of its data. Others are not known.
_LICENCES: Mapping[str, str] = MappingProxyType(
    {
        "kal_diphone": "MIT-Festival",
        "ked_diphone": "MIT-Festival",
        "cmu_us_slt_arctic_hts": "BSD-3-Clause",
        "msu_ru_nsh_clunits": "MIT-Festival",
        "upc_ca_ona_hts": "LGPL-2.1-or-later",
        "suo_fi_lj_diphone": "LGPL-2.1-or-later",
        "hy_fi_mv_diphone": "LGPL-2.1-or-later",
        "czech_dita": "GPL-3.0-or-later",
        "czech_ph": "GPL-2.0-or-later",
        "lp_diphone": "GPL-2.0-or-later",
        "pc_diphone": "GPL-2.0-or-later",
        "hindi_NSK_diphone": "GPL-2.0-or-later",
        "marathi_NSK_diphone": "GPL-2.0-or-later",
        "telugu_NSK_diphone": "GPL-2.0-or-later",
    }
)


class Festival(Engine):
    """The program festival (a permissive licence), where it is installed, run once for all that one worker says.

    The argument is a language as festival calls it or a voice, or several with commas between ('italian',
    'kal_diphone,cz*', '*'); default: English. A voice of another language reads English words as its speakers would.
    Each voice has the licence of its package. It reads text by its own rules. No randomness.
    """

    version: ClassVar[str] = "festival-2/1"
    licence = "the voice's"
    reads_phonemes = False

    def check(self) -> None:
        self.voices()

    def voices(self) -> Sequence[str]:
        known = _languages(find_program("festival", HINT))
        if not known:
            raise ToolError("festival has no voice", HINT)
        return chosen_voices(self.argument, known) if self.argument else _english(known)

    def licence_of(self, voice: str) -> str:
        return _LICENCES.get(voice, "")

    def manner(self, rng: np.random.Generator) -> Manner:
        shift = round(float(np.exp(rng.uniform(-0.15, 0.15))), 3)
        return Manner(speed=round(float(rng.uniform(0.75, 1.3)), 2), shift=shift)

    @cached_property
    def _process(self) -> "_Process":
        return _Process(find_program("festival", HINT))

    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        # A new draw of a bad clip must differ: one per cent of the rate.
        rate = utterance.speed / utterance.shift + 0.01 * (seed - utterance.seed)
        encoding = _ENCODINGS.get(_languages(find_program("festival", HINT)).get(utterance.voice, ""), "utf-8")
        text = plain_text(utterance.text).encode(encoding, errors="ignore")
        try:
            samples, hertz = self._process.speak(utterance.voice, text, rate)
        except EOFError:
            # Some voices bring it down with some texts: that costs the clip, and the next one gets another festival.
            del self._process
            return np.zeros(0, np.float32), 16_000
        if utterance.voice.endswith("clunits") and samples.size:
            # Joined from recordings, such a voice knows no rate.
            samples = change_tempo(samples, np.random.default_rng(0), factor=(rate, rate))
        return samples, hertz


class _Process:
    """One running festival, which reads Scheme from a pipe; a wave goes through a file. It ends with this object."""

    def __init__(self, program: str) -> None:
        folder = Path(tempfile.mkdtemp(prefix="mltk_like-"))
        self._wave = folder / "speech.wav"
        self._process = subprocess.Popen(
            [program, "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        weakref.finalize(self, _end, self._process, folder)
        try:
            self._write(b"")
        except EOFError as error:
            raise ToolError("festival ended at once", HINT) from error

    def speak(self, voice: str, text: bytes, rate: float) -> tuple[npt.NDArray[np.float32], int]:
        """Samples and their rate in hertz; none where festival finds a fault with the text.

        Raises:
            EOFError: festival ended.
        """
        import soundfile

        self._wave.unlink(missing_ok=True)
        quoted = text.replace(b"\\", b" ").replace(b'"', b" ").replace(b"\n", b" ")
        # Diphone voices go by Duration_Stretch, those of HTS by its option -r.
        manner = (
            f"(defvar hts_engine_params nil) (voice_{voice}) (Parameter.set 'Duration_Stretch {1 / rate:.3f})"
            f' (set! hts_engine_params (append hts_engine_params (list (list "-r" {rate:.3f}))))'
        )
        say = b'(utt.save.wave (SynthText "%s") "%s" \'riff)' % (quoted, str(self._wave).encode())
        self._write(b"(begin %s %s)\n" % (manner.encode(), say))
        if not self._wave.is_file():
            return np.zeros(0, np.float32), 16_000
        samples, hertz = soundfile.read(self._wave, dtype="float32")
        return samples, int(hertz)

    def _write(self, commands: bytes) -> None:
        """Have commands done. Raises EOFError when festival ends."""
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        try:
            # What tells that they are done is read also where they failed.
            pipe_in.write(commands + b'(format t "\\nready\\n") (fflush nil)\n')
            pipe_in.flush()
        except BrokenPipeError as error:
            raise EOFError from error
        for line in pipe_out:
            if line == _READY:
                return
        raise EOFError


def _end(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    end_process(process)
    shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=1)
def _languages(program: str) -> Mapping[str, str]:
    """The language of each voice that is installed: the folder that its own is in."""
    listed = subprocess.run(
        [program, "-b", "(print voice-locations)"], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
        errors="replace", check=False,
    )  # fmt: skip
    return {name: Path(place).parent.name for name, place in sorted(_LOCATION.findall(listed.stdout))}


def _english(known: Mapping[str, str]) -> tuple[str, ...]:
    found = tuple(name for name, language in known.items() if language in _ENGLISH)
    if not found:
        raise ToolError("festival has no English voice", HINT)
    return found
