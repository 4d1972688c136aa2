"""Audio in and out of a model: the front end, the recogniser, sound files and effects."""

from mltk_like.audio.energy_gate import EnergyGate, EnergyGateSettings
from mltk_like.audio.frontend import AnySettings, Frontend, FrontendStream, frontend_from_parameters
from mltk_like.audio.recogniser import Detection, Recogniser, RecogniserSettings
from mltk_like.audio.settings import FrontendSettings
from mltk_like.audio.spectrum import SpectrumSettings

__all__ = [
    "AnySettings",
    "Detection",
    "EnergyGate",
    "EnergyGateSettings",
    "Frontend",
    "FrontendSettings",
    "FrontendStream",
    "Recogniser",
    "RecogniserSettings",
    "SpectrumSettings",
    "frontend_from_parameters",
]
