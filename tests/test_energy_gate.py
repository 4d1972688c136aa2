"""The energy gate: opens on loud frames, stays open for the back-off, however the audio is cut into pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.audio import EnergyGate, EnergyGateSettings
from mltk_like.audio.energy_gate import gate_open
from mltk_like.errors import DataError, SettingError

GATE = EnergyGateSettings(threshold=600, backoff=2)


def frames(*peaks: int) -> np.ndarray:
    """A frame of 4 samples for each peak."""
    audio = np.zeros((len(peaks), 4), np.int16)
    audio[:, 2] = peaks
    return audio.ravel()


def test_a_loud_frame_opens_and_the_backoff_holds() -> None:
    passes = gate_open(frames(0, 599, 600, 0, 0, 0, -32768, 0), GATE, 4)
    assert passes.tolist() == [False, False, True, True, True, False, True, True]


def test_a_threshold_of_0_is_always_open() -> None:
    assert gate_open(frames(0, 0), EnergyGateSettings(threshold=0, backoff=0), 4).all()


@given(st.lists(st.integers(-1000, 1000), max_size=40), st.lists(st.integers(1, 9), min_size=1, max_size=10))
@settings(deadline=None, max_examples=50)
def test_how_the_audio_is_cut_changes_nothing(samples: list[int], sizes: list[int]) -> None:
    audio = np.array(samples, np.int16)
    gate = EnergyGate(GATE, 4)
    got, at = [], 0
    for number in range(len(audio)):
        if at < len(audio):
            size = sizes[number % len(sizes)]
            got += gate.push(audio[at : at + size]).tolist()
            at += size
    assert got == gate_open(audio, GATE, 4).tolist()


def test_reset_forgets() -> None:
    gate = EnergyGate(GATE, 4)
    gate.push(frames(1000))
    gate.reset()
    assert gate.push(frames(0)).tolist() == [False]


def test_settings_make_the_round_trip_through_parameters() -> None:
    assert EnergyGateSettings.from_parameters(GATE.to_parameters()) == GATE
    assert EnergyGateSettings.from_parameters({"latency_ms": 3}) is None


@pytest.mark.parametrize("values", [{"threshold": -1}, {"backoff": 1.5}, {"threshold": True}, {"threshold": 40_000}])
def test_values_that_cannot_be_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(SettingError, match="of the energy gate is"):
        EnergyGateSettings(**values)  # type: ignore[arg-type]


def test_a_frame_has_a_sample() -> None:
    with pytest.raises(DataError):
        EnergyGate(GATE, 0)
