"""Finished int8 nets of whole windows turned into nets that keep rows: the same bytes on TFLM, for a fraction of the
work; and layers that cannot be run row by row, refused by name."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from int8_nets import SAME, Net
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.tflite import TfliteModel, run_tflm, summarize_tflite
from mltk_like.tflite.streaming import Streamed, to_streaming

ARENA = 2**22


def outputs_of(model: bytes, rows: NDArray[Any]) -> NDArray[Any]:
    found = run_tflm(model, rows, profile=False, repeat=1, arena_bytes=ARENA).outputs
    assert found is not None
    return found


def stream_and_windows(model: bytes, streamed: Streamed, steps: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """What a stream says on TFLM from the first whole window on, and what each window says."""
    (shape,) = [tensor.shape[1:] for tensor in summarize_tflite(model).inputs]
    hop, last = streamed.rows, steps * streamed.rows
    rows = np.random.default_rng(2).integers(-128, 128, (shape[0] + last, *shape[1:]), dtype=np.int8)
    windows = np.stack([rows[i : i + shape[0]] for i in range(0, last + 1, hop)])
    found = outputs_of(streamed.model, rows.reshape(-1, hop, *shape[1:]))
    return found[shape[0] // hop - 1 :], outputs_of(model, windows)


def check_bytes(model: bytes) -> Streamed:
    """The stream says what its windows say, for less work."""
    streamed = to_streaming(model)
    found, wanted = stream_and_windows(model, streamed, steps=6)
    assert np.array_equal(found, wanted)
    assert len(np.unique(wanted)) > 4
    assert summarize_tflite(streamed.model).macs < summarize_tflite(model).macs
    return streamed


def wake_word() -> bytes:
    """The layers of MLPerf Tiny's streaming wake word."""
    net = Net((1, 30, 1, 40))
    x = net.input
    for kernel, channels in ((3, 128), (5, 128), (10, 128), (15, 32)):
        x = net.conv(net.depthwise(x, (kernel, 1)), channels)
    return net.model(net.flat_dense(x, 3))


def test_the_wake_word_of_mlperf_tiny() -> None:
    model = wake_word()
    streamed = check_bytes(model)
    assert (streamed.rows, streamed.window_rows) == (1, 30)
    assert streamed.state_bytes == 2 * 40 + (4 + 9 + 14) * 128
    assert summarize_tflite(model).macs == 826_368
    assert summarize_tflite(streamed.model).macs == 46_040
    assert [tensor.shape for tensor in summarize_tflite(streamed.model).inputs] == [(1, 1, 1, 40)]


def test_litert_runs_it_too() -> None:
    model = wake_word()
    streamed = to_streaming(model)
    rows = np.random.default_rng(1).integers(-128, 128, (40, 1, 1, 40), dtype=np.int8)
    windows = np.lib.stride_tricks.sliding_window_view(rows[:, 0], (30, 1, 40))[:, 0, 0]
    found = TfliteModel(streamed.model, exact=True).predict(rows)
    assert np.array_equal(found[29:], TfliteModel(model, exact=True).predict(windows))


def body(net: Net, x: int, draw: st.DrawFn) -> int:
    """One layer, or a few that go together."""
    _, rows, columns, _ = net.shape(x)
    kernel = draw(st.integers(1, 3))
    kind = draw(st.sampled_from(["conv", "depthwise", "pool", "branches", "pad", "relu", "crop", "same"]))
    if kind == "conv":
        size = (kernel, draw(st.integers(1, min(2, columns))))
        return net.conv(x, draw(st.integers(2, 5)), size, stride=(draw(st.integers(1, 2)), 1))
    if kind == "depthwise":
        return net.depthwise(x, (kernel, 1), dilation=draw(st.integers(1, 2)))
    if kind == "pool":
        return net.pool(x, draw(st.sampled_from(["MAX", "AVERAGE"])), (kernel, 1), (draw(st.integers(1, 2)), 1))
    if kind == "pad":
        return net.pad(x, [(0, 0), (0, 0), (1, 0), (0, 0)])
    if kind == "relu":
        return net.unary(x, "LOGISTIC")
    if kind == "same" and kernel == 1:
        return net.depthwise(x, (1, 2), padding=SAME)
    if kind == "crop":
        first = draw(st.integers(0, 2))
        return net.crop(x, first, rows - draw(st.integers(0, 2)), draw(st.integers(1, 2)))
    longer = kernel + draw(st.integers(0, 3))
    a, b = net.depthwise(x, (kernel, 1)), net.depthwise(x, (longer, 1))
    older = longer - kernel if draw(st.booleans()) else 0
    a = net.crop(a, older, older + net.shape(b)[1])
    return net.add(a, b) if draw(st.booleans()) else net.join(net.crop(a, 0, net.shape(b)[1]), b)


@dataclass(frozen=True)
class Made:
    """A net, by what it is made of."""

    layers: str
    model: bytes = field(repr=False)


