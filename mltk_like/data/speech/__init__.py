"""Synthetic speech: sources of clips for a model's `sources()`, made on this machine and kept by content.

    from mltk_like.data.speech import say, speech_negatives

    def sources(self):
        return [say("alexa", label="alexa", count=1600), *speech_negatives("alexa", label="unknown", count=8000)]

What a clip says is in `words`, `confusions`, `phrases`, `pseudo` and `pronunciation`, how in `variation` and `morph`;
who says it in `engines` and the module of each engine; how it gets to disk in `render` and `finish`.
"""

from mltk_like.data.speech.confusions import confusion_of
from mltk_like.data.speech.engines import Engine, Manner, open_engine
from mltk_like.data.speech.everyone import COMPANIONS, companion_speech, keyword_speech, other_speech
from mltk_like.data.speech.export import SPOKEN_BY
from mltk_like.data.speech.lexicon import pronounce
from mltk_like.data.speech.morph import Morph, morph_clip
from mltk_like.data.speech.phrases import random_phrase
from mltk_like.data.speech.pronunciation import variants
from mltk_like.data.speech.pseudo import pseudo_word
from mltk_like.data.speech.source import SpeechSource
from mltk_like.data.speech.spoken import (
    say,
    say_confusions,
    say_for_hours,
    say_parts,
    say_pseudo_words,
    say_random,
    say_sound_alikes,
    speech_negatives,
)
from mltk_like.data.speech.utterance import Utterance
from mltk_like.data.speech.variation import Variation
from mltk_like.data.speech.word_list import WordList
from mltk_like.data.speech.words import Alike, find_alikes, part_of, sound_alikes

__all__ = [
    "COMPANIONS",
    "SPOKEN_BY",
    "Alike",
    "Engine",
    "Manner",
    "Morph",
    "SpeechSource",
    "Utterance",
    "Variation",
    "WordList",
    "companion_speech",
    "confusion_of",
    "find_alikes",
    "keyword_speech",
    "morph_clip",
    "open_engine",
    "other_speech",
    "part_of",
    "pronounce",
    "pseudo_word",
    "random_phrase",
    "say",
    "say_confusions",
    "say_for_hours",
    "say_parts",
    "say_pseudo_words",
    "say_random",
    "say_sound_alikes",
    "sound_alikes",
    "speech_negatives",
    "variants",
]
