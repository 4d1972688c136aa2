"""Where tensors lie in the arena: nothing that is still read is written over."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.codegen.arena import ALIGNMENT, Block, plan
from mltk_like.codegen.lead import BLOCK, lead_of

Leads = dict[tuple[int, int], int | None]
sizes = st.integers(1, 400)


@st.composite
def nets(draw: st.DrawFn) -> tuple[dict[int, Block], Leads]:
    """Tensors of a chain of layers, some of which live on, and leads of some outputs over their inputs."""
    count = draw(st.integers(1, 12))
    lives = [draw(st.integers(1, 3)) for _ in range(count)]
    blocks = {key: Block(draw(sizes), key, key + lives[key]) for key in range(count)}
    short = [key for key in range(count - 1) if lives[key] == 1]
    lead = st.none() | st.integers(-300, 100)
    leads = {(key, key + 1): draw(lead) for key in short if draw(st.booleans())}
    return blocks, leads


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(nets())
def test_tensors_that_are_alive_together_lie_apart(net: tuple[dict[int, Block], Leads]) -> None:
    blocks, leads = net
    found = plan(blocks, leads)
    assert set(found.offsets) == set(blocks)
    for key, at in found.offsets.items():
        assert at >= 0
        assert at % ALIGNMENT == 0
        assert at + blocks[key].bytes <= found.bytes
    for one, other in itertools.combinations(blocks, 2):
        first, second = blocks[one], blocks[other]
        if first.first > second.last or second.first > first.last:
            continue
        a, b = found.offsets[one], found.offsets[other]
        apart = a + first.bytes <= b or b + second.bytes <= a
        lead = leads.get((one, other), -(10**9))
        assert apart or (a == b if lead is None else b <= a + lead)


@settings(max_examples=10, deadline=None)
@given(nets())
def test_the_plan_is_the_same_each_time(net: tuple[dict[int, Block], Leads]) -> None:
    assert plan(*net) == plan(*net)


def test_an_output_that_may_lie_over_its_input_takes_no_room() -> None:
    blocks = {0: Block(1600, 0, 1), 1: Block(1600, 1, 2)}
    assert plan(blocks).bytes == 3200
    assert plan(blocks, {(0, 1): 0}).bytes == 1600
    assert plan(blocks, {(0, 1): None}).bytes == 1600
    assert plan(blocks, {(0, 1): -100}).bytes == 1600 + 112


@st.composite
def layers(draw: st.DrawFn) -> tuple[dict[str, int], int, int]:
    """The geometry of a convolution with padding of either kind, and its channels."""
    layer: dict[str, int] = {}
    for size, short, before in (("h", "h", "pad_top"), ("w", "w", "pad_left")):
        kernel, stride = draw(st.integers(1, 5)), draw(st.integers(1, 3))
        dilation = draw(st.integers(1, 3)) if stride == 1 else 1
        reach = (kernel - 1) * dilation + 1
        length = draw(st.integers(reach, reach + 6))
        same = draw(st.booleans())
        outputs = -(-length // stride) if same else (length - reach) // stride + 1
        layer |= {f"in_{size}": length, f"out_{size}": outputs, f"kernel_{short}": kernel}
        layer |= {f"stride_{short}": stride, f"dilation_{short}": dilation}
        layer[before] = max((outputs - 1) * stride + reach - length, 0) // 2 if same else 0
    return layer, draw(st.integers(1, 5)), draw(st.integers(1, 8))


def reads(layer: dict[str, int], channels: int, pixel: int) -> set[int]:
    """Bytes of the input that a pixel of the output is computed from."""
    y, x = divmod(pixel, layer["out_w"])
    rows = [y * layer["stride_h"] - layer["pad_top"] + k * layer["dilation_h"] for k in range(layer["kernel_h"])]
    columns = [x * layer["stride_w"] - layer["pad_left"] + k * layer["dilation_w"] for k in range(layer["kernel_w"])]
    inside = [
        (row * layer["in_w"] + column) * channels
        for row in rows
        for column in columns
        if 0 <= row < layer["in_h"] and 0 <= column < layer["in_w"]
    ]
    return {at + channel for at in inside for channel in range(channels)}


@settings(max_examples=200, deadline=None)
@given(layers())
def test_a_kernel_never_reads_what_it_has_written(case: tuple[dict[str, int], int, int]) -> None:
    layer, in_channels, out_channels = case
    lead = lead_of(layer, in_channels, out_channels)
    pixels = layer["out_h"] * layer["out_w"]
    written: set[int] = set()
    for begin in range(0, pixels, BLOCK):
        block = range(begin, min(begin + BLOCK, pixels))
        written |= {lead + at for at in range(block.start * out_channels, block.stop * out_channels)}
        # Within a block, what is written first may be read last.
        assert not written & set().union(*(reads(layer, in_channels, pixel) for pixel in block))


@settings(max_examples=100, deadline=None)
@given(layers())
def test_a_lead_is_as_far_as_it_can_be(case: tuple[dict[str, int], int, int]) -> None:
    layer, in_channels, out_channels = case
    lead = lead_of(layer, in_channels, out_channels) + 1
    pixels = layer["out_h"] * layer["out_w"]
    ends = [min(begin + BLOCK, pixels) for begin in range(0, pixels, BLOCK)]
    every = [
        set().union(*(reads(layer, in_channels, p) for p in range(begin, pixels))) for begin in range(0, pixels, BLOCK)
    ]
    # One byte further, and the last byte of some block lies at or behind the first that is still to be read.
    assert any(not rest or lead + end * out_channels > min(rest) for end, rest in zip(ends, every, strict=True))
