"""Augmentations: pure NumPy functions on float32 (samples,) in -1..1, with chance only from `rng`.

Levels are in dBFS: decibels of the root mean square relative to full scale (1.0). Silence that was padded around a clip
is exact zeros and is left out of a clip's level, so that a short word in a long window gets the SNR that was asked for.
No effect changes the array it is given. The code is in `mltk_like.audio.augment`.
"""

from mltk_like.audio.augment.distortion import (
    clip_peaks,
    compress,
    quantise_mu_law,
    saturate,
    saturate_softly,
    telephone,
)
from mltk_like.audio.augment.everyday import Sounds, surround, vary_voice
from mltk_like.audio.augment.foreign import Effect, audiomentation
from mltk_like.audio.augment.level import (
    Range,
    Samples,
    add_at_level,
    add_at_snr,
    add_offset,
    add_white_noise,
    gain,
    invert_polarity,
    level_dbfs,
    set_level,
    white_noise,
)
from mltk_like.audio.augment.masks import mask_spectrogram
from mltk_like.audio.augment.spectrum import limit_band, reverberate, shape_spectrum
from mltk_like.audio.augment.timing import change_pitch, change_speed, change_tempo, shift_time

__all__ = [
    "Effect",
    "Range",
    "Samples",
    "Sounds",
    "add_at_level",
    "add_at_snr",
    "add_offset",
    "add_white_noise",
    "audiomentation",
    "change_pitch",
    "change_speed",
    "change_tempo",
    "clip_peaks",
    "compress",
    "gain",
    "invert_polarity",
    "level_dbfs",
    "limit_band",
    "mask_spectrogram",
    "quantise_mu_law",
    "reverberate",
    "saturate",
    "saturate_softly",
    "set_level",
    "shape_spectrum",
    "shift_time",
    "surround",
    "telephone",
    "vary_voice",
    "white_noise",
]
