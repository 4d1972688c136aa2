"""Effects of what is between mouth and file: overdrive, clipping, codecs."""

import io
from typing import Literal

import numpy as np

from mltk_like.audio.augment.level import Range, Samples
from mltk_like.audio.augment.spectrum import limit_band
from mltk_like.errors import ToolError

_NOTHING = 1e-30  # quieter than this is silence: a gain that brings it to full scale is no float32


def saturate(samples: Samples, rng: np.random.Generator, *, db: Range) -> Samples:
    """Overdrive by a random gain over full scale and clip, as a microphone too near does; the level is kept."""
    peak = float(np.max(np.abs(samples), initial=0.0))
    if peak < _NOTHING:
        return samples
    drive = np.float32(10 ** (rng.uniform(*db) / 20) / peak)
    driven: Samples = np.clip(samples * drive, -1.0, 1.0) / drive
    return driven


def saturate_softly(samples: Samples, rng: np.random.Generator, *, db: Range) -> Samples:
    """As `saturate`, but bent by tanh instead of cut: a valve, a tape, a limiter. The level of quiet parts is kept."""
    peak = float(np.max(np.abs(samples), initial=0.0))
    if peak < _NOTHING:
        return samples
    drive = np.float32(10 ** (rng.uniform(*db) / 20) / peak)
    driven: Samples = np.tanh(samples * drive) / drive
    return driven


def clip_peaks(samples: Samples, rng: np.random.Generator, *, share: Range) -> Samples:
    """Clip so that a random share of the samples (0 to 1) lies at the limit: (n,) -> (n,)."""
    drawn = rng.uniform(*share)
    if not len(samples):
        return samples
    sizes = np.abs(samples)
    kept = min(max(round((1 - drawn) * (len(samples) - 1)), 0), len(samples) - 1)
    limit = np.partition(sizes, kept)[kept]
    clipped: Samples = np.clip(samples, -limit, limit)
    return clipped


def quantise_mu_law(samples: Samples, rng: np.random.Generator, *, bits: tuple[int, int] = (6, 8)) -> Samples:
    """Round on a logarithmic scale of a random number of bits, as telephony does (ITU-T G.711, mu = 255)."""
    steps = np.float32(2 ** (int(rng.integers(bits[0], bits[1], endpoint=True)) - 1) - 1)
    sizes = np.minimum(np.abs(samples), np.float32(1.0))
    codes = np.rint(np.log1p(np.float32(255) * sizes) * (steps / np.float32(np.log(256))))
    rounded = np.expm1(codes * (np.float32(np.log(256)) / steps)) * np.float32(1 / 255)
    return np.copysign(rounded, samples).astype(np.float32, copy=False)


def telephone(samples: Samples, rng: np.random.Generator, *, sample_rate_hz: int = 16_000) -> Samples:
    """A call: 300 to 3400 Hz (edges drawn within 20 %), then 8-bit mu-law. Level falls by what is removed."""
    narrow = limit_band(samples, rng, low_hz=(240, 360), high_hz=(3000, 3800), sample_rate_hz=sample_rate_hz)
    return quantise_mu_law(narrow, rng, bits=(8, 8))


def compress(
    samples: Samples,
    rng: np.random.Generator,
    *,
    codec: Literal["mp3", "ogg"] = "ogg",
    compression: Range = (0.5, 1.0),
    sample_rate_hz: int = 16_000,
) -> Samples:
    """Encode and decode by MP3 or Ogg Vorbis; `compression` runs from 0 (best) to 1 (smallest). (n,) -> (n,).

    It takes some milliseconds, so call it on a small share of the clips.

    Raises:
        ToolError: soundfile is not installed, or its libsndfile lacks the codec.
    """
    try:
        import soundfile
    except ImportError as error:
        raise ToolError("soundfile is missing", "pip install 'mltk_like'") from error
    level = rng.uniform(*compression)
    kind, subtype = {"mp3": ("MP3", "MPEG_LAYER_III"), "ogg": ("OGG", "VORBIS")}[codec]
    file = io.BytesIO()
    try:
        soundfile.write(file, samples, sample_rate_hz, format=kind, subtype=subtype, compression_level=level)
        file.seek(0)
        decoded, _ = soundfile.read(file, dtype="float32")
    except (soundfile.SoundFileError, ValueError) as error:
        raise ToolError(f"libsndfile cannot encode {codec}: {error}", "use a newer soundfile") from error
    decoded = decoded[: len(samples)]
    return np.pad(decoded, (0, len(samples) - len(decoded)))
