"""Where something happens in a recording: stretches that are louder than its background."""

import numpy as np
import numpy.typing as npt

from mltk_like.data.labels import Interval
from mltk_like.errors import SettingError

Int16 = npt.NDArray[np.int16]

_FRAME_S = 0.01
# A recording that is as quiet as this all along has no events, however much its noise varies.
_SILENCE_DBFS = -70.0
_BACKGROUND_PERCENTILE = 20


def loud_segments(
    samples: Int16,
    sample_rate_hz: int,
    label: str,
    *,
    above_db: float = 12.0,
    gap_s: float = 0.25,
    pad_s: float = 0.05,
    shortest_s: float = 0.02,
    segment_s: float | None = None,
) -> list[Interval]:
    """Stretches whose level is above the background's, as intervals by time that do not overlap.

    The level is that of frames of 10 ms; the background is the level that a fifth of the frames are below.

    Args:
        samples: int16 (samples,).
        sample_rate_hz: in Hz.
        label: of all intervals.
        above_db: how much louder than the background an event is.
        gap_s: quiet for no longer than this is part of an event: knocks in a row are one.
        pad_s: before and after an event that belongs to it.
        shortest_s: shorter ones are left out, without the padding.
        segment_s: every interval is so long, from `pad_s` before the event; none: as long as the event.

    Raises:
        SettingError: a length or level is below 0.
    """
    if min(above_db, gap_s, pad_s, shortest_s) < 0 or (segment_s is not None and segment_s <= 0):
        raise SettingError("a length or level of the segments is below 0", "give 0 or more")
    frame = max(round(_FRAME_S * sample_rate_hz), 1)
    frame_s = frame / sample_rate_hz
    count = len(samples) // frame
    if not count:
        return []
    power = np.square(samples[: count * frame].reshape(count, frame).astype(np.float64)).mean(axis=1)
    level = 10 * np.log10(power / 32768**2 + 1e-12)
    background = max(float(np.percentile(level, _BACKGROUND_PERCENTILE)), _SILENCE_DBFS)
    loud = np.flatnonzero(level > background + above_db)
    if not len(loud):
        return []
    ends = np.flatnonzero(np.diff(loud) * frame_s > gap_s + frame_s)
    firsts, lasts = loud[np.r_[0, ends + 1]], loud[np.r_[ends, len(loud) - 1]] + 1
    found: list[Interval] = []
    total = len(samples) / sample_rate_hz
    for first, last in zip(firsts * frame_s, lasts * frame_s, strict=True):
        # Half a frame less: what lasts as long as asked is not lost to rounding.
        if last - first < shortest_s - frame_s / 2:
            continue
        # Padding must not reach into the interval before.
        start = max(first - pad_s, found[-1].end_s if found else 0.0)
        end = min(start + segment_s if segment_s else last + pad_s, total)
        if segment_s is None or end - start >= segment_s - frame_s:
            found.append(Interval(start_s=float(start), end_s=float(end), label=label))
    return found
