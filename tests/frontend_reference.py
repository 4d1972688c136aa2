"""The front end once more, in readable integer NumPy: slow, written from the definition, one stage per function.

Everything is int64 and is cut to 16 or 32 bits where the definition says so.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mltk_like.audio.settings import FrontendSettings

Ints = npt.NDArray[np.int64]


def columns(settings: FrontendSettings, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.uint16]:
    """int16 (samples,) -> uint16 (T, F)."""
    estimate = np.zeros(settings.filterbank_n_channels, np.int64)
    out = []
    for bands in filter_bank(settings, samples):
        if settings.noise_reduction_enable:
            bands, estimate = reduce_noise(settings, bands, estimate)
        if settings.pcan_enable:
            bands = normalise(settings, bands, estimate)
        out.append(np.minimum(log_scale(settings, bands) if settings.log_scale_enable else bands, 65535))
    return np.array(out, np.uint16)


def activity(settings: FrontendSettings, samples: npt.NDArray[np.int16]) -> list[bool]:
    """Whether the activity detector trips, for each column. Python's integers: nothing overflows."""

    def fixed(value: float, bits: int) -> int:
        return int(np.float32(value) * np.float32(2**bits))

    def smooth(previous: int, level: int, alpha: float) -> int:
        k = fixed(alpha, 8)
        return ((((256 - k) * level + k * previous) >> 7) + 1) >> 1

    shift = (settings.filterbank_n_channels - 1).bit_length()
    arm = fixed(settings.activity_detection_arm_threshold, 12)
    trip = fixed(settings.activity_detection_trip_threshold, 12)
    fast, slow, armed, trips = 0, 0, False, []
    for bands in filter_bank(settings, samples):
        level = int(bands.sum()) >> shift
        fast = smooth(fast, level, settings.activity_detection_alpha_a)
        slow = smooth(slow, level, settings.activity_detection_alpha_b)
        trips.append(armed and fast > slow * trip >> 12)
        armed = not trips[-1] if armed else fast < slow * arm >> 12
    return trips


def filter_bank(settings: FrontendSettings, samples: npt.NDArray[np.int16]) -> Iterator[Ints]:
    """Bands (F,) of each window: all that comes before the stages that remember."""
    signal = samples.astype(np.int64)
    if settings.dc_notch_filter_enable:
        signal = dc_notch(signal, int(np.float32(settings.dc_notch_filter_coefficient) * np.float32(2**15)))
    size, step = settings.window_samples, settings.step_samples
    window, filters = hann(size), mel_filters(settings)
    known: dict[bytes, Ints] = {}
    for start in range(0, len(signal) - size + 1, step):
        frame = wrap16(signal[start : start + size] * window >> 12)
        if frame.tobytes() not in known:
            shift = 15 - max(int(wrap16(np.abs(frame)).max()), 0).bit_length()
            spectrum = real_fft(wrap16(np.pad(frame, (0, settings.fft_length - size)) << shift))
            known[frame.tobytes()] = band_levels(filters, spectrum) >> shift
        yield known[frame.tobytes()]


