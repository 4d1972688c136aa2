"""Augmentations: levels in dB, lengths, and chance only from `rng`."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mltk_like.audio import effects
from mltk_like.audio.effects import level_dbfs

Samples = np.ndarray
RATE = 16000


def noise(length: int = 8000, scale: float = 0.1, seed: int = 1) -> Samples:
    return (np.random.default_rng(seed).standard_normal(length) * scale).astype(np.float32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sine(hz: float, seconds: float = 0.5, scale: float = 0.5) -> Samples:
    return (scale * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def loudest_hz(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE / len(samples))


EFFECTS: dict[str, Callable[[Samples, np.random.Generator], Samples]] = {
    "set_level": lambda x, r: effects.set_level(x, r, dbfs=(-40.0, -10.0)),
    "gain": lambda x, r: effects.gain(x, r, db=(-6.0, 6.0)),
    "change_speed": lambda x, r: effects.change_speed(x, r, factor=(0.8, 1.25)),
    "shape_spectrum": lambda x, r: effects.shape_spectrum(x, r, db=4.0),
    "room": lambda x, r: effects.shape_spectrum(x, r, db=4.0, room=noise(900, 0.2)),
    "add_at_snr": lambda x, r: effects.add_at_snr(
        x, noise(len(x), seed=5), r, snr_db=(0.0, 20.0), silence_dbfs=(-60.0, -40.0)
    ),
    "add_white_noise": lambda x, r: effects.add_white_noise(x, r, snr_db=(10.0, 30.0)),
    "saturate": lambda x, r: effects.saturate(x, r, db=(3.0, 12.0)),
}
every_effect = pytest.mark.parametrize("name", EFFECTS)


@every_effect
@pytest.mark.parametrize(
    "samples", [noise(), noise(1), noise(2), noise(161), np.zeros(500, np.float32), noise(300, 3.0)], ids=len
)
def test_finite_float32_and_the_input_stays(name: str, samples: Samples) -> None:
    before = samples.copy()
    result = EFFECTS[name](samples, rng())
    assert result.dtype == np.float32
    assert result.ndim == 1
    assert np.isfinite(result).all()
    assert len(result) == len(samples) or name == "change_speed"
    assert np.array_equal(samples, before)


@every_effect
def test_chance_comes_from_rng_alone(name: str) -> None:
    samples = noise()
    assert np.array_equal(EFFECTS[name](samples, rng(3)), EFFECTS[name](samples, rng(3)))
    one, other = EFFECTS[name](samples, rng(3)), EFFECTS[name](samples, rng(4))
    assert one.shape != other.shape or not np.array_equal(one, other)


def test_the_level_of_a_full_scale_sine_and_of_silence() -> None:
    assert level_dbfs(sine(1000, scale=1.0)) == pytest.approx(-3.01, abs=0.02)
    assert level_dbfs(np.zeros(100, np.float32)) == -100.0
    assert level_dbfs(np.zeros(0, np.float32)) == -100.0
    assert level_dbfs(np.full(10, 1e-9, np.float32)) == -100.0


def test_padding_does_not_count_for_the_level() -> None:
    samples = noise()
    assert level_dbfs(np.concatenate([np.zeros(50_000, np.float32), samples])) == pytest.approx(
        level_dbfs(samples), abs=1e-3
    )


@given(st.floats(-60, 0), st.integers(0, 100))
@hypothesis_settings(deadline=None, max_examples=50)
def test_set_level_reaches_the_level(target: float, seed: int) -> None:
    assert level_dbfs(effects.set_level(noise(seed=seed), rng(), dbfs=(target, target))) == pytest.approx(
        target, abs=1e-3
    )


def test_silence_has_no_level_to_set() -> None:
    assert not effects.set_level(np.zeros(100, np.float32), rng(), dbfs=(-10.0, -10.0)).any()


def test_gain_is_in_decibels() -> None:
    assert effects.gain(noise(), rng(), db=(6.0206, 6.0206)) == pytest.approx(2 * noise(), rel=1e-4)


def test_draws_cover_the_range() -> None:
    generator = rng()
    levels = [level_dbfs(effects.set_level(noise(2000), generator, dbfs=(-40.0, -10.0))) for _ in range(300)]
    assert -40.001 < min(levels) < -39
    assert -11 < max(levels) < -9.999


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
def test_speed_changes_length_and_pitch_together(factor: float) -> None:
    changed = effects.change_speed(sine(800), rng(), factor=(factor, factor))
    assert len(changed) == pytest.approx(8000 / factor, abs=1)
    assert loudest_hz(changed) == pytest.approx(800 * factor, abs=5)


def test_speed_one_changes_nothing() -> None:
    assert np.array_equal(effects.change_speed(noise(), rng(), factor=(1.0, 1.0)), noise())


def test_shaping_keeps_the_level_and_changes_the_colour() -> None:
    samples = noise(16_000)
    shaped = effects.shape_spectrum(samples, rng(), db=6.0)
    assert level_dbfs(shaped) == pytest.approx(level_dbfs(samples), abs=0.01)
    ratio = np.abs(np.fft.rfft(shaped)) / np.abs(np.fft.rfft(samples))
    halves = 20 * np.log10([np.median(part) for part in np.array_split(ratio[100:], 8)])
    assert np.ptp(halves) > 2


def test_shaping_with_0_db_is_the_room_alone() -> None:
    samples = noise(1000)
    assert effects.shape_spectrum(samples, rng(), db=0.0) == pytest.approx(samples, abs=1e-6)
    room = np.zeros(200, np.float32)
    room[[0, 150]] = 1.0, 0.5
    expected = np.convolve(samples, room)[:1000]
    expected *= np.sqrt(np.dot(samples, samples) / np.dot(expected, expected))
    assert effects.shape_spectrum(samples, rng(), db=0.0, room=room) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("snr", [-2.0, 0.0, 35.0])
def test_noise_at_a_signal_to_noise_ratio(snr: float) -> None:
    clip = np.zeros(20_000, np.float32)
    clip[5000:8000] = noise(3000, 0.2)
    added = (
        effects.add_at_snr(clip, noise(20_000, 0.01, seed=7), rng(), snr_db=(snr, snr), silence_dbfs=(0.0, 0.0)) - clip
    )
    assert level_dbfs(clip) - level_dbfs(added) == pytest.approx(snr, abs=0.05)


def test_noise_under_silence_has_a_level_of_its_own() -> None:
    silent = np.zeros(4000, np.float32)
    mixed = effects.add_at_snr(silent, noise(4000), rng(), snr_db=(5.0, 5.0), silence_dbfs=(-33.0, -33.0))
    assert level_dbfs(mixed) == pytest.approx(-33.0, abs=0.01)
    assert level_dbfs(effects.add_white_noise(silent, rng(), snr_db=(5.0, 5.0))) == pytest.approx(-90.0, abs=0.01)


def test_noise_at_an_absolute_level() -> None:
    samples = noise()
    added = effects.add_at_level(samples, noise(seed=9), dbfs=-50.0) - samples
    assert level_dbfs(added) == pytest.approx(-50.0, abs=0.05)
    assert np.array_equal(effects.add_at_level(samples, np.zeros_like(samples), dbfs=-50.0), samples)


def test_saturation_clips_and_keeps_the_scale() -> None:
    samples = sine(500)
    driven = effects.saturate(samples, rng(), db=(6.0, 6.0))
    assert driven.max() == pytest.approx(0.25, rel=0.01)
    quiet = np.abs(samples) < 0.2
    assert driven[quiet] == pytest.approx(samples[quiet], abs=1e-6)
