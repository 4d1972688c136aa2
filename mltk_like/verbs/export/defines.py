"""What surrounds a net, as `#define`s: the front end, the recogniser, the classes."""

from collections.abc import Mapping
from types import MappingProxyType

from mltk_like.audio.frontend import AnySettings, frontend_from_parameters, has_frontend
from mltk_like.audio.parameters import is_known
from mltk_like.audio.spectrum import SpectrumSettings
from mltk_like.tflite import read_parameters
from mltk_like.tflite.c_array import parameter_defines
from mltk_like.tflite.c_text import Define


def defines_of(data: bytes, memory: Mapping[str, Define] = MappingProxyType({})) -> dict[str, Define]:
    """What the front end needs first, as the TinyML page names it; then `memory`, classes, and all parameters.

    What is computed stays: where a parameter would be the same macro, it is left out. So are the mean and deviation for
    all values where each has its own, since a firmware that took them would be wrong without a word.
    """
    parameters = read_parameters(data)
    classes = parameters.get("classes")
    names = [str(name) for name in classes] if isinstance(classes, list) else []
    computed: dict[str, Define] = {
        **(_frontend_defines(frontend_from_parameters(parameters)) if has_frontend(parameters) else {}),
        **memory,
        **({"CLASS_COUNT": len(names), "CLASS_NAMES": names} if names else {}),
    }
    stored = parameter_defines(parameters, is_known)
    unused = {one for one in ("SPECTRUM_MEAN", "SPECTRUM_STD") if f"{one}S" in computed}
    return computed | {name: value for name, value in stored.items() if name not in {*computed, *unused}}


def _frontend_defines(settings: AnySettings) -> dict[str, Define]:
    columns, values = settings.spectrogram_shape
    defines: dict[str, Define] = {
        "SAMPLE_RATE": settings.sample_rate_hz,
        "FRAME_SIZE": settings.window_size_ms * settings.sample_rate_hz // 1000,
        "FRAME_STRIDE": settings.window_step_ms * settings.sample_rate_hz // 1000,
        "WINDOW_SIZE": columns,
        "SPECTRUM_SIZE": values,
    }
    if isinstance(settings, SpectrumSettings):
        # In braces: initialisers of an array, where each value of a frame has its own.
        defines |= {"SPECTRUM_MEANS": settings.means} if settings.means else {"SPECTRUM_MEAN": settings.mean}
        defines |= {"SPECTRUM_STDS": settings.stds} if settings.stds else {"SPECTRUM_STD": settings.std}
    return defines
