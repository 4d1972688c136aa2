"""Channels that give the same whatever the input is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.codegen.constant_channels import outputs, settle


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(-128, 127), st.sampled_from([5, 14, 20, 29]))
def test_outputs_stay_and_constant_channels_are_small(seed: int, zero: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    channels = 8
    rows = rng.integers(-127, 128, (channels, 5))
    start = rng.integers(-(2**bits), 2**bits, channels)
    multiplier, shift = rng.integers(2**30, 2**31, channels), -rng.integers(0, 32, channels)
    bounds = (zero, int(rng.choice([-128, zero])), 127)
    settled = settle(rows, start, multiplier, shift, bounds)
    values = np.concatenate([rng.integers(-128, 128, (40, 5)), np.full((1, 5), -128), np.full((1, 5), 127)])
    before = outputs(values @ rows.T + start, multiplier, shift, bounds)
    after = outputs(values @ settled[0].T + settled[1], settled[2], settled[3], bounds)
    np.testing.assert_array_equal(before, after)
    extremes = np.where(rows > 0, 127, -128), np.where(rows > 0, -128, 127)
    most, least = (outputs((one * rows).sum(axis=1) + start, multiplier, shift, bounds) for one in extremes)
    constant = most == least
    assert (settled[0][constant] == 0).all()
    assert (np.abs(settled[1][constant]) < 2**12).all()
    np.testing.assert_array_equal(settled[0][~constant], rows[~constant])
