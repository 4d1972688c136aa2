"""Listen with a trained model, and show what it hears."""

from mltk_like.verbs.classify_audio.dump import Dumps
from mltk_like.verbs.classify_audio.output import present, print_microphones
from mltk_like.verbs.classify_audio.pushed import PushedAudio
from mltk_like.verbs.classify_audio.session import LiveAudio, LiveResult
from mltk_like.verbs.classify_audio.verb import LEVELS, classify_audio

__all__ = [
    "LEVELS",
    "Dumps",
    "LiveAudio",
    "LiveResult",
    "PushedAudio",
    "classify_audio",
    "present",
    "print_microphones",
]
