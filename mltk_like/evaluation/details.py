"""What lies behind the figures of an evaluation: which words were missed, what the model fired on, how long it took.

A file is named as `paths.portable` stores it (`paths.unportable` gives the path back), and a time is in seconds from
the start of that file, so that anything listed here can be heard again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mltk_like.data.clip import Clip
from mltk_like.metrics import poisson_interval, wilson_interval


@dataclass(frozen=True, kw_only=True)
class Miss:
    """A word that was not detected.

    Attributes:
        condition: 'clean', or for example '10 dB'.
        index: number of the positive clip.
        file: in which it can be heard.
        time_s: where the clip starts in the file.
        end_s: where the word ends in the file.
        score: highest mean score of its class, 0..255; above the threshold where another class was ahead of it.
        label: the word.
        group: who said it.
        source: where the recording is from.
    """

    condition: str
    index: int
    file: str
    time_s: float
    end_s: float
    score: int
    label: str
    group: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class FalseAccept:
    """Something that the model took for a word.

    Attributes:
        file: in which it can be heard.
        time_s: when it was detected, from the start of the file; what set it off lies in the net's window before, and
            the file may have ended meanwhile.
        stream_s: the same from the start of all negatives in a row.
        score: highest mean score of the class within the merging time, 0..255.
        label: the word that it was taken for.
        group: who is heard.
        source: where the recording is from.
    """

    file: str
    time_s: float
    stream_s: float
    score: int
    label: str
    group: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Time from the end of the word to its detection. The word ends with the last 10 ms within 30 dB of its loudest.

    Attributes:
        condition: 'clean', or for example '10 dB'.
        threshold: at which it was taken.
        detected: words that were found, over which the figures are.
        median_ms: below 0 where the word was detected before it ended; None when none was found.
        p95_ms: 95 of 100 are faster.
    """

    condition: str
    threshold: int
    detected: int
    median_ms: float | None
    p95_ms: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        if self.median_ms is None or self.p95_ms is None:
            return "no word was found"
        return f"{self.median_ms / 1000:.2f} s after the end of the word (median), {self.p95_ms / 1000:.2f} s (95 %)"


@dataclass(frozen=True, kw_only=True)
class MissesOf:
    """Misses of one part of the positives at the model's own threshold.

    Attributes:
        by: 'word', 'group' or 'source'.
        name: which.
        condition: 'clean', or for example '10 dB'.
        misses, positives: clips.
    """

    by: str
    name: str
    condition: str
    misses: int
    positives: int

    def to_dict(self) -> dict[str, Any]:
        """JSON values, with the share and Wilson's 95 % interval."""
        share = {"misses_fraction": self.misses / self.positives}
        return {**asdict(self), **share, "misses_interval_95": list(wilson_interval(self.misses, self.positives))}


@dataclass(frozen=True, kw_only=True)
class FalseAcceptsOf:
    """False accepts of one part of the negatives at the model's own threshold.

    Attributes:
        by: 'group' or 'source'.
        name: which.
        false_accepts: events.
        hours: that were heard.
    """

    by: str
    name: str
    false_accepts: int
    hours: float

    def to_dict(self) -> dict[str, Any]:
        """JSON values, with the rate and its Poisson 95 % interval."""
        low, high = poisson_interval(self.false_accepts)
        interval = [low / self.hours, high / self.hours] if self.hours else None
        rate = self.false_accepts / self.hours if self.hours else None
        return {**asdict(self), "false_accepts_per_hour": rate, "false_accepts_per_hour_interval_95": interval}


def latency_of(condition: str, threshold: int, delays_ms: Sequence[float]) -> Latency:
    """Median and 95th percentile of the words found."""
    known = len(delays_ms) > 0
    return Latency(
        condition=condition,
        threshold=threshold,
        detected=len(delays_ms),
        median_ms=float(np.median(delays_ms)) if known else None,
        p95_ms=float(np.percentile(delays_ms, 95)) if known else None,
    )


def misses_by(
    clips: Sequence[Clip], peaks: Mapping[str, Sequence[int]], thresholds: Mapping[str, int]
) -> list[MissesOf]:
    """Misses by word, group and source, in each condition; what is all one is left out.

    Args:
        clips: the positives.
        peaks: highest level of each clip, by condition.
        thresholds: of each word.
    """
    rows = []
    for by, names in _parts(clips, ("word", "group", "source")).items():
        for condition, levels in peaks.items():
            missed = [level <= thresholds[clip.label] for clip, level in zip(clips, levels, strict=True)]
            rows += [
                MissesOf(by=by, name=name, condition=condition, misses=sum(missed[i] for i in own), positives=len(own))
                for name, own in names.items()
            ]
    return rows


def false_accepts_by(clips: Sequence[Clip], seconds: Sequence[float], found: Sequence[int]) -> list[FalseAcceptsOf]:
    """False accepts by group and source; what is all one is left out.

    Args:
        clips: the negatives.
        seconds: heard of each.
        found: number of the negative of each event.
    """
    return [
        FalseAcceptsOf(
            by=by,
            name=name,
            false_accepts=sum(index in own for index in found),
            hours=sum(seconds[index] for index in own) / 3600,
        )
        for by, names in _parts(clips, ("group", "source")).items()
        for name, own in ((name, set(numbers)) for name, numbers in names.items())
    ]


def _parts(clips: Sequence[Clip], ways: Sequence[str]) -> dict[str, dict[str, list[int]]]:
    """Numbers of the clips of each word, group and source, by name; only ways that make several parts."""
    found: dict[str, dict[str, list[int]]] = {}
    for by in ways:
        names: dict[str, list[int]] = {}
        for index, clip in enumerate(clips):
            names.setdefault(clip.label if by == "word" else getattr(clip, by), []).append(index)
        if len(names) > 1:
            found[by] = dict(sorted(names.items()))
    return found
