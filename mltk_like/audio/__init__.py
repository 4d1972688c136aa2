"""Audio in and out of a model: the front end, the recogniser, sound files and effects."""

from mltk_like.audio.frontend import Frontend, FrontendStream
from mltk_like.audio.recogniser import Detection, Recogniser, RecogniserSettings
from mltk_like.audio.settings import FrontendSettings

__all__ = ["Detection", "Frontend", "FrontendSettings", "FrontendStream", "Recogniser", "RecogniserSettings"]
