"""The page that shows audio as a net sees it."""

from mltk_like.verbs.view_audio.verb import AudioPage, view_audio

__all__ = [
    "AudioPage",
    "view_audio",
]