def quantise(settings: FrontendSettings, window: npt.NDArray[np.uint16]) -> npt.NDArray[np.int8]:
    """uint16 (T, F) -> int8 (T, F)."""
    values = window.astype(np.int64)
    if not settings.quantize_dynamic_scale_enable:
        return np.clip((256 * values + 333) // 666 - 128, -128, 127).astype(np.int8)
    span = int(np.float32(settings.quantize_dynamic_scale_range_db) * 2**settings.log_scale_shift * math.log(10) / 20)
    top = int(values.max())
    floor = max(top - span, 0)
    scaled: Ints = 255 * np.maximum(values - floor, 0) // max(top - floor, 1) - 128
    return np.clip(scaled, -128, 127).astype(np.int8)


def wrap16(x: Ints) -> Ints:
    return (x + 2**15) % 2**16 - 2**15


def signed(x: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return (x + half) % (2 * half) - half


def rounded(x: Ints) -> Ints:
    return wrap16((x + 2**14) >> 15)


def dc_notch(x: Ints, k: int) -> Ints:
    y, previous_in, previous_out = np.zeros_like(x), 0, 0
    for n, value in enumerate(x.tolist()):
        difference = (value - previous_in + 2**15) % 2**16 - 2**15
        previous_out = (difference + ((k * previous_out + 2**14) >> 15) + 2**15) % 2**16 - 2**15
        previous_in = value
        y[n] = previous_out
    return y


def hann(size: int) -> Ints:
    step = np.float64(np.float32(2 * np.pi / size))
    phase = (step * (np.arange(size) + 0.5)).astype(np.float32)
    cosine = np.cos(phase.astype(np.float64)).astype(np.float32)
    value = (0.5 - 0.5 * cosine.astype(np.float64)).astype(np.float32)
    return np.floor(value.astype(np.float64) * 4096 + 0.5).astype(np.int64)


def unit_circle(phase: npt.NDArray[np.float64]) -> tuple[Ints, Ints]:
    re, im = np.floor(0.5 + 32767 * np.cos(phase)), np.floor(0.5 + 32767 * np.sin(phase))
    return re.astype(np.int64), im.astype(np.int64)


@dataclass
class Complex:
    re: Ints
    im: Ints

    def __add__(self, other: "Complex") -> "Complex":
        return Complex(wrap16(self.re + other.re), wrap16(self.im + other.im))

    def __sub__(self, other: "Complex") -> "Complex":
        return Complex(wrap16(self.re - other.re), wrap16(self.im - other.im))

    def __getitem__(self, index: slice) -> "Complex":
        return Complex(self.re[index], self.im[index])

    def divided(self, by: int) -> "Complex":
        return Complex(rounded(self.re * (32767 // by)), rounded(self.im * (32767 // by)))

    def times(self, w: tuple[Ints, Ints]) -> "Complex":
        return Complex(rounded(self.re * w[0] - self.im * w[1]), rounded(self.re * w[1] + self.im * w[0]))

    def minus_j(self) -> "Complex":
        return Complex(self.im, wrap16(-self.re))


def joined(parts: list[Complex]) -> Complex:
    return Complex(np.concatenate([p.re for p in parts]), np.concatenate([p.im for p in parts]))


def fft(x: Complex, whole: int) -> Complex:
    """Decimation in time: radix 4 while it goes, each stage divided by its radix."""
    length = len(x.re)
    if length == 1:
        return x
    radix = 4 if length % 4 == 0 else 2
    span, stride = length // radix, whole // length
    w = [
        unit_circle(-2 * np.pi * (np.arange(span) * stride * q) / whole if whole else np.zeros(span))
        for q in range(radix)
    ]
    parts = [fft(x[q::radix], whole).divided(radix) for q in range(radix)]
    parts[1:] = [part.times(w[q]) for q, part in enumerate(parts[1:], 1)]
    if radix == 2:
        return joined([parts[0] + parts[1], parts[0] - parts[1]])
    even, odd = parts[0] + parts[2], parts[0] - parts[2]
    total, turned = parts[1] + parts[3], (parts[1] - parts[3]).minus_j()
    return joined([even + total, odd + turned, even - total, odd - turned])


def real_fft(x: Ints) -> Complex:
    half = len(x) // 2
    packed = fft(Complex(x[0::2], x[1::2]), half).divided(2)
    re, im = np.zeros(half + 1, np.int64), np.zeros(half + 1, np.int64)
    re[0], re[half] = wrap16(packed.re[:1] + packed.im[:1])[0], wrap16(packed.re[:1] - packed.im[:1])[0]
    for k in range(1, half // 2 + 1):
        low, high = packed[k : k + 1], Complex(packed.re[half - k : half - k + 1], -packed.im[half - k : half - k + 1])
        even = low + high
        odd = (low - high).times(unit_circle(np.array([-np.pi * (k / half + 0.5)])))
        re[k], im[k] = (even.re[0] + odd.re[0]) >> 1, (even.im[0] + odd.im[0]) >> 1
        re[half - k], im[half - k] = (even.re[0] - odd.re[0]) >> 1, (odd.im[0] - even.im[0]) >> 1
    return Complex(re, im)


def mel(hz: np.float32) -> np.float32:
    return np.float32(1127.0 * math.log1p(float(hz) / 700.0))


def mel_filters(s: FrontendSettings) -> Ints:
    """Q12 weights (F, bins): each band rises over one spacing of centres and falls over the next."""
    segments, bins = s.filterbank_n_channels + 1, s.fft_length // 2 + 1
    low, high = mel(np.float32(s.filterbank_lower_band_limit)), mel(np.float32(s.filterbank_upper_band_limit))
    spacing = np.float32(high - low) / np.float32(segments)
    hz_per_bin = np.float32(0.5 * s.sample_rate_hz / (bins - 1))
    weights = np.zeros((segments + 1, bins), np.int64)
    k = int(1.5 + np.float64(np.float32(s.filterbank_lower_band_limit) / hz_per_bin))
    left = low
    for segment in range(segments):
        centre = np.float32(low + np.float32(spacing * np.float32(segment + 1)))
        while k < bins and mel(np.float32(k) * hz_per_bin) <= centre:
            share = float(np.float32(centre - mel(np.float32(k) * hz_per_bin)) / np.float32(centre - left))
            weights[segment, k] = math.floor(share * 4096 + 0.5)
            weights[segment + 1, k] = math.floor((1.0 - share) * 4096 + 0.5)
            k += 1
        left = centre
    return weights[1:-1]


def band_levels(filters: Ints, spectrum: Complex) -> Ints:
    sums = filters @ (spectrum.re**2 + spectrum.im**2)
    roots = np.array([math.isqrt(int(n)) for n in sums], np.int64)
    roots += sums - roots**2 > roots
    return np.where(sums < 2**32, np.minimum(roots, 65535), roots)


def q14(value: float) -> int:
    return int(np.float32(value) * np.float32(2**14))


def reduce_noise(s: FrontendSettings, bands: Ints, estimate: Ints) -> tuple[Ints, Ints]:
    bits = s.noise_reduction_smoothing_bits
    even = np.arange(len(bands)) % 2 == 0
    alpha = np.where(even, q14(s.noise_reduction_even_smoothing), q14(s.noise_reduction_odd_smoothing))
    level = (bands << bits) % 2**32
    estimate = (level * alpha + estimate * (2**14 - alpha)) >> 14
    clean = (level - np.minimum(estimate, level)) >> bits
    return np.maximum(clean, bands * q14(s.noise_reduction_min_signal_remaining) >> 14), estimate


def normalise(s: FrontendSettings, bands: Ints, estimate: Ints) -> Ints:
    correction = s.fft_length.bit_length() - 7
    input_bits = s.noise_reduction_smoothing_bits - correction

    def gain_at(noise: int) -> int:
        base = np.float32(noise) / np.float32(2**input_bits) + np.float32(s.pcan_offset)
        gain = np.float32(2**s.pcan_gain_bits) * np.power(base, -np.float32(s.pcan_strength))
        return 32767 if gain > 32767 else int(gain + np.float32(0.5))

    def gain(noise: int) -> int:
        if noise < 2:
            return gain_at(noise)
        start = 1 << (noise.bit_length() - 1)
        y0, y1 = gain_at(start), gain_at(start + start // 2)
        y2 = gain_at(min(2 * start, 2**32 - 1))
        # A gain that falls steeply overflows the 16 bits of these; so it does in the definition.
        slope = signed(4 * (y1 - y0) - (y2 - y0), 16)
        curve = signed(y2 - y0 - (4 * (y1 - y0) - (y2 - y0)), 16)
        x = (noise * 1024 // start) & 0x3FF
        rise = signed(((slope << 5) + (curve * x >> 5)) * x + 2**14, 32) >> 15
        return signed(y0 + rise, 16) % 2**32

    out = np.zeros_like(bands)
    for i, (band, noise) in enumerate(zip(bands.tolist(), estimate.tolist(), strict=True)):
        snr = (band * gain(noise) >> (s.pcan_gain_bits - correction - 12)) % 2**32
        out[i] = snr * snr >> 20 if snr < 2**13 else (snr >> 6) - 64
    return out


def log_scale(s: FrontendSettings, bands: Ints) -> Ints:
    correction = s.fft_length.bit_length() - 7
    return np.array([log_of(int(v), correction, s.log_scale_shift) for v in bands], np.int64)


def log_of(value: int, correction: int, shift: int) -> int:
    value = (value << correction) % 2**32 if correction >= 0 else value >> -correction
    if value < 2:
        return 0
    whole = value.bit_length() - 1
    fraction = (value << 16 >> whole) & 0xFFFF
    at = [math.floor(2**16 * (math.log2(1 + k / 128) - k / 128) + 0.5) for k in (fraction >> 9, (fraction >> 9) + 1)]
    log2 = (whole << 16) + fraction + at[0] + ((at[1] - at[0]) * (fraction & 511) >> 16)
    natural = (45426 * log2 + 2**15) >> 16
    return ((natural << shift) + 2**15) % 2**32 >> 16
