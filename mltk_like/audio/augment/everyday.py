"""What a microphone in a room makes of a dry clip, in one call each: the augmentation of the shipped keyword models."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.augment.level import add_at_level, add_at_snr, add_white_noise, gain, set_level
from mltk_like.audio.augment.spectrum import limit_band, shape_spectrum
from mltk_like.audio.augment.timing import change_speed

Samples = NDArray[np.float32]


class Sounds(Protocol):
    """Where noise and rooms come from, such as `data.NoiseBank`."""

    def ambience(self, rng: np.random.Generator, length: int) -> Samples:
        """Background sound: float32 (length,)."""

    def babble(self, rng: np.random.Generator, length: int) -> Samples:
        """Many voices at once: float32 (length,)."""

    def microphone(self, rng: np.random.Generator, length: int) -> Samples:
        """Self-noise of a microphone: float32 (length,)."""

    def room(self, rng: np.random.Generator) -> Samples | None:
        """An impulse response, or None."""


def vary_voice(clip: Samples, rng: np.random.Generator, sounds: Sounds) -> Samples:
    """Another speed, voice, microphone, room and level: for a model's `augment_clip`. (n,) -> (about n,).

    Speed and pitch by 0.78 to 1.25 together; in half of the clips a room; the spectrum bent by 6 dB; a third of them
    without what is above 3.4 to 6.5 kHz, as recordings at 8 and 11 kHz are, which would else be told by that; -55 to
    -10 dBFS.

    Args:
        clip: float32 (n,).
        rng: chance.
        sounds: gives the rooms.
    """
    clip = change_speed(clip, rng, factor=(0.78, 1.25))
    room = sounds.room(rng) if rng.random() < 0.5 else None
    clip = shape_spectrum(clip, rng, db=6.0, room=room)
    if rng.random() < 0.35:
        clip = limit_band(clip, rng, low_hz=(20, 200), high_hz=(3400, 6500))
    return set_level(clip, rng, dbfs=(-55.0, -10.0))


def surround(scene: Samples, rng: np.random.Generator, sounds: Sounds) -> Samples:
    """Noise of a microphone, and of what is going on around it: for a model's `augment`. (n,) -> (n,).

    Microphone noise of -80 to -60 dBFS; in 75 % of the scenes background or, in two of five of these, babble at -3 to
    40 dB (-60 to -20 dBFS where nobody speaks); white noise in a quarter of them; a gain of -6 to 6 dB at last.

    Args:
        scene: float32 (n,).
        rng: chance.
        sounds: gives the noise.
    """
    scene = add_at_level(scene, sounds.microphone(rng, len(scene)), dbfs=rng.uniform(-80.0, -60.0))
    if rng.random() < 0.75:
        noise = sounds.babble(rng, len(scene)) if rng.random() < 0.4 else sounds.ambience(rng, len(scene))
        scene = add_at_snr(scene, noise, rng, snr_db=(-3.0, 40.0), silence_dbfs=(-60.0, -20.0))
    if rng.random() < 0.25:
        scene = add_white_noise(scene, rng, snr_db=(30.0, 60.0))
    return gain(scene, rng, db=(-6.0, 6.0))
