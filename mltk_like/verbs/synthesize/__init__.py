"""Speak words into WAV files."""

from mltk_like.verbs.synthesize.result import SynthesizeResult, VoiceList
from mltk_like.verbs.synthesize.verb import VARIATION, synthesize, voice_list

__all__ = [
    "VARIATION",
    "SynthesizeResult",
    "VoiceList",
    "synthesize",
    "voice_list",
]
