"""Any transform of audiomentations as an effect."""

import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from mltk_like.audio.augment.level import Samples
from mltk_like.errors import SettingError, ToolError

Effect = Callable[[Samples, np.random.Generator], Samples]


def audiomentation(transform: str | Callable[..., Any], *, sample_rate_hz: int = 16_000, **parameters: Any) -> Effect:
    """An effect that runs a transform of audiomentations, with chance from `rng` alone.

    Make it once, at the top of the model's file, and call it in `augment_clip` or `augment`. The package is imported
    at the first call, so that listing models stays fast::

        higher = effects.audiomentation("PitchShift", min_semitones=-3, max_semitones=3, p=0.5)
        ...
        clip = higher(clip, rng)

    Args:
        transform: name of a class in audiomentations, or a transform that was made already (a `Compose`, for example).
        sample_rate_hz: rate of the samples.
        parameters: of the class.

    Raises:
        SettingError: at the first call: audiomentations has no such class, or the class refuses the parameters.
        ToolError: at the first call: a package is not installed.
    """
    return _Audiomentation(transform, sample_rate_hz, parameters)


class _Audiomentation:
    def __init__(self, transform: str | Callable[..., Any], sample_rate_hz: int, parameters: dict[str, Any]) -> None:
        if not isinstance(transform, str) and parameters:
            raise SettingError(
                "parameters were given for a transform that is made already", "set them where it is made"
            )
        self._transform = transform
        self._sample_rate_hz = sample_rate_hz
        self._parameters = parameters

    def __call__(self, samples: Samples, rng: np.random.Generator) -> Samples:
        if isinstance(self._transform, str):
            self._transform = _make(self._transform, self._parameters)
        seed = int(rng.integers(2**32))
        with _GlobalChance(seed):
            changed = self._transform(samples.astype(np.float32, copy=True), sample_rate=self._sample_rate_hz)
        return np.ascontiguousarray(changed, dtype=np.float32)


def _make(name: str, parameters: dict[str, Any]) -> Callable[..., Any]:
    try:
        import audiomentations
    except ImportError as error:
        raise ToolError("audiomentations is missing", "pip install 'mltk_like[augment]'") from error
    made = getattr(audiomentations, name, None)
    if made is None:
        known = [found for found in dir(audiomentations) if found[0].isupper()]
        raise SettingError(f"audiomentations has no {name!r}", f"it has {', '.join(known)}")
    try:
        transform: Callable[..., Any] = made(**parameters)
    except ImportError as error:
        raise ToolError(f"audiomentations.{name}: {error}", "pip install 'mltk_like[augment]'") from error
    except (TypeError, ValueError, AssertionError) as error:
        raise SettingError(f"audiomentations.{name}: {error}", "see its documentation for the parameters") from error
    return transform


class _GlobalChance:
    """Python's and NumPy's global generators, seeded for a while and then put back: audiomentations draws from both."""

    _lock = threading.Lock()

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __enter__(self) -> None:
        self._lock.acquire()
        self._before = random.getstate(), np.random.get_state()  # noqa: NPY002
        random.seed(self._seed)
        np.random.seed(self._seed)  # noqa: NPY002

    def __exit__(self, *unused: object) -> None:
        python, numpy = self._before
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        self._lock.release()
