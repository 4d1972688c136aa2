"""Decoder of ITU-T G.722 (09/2012) at 64 kbit/s: 16 kHz speech in two bands, a byte for two samples.

Each band is adaptive differential PCM, and a sample follows from the one before it. So many files are decoded side by
side, one a lane: NumPy then does in one step what all of them need. Names follow the blocks of section 6 of the
Recommendation, where every word has 16 bits, products lose 15 bits, and sums saturate.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mltk_like.audio.wav import Int16

SUFFIX = ".g722"

_Int32 = npt.NDArray[np.int32]


def _words(*values: int) -> _Int32:
    return np.array(values, np.int32)


# Inverse quantisers of 6, 4 and 2 bits (tables 19, 18 and 17).
_QM6 = _words(
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
    -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
    24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
    4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
)  # fmt: skip
_QM4 = _words(
    0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
)  # fmt: skip
_QM2 = _words(-7408, -1616, 7408, 1616)
# Steps of the logarithmic scale factors, by the code of each band.
_WL = _words(-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60)
_WH = _words(798, -214, 798, -214)
_ILB = _words(
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
    2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
)  # fmt: skip
_SCALE_LIMITS = _words(18432, 22528)[:, None]
_SCALE_SHIFTS = _words(8, 10)[:, None]
# Every other coefficient of the receiving quadrature mirror filter; the others are these in reverse.
_QMF = _words(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11)
# Lanes that have ended are dropped this often.
_STRETCH = 512


def decode(streams: Sequence[bytes]) -> list[Int16]:
    """Decode streams of any lengths.

    Args:
        streams: content of files; a stream of n bytes is n / 8000 seconds.

    Returns:
        For each, int16 samples at 16 kHz, shape (2 n,).
    """
    order = sorted(range(len(streams)), key=lambda index: -len(streams[index]))
    sizes = [len(streams[index]) for index in order]
    codes = np.zeros((max(sizes, default=0), len(order)), np.uint8)
    for lane, index in enumerate(order):
        codes[: sizes[lane], lane] = np.frombuffer(streams[index], np.uint8)
    bands = np.zeros((*codes.shape, 2), np.int16)
    state = _State(len(order))
    for start in range(0, len(codes), _STRETCH):
        lanes = sum(size > start for size in sizes)
        state.keep(lanes)
        for at in range(start, min(start + _STRETCH, len(codes))):
            bands[at, :lanes] = state.step(codes[at, :lanes]).T
    decoded = {index: _join(bands[: sizes[lane], lane]) for lane, index in enumerate(order)}
    return [decoded[index] for index in range(len(streams))]


class _State:
    """Predictors and scale factors of both bands (first axis: low, high) of all lanes (last axis)."""

    def __init__(self, lanes: int) -> None:
        self.predicted = np.zeros((2, lanes), np.int32)
        self.scale = np.zeros((2, lanes), np.int32)
        self.step_size = np.repeat(_words(32, 8)[:, None], lanes, axis=1)
        # Two signals (r) and partial signals (p) before, the two poles (a); six differences (d) before, six zeros (b).
        self.signals, self.partials, self.poles = (np.zeros((2, 2, lanes), np.int32) for _ in range(3))
        self.differences, self.zeros = (np.zeros((6, 2, lanes), np.int32) for _ in range(2))
        self.zero_part = np.zeros((2, lanes), np.int32)

    def keep(self, lanes: int) -> None:
        """Drop all lanes but the first."""
        for name, array in vars(self).items():
            setattr(self, name, np.ascontiguousarray(array[..., :lanes]))

    def step(self, codes: npt.NDArray[np.uint8]) -> _Int32:
        """The next sample of both bands, shape (2, lanes), for the next byte of each lane."""
        low, high = codes & 0x3F, codes >> 6
        # The low band is heard with six bits and predicted from four, so that two may be stolen on the way.
        heard = self.step_size * np.stack([_QM6[low], _QM2[high]]) >> 15
        samples: _Int32 = np.clip(self.predicted + heard, -16384, 16383)
        difference = heard
        difference[0] = self.step_size[0] * _QM4[low >> 2] >> 15
        self._adapt_scale(np.stack([_WL[low >> 2], _WH[high]]))
        self._adapt_predictor(difference)
        return samples

    def _adapt_scale(self, steps: _Int32) -> None:
        """LOGSCL, LOGSCH, SCALEL, SCALEH."""
        self.scale = np.clip((self.scale * 127 >> 7) + steps, 0, _SCALE_LIMITS)
        mantissa = _ILB[(self.scale >> 6) & 31]
        shift = _SCALE_SHIFTS - (self.scale >> 11)
        self.step_size = np.where(shift < 0, mantissa << np.maximum(-shift, 0), mantissa >> np.maximum(shift, 0)) << 2

    def _adapt_predictor(self, difference: _Int32) -> None:
        """RECONS, PARREC, UPPOL2, UPPOL1, UPZERO, DELAYA, FILTEP, FILTEZ, PREDIC."""
        signal = _saturated(self.predicted + difference)
        partial = _saturated(self.zero_part + difference)
        same = (partial < 0) == (self.partials < 0)
        first, second = self.poles
        push = _saturated(first << 2)
        push = np.minimum(np.where(same[0], -push, push), 32767) >> 7
        second = np.clip(push + np.where(same[1], 128, -128) + (second * 32512 >> 15), -12288, 12288)
        limit = 15360 - second
        first = np.clip(_saturated((first * 32640 >> 15) + np.where(same[0], 192, -192)), -limit, limit)
        self.poles = np.stack([first, second])
        away = np.where((self.differences < 0) == (difference < 0), 128, -128) * (difference != 0)
        self.zeros = _saturated((self.zeros * 32640 >> 15) + away)
        self.differences = np.concatenate([difference[None], self.differences[:-1]])
        self.signals = np.stack([signal, self.signals[0]])
        self.partials = np.stack([partial, self.partials[0]])
        pole_part = _saturated((self.poles * _saturated(2 * self.signals) >> 15).sum(axis=0, dtype=np.int32))
        self.zero_part = _saturated((self.zeros * _saturated(2 * self.differences) >> 15).sum(axis=0, dtype=np.int32))
        self.predicted = _saturated(pole_part + self.zero_part)


def _saturated(values: _Int32) -> _Int32:
    clipped: _Int32 = np.clip(values, -32768, 32767)
    return clipped


def _join(bands: Int16) -> Int16:
    """The quadrature mirror filter that joins the bands, shape (n, 2), to samples, shape (2 n,)."""
    if not len(bands):
        return np.zeros(0, np.int16)
    low, high = bands.T.astype(np.int64)
    count = len(low)
    even = np.convolve(low - high, _QMF)[:count]
    odd = np.convolve(low + high, _QMF[::-1])[:count]
    joined: Int16 = np.clip(np.stack([even, odd], axis=1) >> 11, -32768, 32767).reshape(-1).astype(np.int16)
    return joined