@st.composite
def nets(draw: st.DrawFn) -> Made:
    """Nets of a few layers; the window is a multiple of any strides that they may have."""
    shape = (1, 8 * draw(st.integers(2, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    net = Net(shape, draw(st.integers(0, 99)))
    x = net.input
    for _ in range(draw(st.integers(1, 3))):
        if net.shape(x)[1] > 8:
            x = body(net, x, draw)
    _, rows, columns, channels = net.shape(x)
    head = draw(st.sampled_from(["flat", "mean", "max", "convolution", "rows"]))
    if head == "mean":
        x = net.mean(x, (1, 2))
    elif head == "max":
        x = net.pool(x, "MAX", (rows, columns), (1, 1))
    elif head == "convolution":
        x = net.conv(x, 5, (rows, 1))
    elif head == "rows":
        x = net.dense(net.reshape(net.mean(x, (2,)), (1, rows, channels)), 3)
    model = net.model(x if head == "rows" else net.flat_dense(x, 6))
    return Made(
        f"{shape} " + " ".join(f"{one.opcode}->{one.outputs[0]}" for one in summarize_tflite(model).layers), model
    )


@settings(deadline=None, max_examples=30)
@given(nets())
def test_any_net_without_padding_in_time(made: Made) -> None:
    found, wanted = stream_and_windows(made.model, to_streaming(made.model), steps=3)
    assert np.array_equal(found, wanted)


def test_strides_make_the_hop() -> None:
    """The rows that are new at each step are the product of the strides, also behind dilation and a crop."""
    net = Net((1, 32, 4, 2))
    x = net.conv(net.input, 6, (3, 3), stride=(2, 1))
    x = net.depthwise(x, (3, 1), dilation=2)
    x = net.add(net.crop(net.depthwise(x, (1, 1)), 2, net.shape(x)[1]), net.depthwise(x, (3, 1)))
    x = net.mean(net.pool(x, "MAX", (2, 1), (2, 1)), (2,))
    streamed = check_bytes(net.model(net.flat_dense(net.dense(x, 5), 3)))
    assert streamed.rows == 4


def test_a_window_of_which_the_newest_rows_are_not_used() -> None:
    net = Net((1, 20, 1, 4))
    x = net.conv(net.input, 6, (3, 1), stride=(4, 1))  # the last row of the window is in no output
    assert check_bytes(net.model(net.flat_dense(x, 3))).rows == 4


def test_an_output_over_time_stays_whole() -> None:
    net = Net((1, 20, 1, 4))
    x = net.conv(net.input, 6, (3, 1))
    streamed = check_bytes(net.model(x))
    assert [one.shape for one in summarize_tflite(streamed.model).outputs] == [(1, 18, 1, 6)]


def padded(net: Net) -> int:
    return net.conv(net.input, 4, (3, 1), padding=SAME)


def strided(net: Net) -> int:
    return net.conv(net.input, 4, (3, 1), stride=(3, 1))


def in_the_middle(net: Net) -> int:
    """Squeeze-and-excitation."""
    x = net.conv(net.input, 4, (3, 1))
    return net.mul(x, net.conv(net.mean(x, (1, 2), keep=True), 4))


def by_place(net: Net) -> int:
    x = net.conv(net.input, 4, (3, 1))
    each = net.constant(net.rng.integers(-9, 9, net.shape(x), dtype=np.int8), "INT8")
    net.graph.tensors[each].quantization = net.graph.tensors[x].quantization
    return net.add(x, each)


def rows_behind_rows(net: Net) -> int:
    x = net.conv(net.input, 4, (3, 1))
    both = net.join(x, x)
    net.graph.operators[-1].builtinOptions.axis = 1
    net.graph.tensors[both].shape = np.array([1, 28, 1, 4], np.int32)
    return both


def two_lengths(net: Net) -> int:
    a, b = net.conv(net.input, 4, (3, 1)), net.conv(net.input, 4, (3, 1))
    return net.add(net.pool(a, "MAX", (2, 1), (2, 1)), net.crop(b, 0, 7))


@pytest.mark.parametrize(
    ("layers", "message", "hint"),
    [
        (padded, r"layer 0 \(conv_2d, t\d\) .* pads 2 rows", "padding='valid'"),
        (lambda net: net.pad(net.input, [(0, 0), (1, 2), (0, 0), (0, 0)]), r"\(pad, .* pads 3 rows", "ZeroPadding2D"),
        (in_the_middle, r"layer 3 \(mul, .* made of the whole window", "must come last"),
        (by_place, "constant of its own for each row", "same for all rows"),
        (rows_behind_rows, "puts rows behind rows", "concatenate channels"),
        (two_lengths, "tensors with different rows", "end with the newest row"),
        (lambda net: net.layer("DEPTH_TO_SPACE", [net.input], (1, 16, 1, 2)), "no rule for", "docs/streaming.md"),
        (lambda net: net.input, "no layer that keeps rows", "run it as it is"),
        (strided, "16 rows is no multiple of the 3", "for 15 rows, or for 18"),
    ],
)  # fmt: skip
def test_what_cannot_be_streamed(layers: Any, message: str, hint: str) -> None:
    net = Net((1, 16, 1, 2))
    with pytest.raises(ModelError, match=message) as caught:
        to_streaming(net.model(net.flat_dense(layers(net), 3)))
    assert hint in caught.value.hint


def test_models_without_rows_and_with_a_state_are_refused() -> None:
    flat = Net((1, 40))
    with pytest.raises(ModelError, match="1x40, which has no rows of time"):
        to_streaming(flat.model(flat.dense(flat.input, 3)))
    with pytest.raises(ModelError, match="keeps a state already"):
        to_streaming(to_streaming(wake_word()).model)
    with pytest.raises(ModelError, match=r"not a \.tflite file"):
        to_streaming(b"nothing of the kind")
