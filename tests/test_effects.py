"""Augmentations: levels in dB, lengths, and chance only from `rng`."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
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
    "saturate_softly": lambda x, r: effects.saturate_softly(x, r, db=(3.0, 12.0)),
    "clip_peaks": lambda x, r: effects.clip_peaks(x, r, share=(0.05, 0.3)),
    "quantise_mu_law": lambda x, r: effects.quantise_mu_law(x, r, bits=(2, 10)),
    "telephone": effects.telephone,
    "change_pitch": lambda x, r: effects.change_pitch(x, r, semitones=(-4.0, 4.0)),
    "change_tempo": lambda x, r: effects.change_tempo(x, r, factor=(0.8, 1.25)),
    "shift_time": lambda x, r: effects.shift_time(x, r, seconds=(-0.2, 0.2)),
    "reverberate": lambda x, r: effects.reverberate(x, r, room=noise(900, 0.2), wet=(0.2, 0.8)),
    "limit_band": lambda x, r: effects.limit_band(x, r, low_hz=(50, 400), high_hz=(2000, 7000)),
    "invert_polarity": lambda x, r: effects.invert_polarity(x, r, p=0.5),
    "add_offset": lambda x, r: effects.add_offset(x, r, offset=(-0.02, 0.02)),
}
every_effect = pytest.mark.parametrize("name", EFFECTS)
CHANGES_LENGTH = ("change_speed", "change_tempo")


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
    assert len(result) == len(samples) or name in CHANGES_LENGTH
    assert np.array_equal(samples, before)


@every_effect
def test_chance_comes_from_rng_alone(name: str) -> None:
    samples = noise()
    assert np.array_equal(EFFECTS[name](samples, rng(3)), EFFECTS[name](samples, rng(3)))
    drawn = [EFFECTS[name](samples, rng(seed)) for seed in range(8)]
    assert any(one.shape != drawn[0].shape or not np.array_equal(one, drawn[0]) for one in drawn)


@every_effect
@given(st.integers(0, 3000), st.floats(0, 2), st.integers(0, 999))
@example(2, 1.4e-45, 1)
@hypothesis_settings(deadline=None, max_examples=10)
def test_any_clip_is_survived(name: str, length: int, scale: float, seed: int) -> None:
    samples = noise(length, scale, seed)
    result = EFFECTS[name](samples, rng(seed))
    assert np.isfinite(result).all()
    assert result.dtype == np.float32
    assert len(result) == len(samples) or name in CHANGES_LENGTH


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


@pytest.mark.parametrize("semitones", [-7.0, -3.0, 0.0, 4.0, 7.0])
def test_pitch_changes_without_the_length(semitones: float) -> None:
    samples = sine(600, seconds=1.2)
    changed = effects.change_pitch(samples, rng(), semitones=(semitones, semitones))
    assert len(changed) == len(samples)
    assert loudest_hz(changed) == pytest.approx(600 * 2 ** (semitones / 12), rel=0.005)
    assert level_dbfs(changed) == pytest.approx(level_dbfs(samples), abs=0.3)


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.4])
def test_tempo_changes_without_the_pitch(factor: float) -> None:
    samples = sine(600, seconds=1.2)
    changed = effects.change_tempo(samples, rng(), factor=(factor, factor))
    assert len(changed) == pytest.approx(len(samples) / factor, abs=1)
    assert loudest_hz(changed) == pytest.approx(600, rel=0.005)
    assert level_dbfs(changed) == pytest.approx(level_dbfs(samples), abs=0.3)


def test_tempo_one_changes_nothing_and_a_click_stays_where_it_belongs() -> None:
    assert effects.change_tempo(noise(), rng(), factor=(1.0, 1.0)) == pytest.approx(noise(), abs=1e-6)
    click = np.zeros(16_000, np.float32)
    click[8000] = 1.0
    for factor in (0.8, 1.25):
        moved = effects.change_tempo(click, rng(), factor=(factor, factor))
        assert np.abs(moved).argmax() == pytest.approx(8000 / factor, abs=400)


@pytest.mark.parametrize("seconds", [0.1, -0.1, 0.0, 9.0, -9.0])
def test_a_shift_moves_and_fills_with_zeros(seconds: float) -> None:
    samples = noise()
    moved = effects.shift_time(samples, rng(), seconds=(seconds, seconds))
    offset = round(seconds * RATE)
    expected = np.array([samples[i - offset] if 0 <= i - offset < len(samples) else 0 for i in range(len(samples))])
    assert np.array_equal(moved, expected)


def test_a_band_is_limited() -> None:
    samples = noise(16_000)
    limited = effects.limit_band(samples, rng(), low_hz=(300, 300), high_hz=(3400, 3400))
    power = np.abs(np.fft.rfft(limited)) ** 2 / np.abs(np.fft.rfft(samples)) ** 2
    assert np.median(power[500:3000]) == pytest.approx(1.0, abs=0.02)
    assert max(np.median(power[20:250]), np.median(power[4000:])) < 1e-3
    assert effects.limit_band(samples, rng(), low_hz=(0, 0), high_hz=(9999, 9999)) == pytest.approx(samples, abs=1e-6)


def test_a_call_has_no_bass_and_no_treble() -> None:
    power = np.abs(np.fft.rfft(effects.telephone(noise(16_000), rng()))) ** 2
    assert 100 * np.median(power[4500:]) < np.median(power[500:2500])
    assert 100 * np.median(power[20:150]) < np.median(power[500:2500])


def test_mu_law_rounds_finely_where_it_is_quiet() -> None:
    samples = np.linspace(-1, 1, 100_001, dtype=np.float32)
    rounded = effects.quantise_mu_law(samples, rng(), bits=(8, 8))
    assert len(np.unique(rounded)) in (255, 256)  # -0 and 0 are one
    error = np.abs(rounded - samples)
    assert error[np.abs(samples) < 0.01].max() < 3e-4 < error.max() < 0.025
    assert np.array_equal(effects.quantise_mu_law(rounded, rng(), bits=(8, 8)), rounded)
    assert np.abs(effects.quantise_mu_law(4 * samples, rng())).max() == pytest.approx(1.0)


def test_peaks_are_clipped_by_share() -> None:
    samples = noise()
    clipped = effects.clip_peaks(samples, rng(), share=(0.1, 0.1))
    limit = np.abs(clipped).max()
    assert np.mean(np.abs(clipped) >= limit) == pytest.approx(0.1, abs=0.001)
    inside = np.abs(samples) < limit
    assert np.array_equal(clipped[inside], samples[inside])
    assert np.array_equal(effects.clip_peaks(samples, rng(), share=(0.0, 0.0)), samples)


def test_soft_saturation_bends_the_loud_and_keeps_the_quiet() -> None:
    samples = sine(500)
    driven = effects.saturate_softly(samples, rng(), db=(6.0, 6.0))
    assert driven.max() == pytest.approx(0.25 * np.tanh(2), rel=0.02)
    quiet = np.abs(samples) < 0.01
    assert driven[quiet] == pytest.approx(samples[quiet], rel=1e-2, abs=1e-6)


def test_a_room_is_mixed_with_the_dry_sound() -> None:
    samples = noise(1000)
    room = np.zeros(200, np.float32)
    room[150] = 1.0
    echo = np.concatenate([np.zeros(150, np.float32), samples[:850]])
    echo *= np.sqrt(np.dot(samples, samples) / np.dot(echo, echo))
    mixed = 0.5 * echo + 0.5 * samples
    mixed *= np.sqrt(np.dot(samples, samples) / np.dot(mixed, mixed))
    assert effects.reverberate(samples, rng(), room=room, wet=(0.5, 0.5)) == pytest.approx(mixed, abs=1e-5)
    assert effects.reverberate(samples, rng(), room=room, wet=(0.0, 0.0)) == pytest.approx(samples, abs=1e-6)


def test_polarity_and_offset() -> None:
    samples = noise()
    assert np.array_equal(effects.invert_polarity(samples, rng(), p=1.0), -samples)
    assert np.array_equal(effects.invert_polarity(samples, rng(), p=0.0), samples)
    assert effects.add_offset(samples, rng(), offset=(0.25, 0.25)) == pytest.approx(samples + 0.25)


def test_white_noise_is_gaussian_white_and_never_the_same() -> None:
    draws = [effects.white_noise(rng(seed), 20_000) for seed in range(40)]
    assert all(abs(draw.mean()) < 0.04 and abs(draw.std() - 1) < 0.04 for draw in draws)
    assert np.mean(np.abs(np.concatenate(draws)) < 1) == pytest.approx(0.6827, abs=0.01)
    for first, second in itertools.pairwise(draws):
        assert np.abs(np.correlate(first[:4000], second[:4000], "same")).max() < 0.6 * 4000
    assert len(effects.white_noise(rng(), 500_000)) == 500_000


@pytest.mark.parametrize("codec", ["mp3", "ogg"])
def test_a_codec_keeps_length_and_place(codec: str) -> None:
    samples = sine(1000) * np.hanning(8000).astype(np.float32)
    coded = effects.compress(samples, rng(), codec=codec)  # type: ignore[arg-type]
    assert (len(coded), coded.dtype) == (len(samples), np.float32)
    assert not np.array_equal(coded, samples)
    assert np.correlate(coded, samples)[0] > 0.95 * np.dot(samples, samples)


@given(st.integers(0, 99), st.integers(0, 3), st.floats(0, 1), st.booleans())
@hypothesis_settings(deadline=None, max_examples=40)
def test_masks_cover_stretches_of_time_and_of_bands(seed: int, masks: int, share: float, flat: bool) -> None:
    shape = (40, 20) if flat else (40, 1, 20)
    features = np.random.default_rng(seed).integers(-100, 127, shape).astype(np.int8)
    before = features.copy()
    masked = effects.mask_spectrogram(
        features, rng(seed), time_masks=masks, time_share=share, band_masks=masks, band_share=share
    )
    assert np.array_equal(features, before)
    assert (masked.shape, masked.dtype) == (features.shape, features.dtype)
    changed = (masked != features).reshape(40, 20)
    assert (masked[masked != features] == features.min()).all()
    rows = (changed | (features.reshape(40, 20) == features.min())).all(axis=1).sum()
    assert rows <= masks * int(40 * share) or share * 20 * masks >= 20
    if masks == 0:
        assert not changed.any()


def test_masks_do_cover_something() -> None:
    features = np.random.default_rng(0).standard_normal((40, 1, 20)).astype(np.float32)
    covered = [np.mean(effects.mask_spectrogram(features, rng(seed)) != features) for seed in range(50)]
    assert 0.05 < np.mean(covered) < 0.3
