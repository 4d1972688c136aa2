"""Recordings in the formats of the packages as 16 kHz mono."""

import io
import logging
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mltk_like.audio.rates import rate_fault
from mltk_like.audio.wav import Int16, to_int16
from mltk_like.data.debian.g722 import SUFFIX as G722_SUFFIX
from mltk_like.data.debian.g722 import decode as decode_g722
from mltk_like.data.debian.packages import RawFormat
from mltk_like.errors import DataError
from mltk_like.quiet import libraries_silent

logger = logging.getLogger(__name__)

RATE_HZ = 16_000
_WITH_HEADER = (".wav", ".ogg", ".sb")
_MIN_SECONDS = 0.15
_MIN_PEAK = 0.01


def decoded(
    items: Sequence[tuple[str, Callable[[], bytes]]], raw: RawFormat | None = None
) -> Iterator[tuple[str, Int16]]:
    """Name and samples of recordings; those that are unreadable, silent or shorter than 0.15 s are left out.

    Args:
        items: name and content of each.
        raw: format of files without a header.

    Yields:
        The name, and int16 of shape (samples,) at 16 kHz.
    """
    g722 = [(name, read) for name, read in items if name.endswith(G722_SUFFIX)]
    for (name, _), samples in zip(g722, decode_g722([read() for _, read in g722]), strict=True):
        if _is_heard(samples):
            yield name, samples
    for name, read in items:
        if not name.endswith(G722_SUFFIX):
            try:
                samples = _decode(read(), name, raw)
            except DataError as error:
                logger.info("%s", error.message)
                continue
            if _is_heard(samples):
                yield name, samples


def _decode(data: bytes, name: str, raw: RawFormat | None) -> Int16:
    """Samples of a recording at 16 kHz.

    Args:
        data: the file's content.
        name: its name, whose ending tells whether there is a header.
        raw: format of files without one.

    Returns:
        int16, shape (samples,).

    Raises:
        DataError: it is no audio.
    """
    import soundfile
    import soxr

    given = {}
    if raw and not name.lower().endswith(_WITH_HEADER):
        given = {"format": "RAW", "subtype": raw[0], "samplerate": raw[1], "channels": 1}
    try:
        with libraries_silent():
            samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True, **given)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise DataError(f"cannot read audio from {name}: {getattr(error, 'error_string', error)}") from error
    if fault := rate_fault(rate):
        raise DataError(f"cannot read audio from {name}: {fault}")
    mono = samples.mean(axis=1, dtype=np.float32)
    if not np.isfinite(mono).all():
        raise DataError(f"cannot read audio from {name}: it holds values that are not numbers")
    return to_int16(soxr.resample(mono, rate, RATE_HZ) if rate != RATE_HZ else mono)


def _is_heard(samples: Int16) -> bool:
    loud = np.abs(samples.astype(np.int32)) >= _MIN_PEAK * 32768
    return len(samples) >= _MIN_SECONDS * RATE_HZ and bool(loud.any())


def flac(samples: Int16) -> bytes:
    """A mono 16 kHz FLAC file of int16 samples, shape (samples,)."""
    import soundfile

    data = io.BytesIO()
    soundfile.write(data, samples, RATE_HZ, format="FLAC", subtype="PCM_16")
    return data.getvalue()
