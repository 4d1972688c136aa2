"""Streams of audio, and what a model scores along them at the pace of the device."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.energy_gate import EnergyGateSettings, StepGate
from mltk_like.audio.frontend import AnySettings, Frontend

Int16 = NDArray[np.int16]
Scorer = Callable[[NDArray[np.int8]], NDArray[np.uint8]]
"""Windows int8 (n, time, bands) -> scores uint8 (n, classes)."""

# As the recordings of the shared figures are padded: quiet room before and after the word.
LEAD_S = 1.5
TRAIL_S = 1.0
FLOOR_DBFS = -75.0
GAP_S = 0.3

_BLOCK_S = 60
_CLIPS_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class ScoredStream:
    """Scores along one stream.

    Attributes:
        scores: uint8 (steps, classes), of the steps in which the net ran.
        times_ms: int64 (steps,): end of each window from the start of the stream.
        duration_s: length of the stream.
    """

    scores: NDArray[np.uint8]
    times_ms: NDArray[np.int64]
    duration_s: float


class StreamScorer:
    """Slides a model's window along audio, one step every `latency_ms`, with the front end's state kept.

    Args:
        settings: front end.
        latency_ms: time between two inferences.
        score: the net.
        gate: energy gate, which keeps the net from steps that are quiet; None: always open.
    """

    def __init__(
        self, settings: AnySettings, latency_ms: int, score: Scorer, gate: EnergyGateSettings | None = None
    ) -> None:
        self._settings = settings
        self._latency_ms = latency_ms
        self._score = score
        self._gate = gate
        self._frontend = Frontend(settings, settings.column_type)
        self._columns = settings.spectrogram_shape[0]

    def clips(self, clips: Iterable[Int16]) -> list[ScoredStream]:
        """Each clip as a stream of its own; the net sees many at once, which is faster and changes nothing."""
        result: list[ScoredStream] = []
        for group in _groups(clips, _CLIPS_AT_ONCE):
            steps = [self._steps(self._ends_ms(len(clip)), self._open_gate(clip)) for clip in group]
            windows = [
                self._frontend.windows(self._frontend(clip), starts) if len(starts) else self._no_windows()
                for clip, (starts, _) in zip(group, steps, strict=True)
            ]
            scores = self._score(np.concatenate(windows))
            ends = np.cumsum([len(starts) for starts, _ in steps])
            for clip, (_, times), part in zip(group, steps, np.split(scores, ends[:-1]), strict=True):
                result.append(
                    ScoredStream(scores=part, times_ms=times, duration_s=len(clip) / self._settings.sample_rate_hz)
                )
        return result

    def long(self, blocks: Iterable[Int16]) -> ScoredStream:
        """One stream of any length, given in blocks of any size; memory does not grow with it but for the scores."""
        stream, gate = self._frontend.stream(), self._open_gate()
        rate = self._settings.sample_rate_hz
        kept = np.zeros((0, self._settings.spectrogram_shape[1]), dtype=self._settings.column_type)
        first, samples, done = 0, 0, 0
        scores, times = [], []
        for block in blocks:
            samples += len(block)
            kept = np.concatenate([kept, stream.push(block)])
            if gate is not None:
                gate.push(block)
            ends = self._ends_ms(samples, done)
            if len(ends) == 0:
                continue
            done += len(ends)
            starts, ran = self._steps(ends, gate)
            if len(starts):
                scores.append(self._score(self._frontend.windows(kept, starts - first)))
                times.append(ran)
            drop = max(int(self._starts(ends[-1:])[0]) - first, 0)
            kept, first = kept[drop:], first + drop
        classes = (0, scores[0].shape[1]) if scores else (0, 0)
        return ScoredStream(
            scores=np.concatenate(scores) if scores else np.zeros(classes, np.uint8),
            times_ms=np.concatenate(times) if times else np.zeros(0, np.int64),
            duration_s=samples / rate,
        )

    def _open_gate(self, samples: Int16 | None = None) -> StepGate | None:
        if self._gate is None:
            return None
        gate = StepGate(self._gate, self._settings.step_samples)
        gate.push(np.zeros(0, np.int16) if samples is None else samples)
        return gate

    def _ends_ms(self, samples: int, done: int = 0) -> NDArray[np.int64]:
        """When the steps end that `samples` reach, but for the first `done`, in ms."""
        count = samples * 1000 // (self._settings.sample_rate_hz * self._latency_ms)
        return np.arange(done + 1, count + 1, dtype=np.int64) * self._latency_ms

    def _starts(self, ends_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """First column of the last whole window of each step; below 0 where there is none yet."""
        settings = self._settings
        heard = ends_ms * settings.sample_rate_hz // 1000
        ready: NDArray[np.int64] = (heard - settings.window_samples) // settings.step_samples + 1
        return ready - self._columns

    def _steps(self, ends_ms: NDArray[np.int64], gate: StepGate | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First column of each window that the net sees, and time of its end in ms."""
        starts = self._starts(ends_ms)
        runs = starts >= 0
        if gate is not None:
            runs &= gate.passes(ends_ms * self._settings.sample_rate_hz // 1000)
        return starts[runs], ends_ms[runs]

    def _no_windows(self) -> NDArray[np.int8]:
        return np.zeros((0, *self._settings.spectrogram_shape), dtype=np.int8)


def quiet_room(rng: np.random.Generator, seconds: float, rate: int) -> Int16:
    """Noise of -75 dBFS: int16 (samples,)."""
    return _to_int16(_floor(rng, round(seconds * rate)))


def _floor(rng: np.random.Generator, length: int) -> NDArray[np.float32]:
    noise: NDArray[np.float32] = rng.standard_normal(length, dtype=np.float32)
    return noise * np.float32(32768 * 10 ** (FLOOR_DBFS / 20))


def pad_clip(clip: Int16, rate: int, rng: np.random.Generator) -> Int16:
    """A word in a quiet room: 1.5 s before, 1 s after, with noise of -75 dBFS under all of it."""
    padded = _floor(rng, round(LEAD_S * rate) + len(clip) + round(TRAIL_S * rate))
    start = round(LEAD_S * rate)
    padded[start : start + len(clip)] += clip
    return _to_int16(padded)


def mix_at_snr(padded: Int16, clip: Int16, noise: Int16, snr_db: float) -> Int16:
    """Noise over a padded clip at a signal-to-noise ratio relative to the clip itself (its loud parts: 20 ms frames).

    A frame counts as loud when it is within 30 dB of the loudest, so that silence kept in a recording does not make the
    word seem quieter than it is.
    """
    signal, own = _active_power(clip), float(np.mean(np.square(noise, dtype=np.float64)))
    if own == 0 or signal == 0:
        return padded
    scale = np.sqrt(signal / own * 10 ** (-snr_db / 10))
    return _to_int16(padded + scale * np.resize(noise, len(padded)))


def joined(
    recordings: Iterable[Iterable[Int16]], rate: int, rng: np.random.Generator, starts: list[int] | None = None
) -> Iterator[Int16]:
    """Recordings (each in blocks) in a row with gaps of 0.3 s of noise at -75 dBFS, in blocks of about a minute.

    Where each recording begins, in samples of the row, is appended to `starts` as it is reached.
    """
    pieces: list[Int16] = []
    size = done = 0
    for recording in recordings:
        if starts is not None:
            starts.append(done + size)
        for piece in itertools.chain(recording, [quiet_room(rng, GAP_S, rate)]):
            pieces.append(piece)
            size += len(piece)
            if size >= _BLOCK_S * rate:
                yield np.concatenate(pieces)
                done += size
                pieces, size = [], 0
    if pieces:
        yield np.concatenate(pieces)


def word_end_s(clip: Int16, rate: int) -> float:
    """Where the word in a clip ends, in seconds: the end of the last frame of 10 ms within 30 dB of the loudest."""
    frame = max(rate // 100, 1)
    frames = len(clip) // frame
    if not frames:
        return len(clip) / rate
    power = np.square(clip[: frames * frame].reshape(frames, -1), dtype=np.float64).mean(axis=1)
    last = int(np.flatnonzero(power >= power.max() / 1000)[-1])
    return (last + 1) * frame / rate


def _active_power(clip: Int16) -> float:
    frames = max(len(clip) // 320, 1)
    power = np.square(np.resize(clip, frames * 320).reshape(frames, -1), dtype=np.float64).mean(axis=1)
    return float(power[power >= power.max() / 1000].mean())


def _to_int16(samples: NDArray[np.floating]) -> Int16:
    rounded: Int16 = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return rounded


def _groups(items: Iterable[Int16], size: int) -> Iterator[Sequence[Int16]]:
    group: list[Int16] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
