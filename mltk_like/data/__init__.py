"""Where clips come from: synthetic speech, folders, downloads, generated noise."""

from mltk_like.data.clip import Clip
from mltk_like.data.download import Download
from mltk_like.data.noise import GeneratedNoise, generated_noise, microphone_noise
from mltk_like.data.published import silabs_alexa
from mltk_like.data.recordings import Folder
from mltk_like.data.source import Source
from mltk_like.data.speech import (
    SpeechSource,
    say,
    say_parts,
    say_pseudo_words,
    say_random,
    say_sound_alikes,
    speech_negatives,
)

__all__ = [
    "Clip",
    "Download",
    "Folder",
    "GeneratedNoise",
    "Source",
    "SpeechSource",
    "generated_noise",
    "microphone_noise",
    "say",
    "say_parts",
    "say_pseudo_words",
    "say_random",
    "say_sound_alikes",
    "silabs_alexa",
    "speech_negatives",
]
