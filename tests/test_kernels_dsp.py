"""The kernels for the DSP extension, in C on this host: the portable kernels' bytes for layers of random shapes."""

import ctypes
import random
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mltk_like.codegen.packing import PLAIN, SCALED, Packed, Scale, pack_conv, pack_dense, pack_depthwise
from mltk_like.codegen.scratch import scratch_bytes

KERNELS = Path(__file__).parent.parent / "cpp" / "kernels"
SIDES = [f"{name}_{side}" for name in ("in", "out") for side in "hwc"]
SIZES = SIDES + [f"{name}_{side}" for name in ("kernel", "stride", "dilation") for side in "hw"]
GUARD = 16


class ScaleStruct(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("bias", "multiplier", "shift")),
        ("zero", ctypes.c_int16),
        ("low", ctypes.c_int8),
        ("high", ctypes.c_int8),
        ("narrow", ctypes.c_uint8),
    ]


class ConvStruct(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint16) for name in SIZES),
        ("pad_top", ctypes.c_int16),
        ("pad_left", ctypes.c_int16),
        ("zero_in", ctypes.c_int8),
        ("packed", ctypes.c_uint8),
        ("weights", ctypes.c_void_p),
        ("scale", ScaleStruct),
    ]


class DenseStruct(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint16) for name in ("rows", "inputs", "outputs")),
        ("packed", ctypes.c_uint8),
        ("weights", ctypes.c_void_p),
        ("scale", ScaleStruct),
    ]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, ctypes.CDLL]:
    """The kernels for "dsp" and the portable ones."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("kernels")
    found = {}
    for target in ("DSP", "PORTABLE"):
        path = folder / f"{target}.so"
        sources = sorted(map(str, KERNELS.glob("mltk_*.c")))
        options = ["-std=c11", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-DMLTK_KERNELS_{target}"]
        options += ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
        subprocess.run([compiler, *options, *sources, "-o", str(path)], check=True)
        found[target.lower()] = ctypes.CDLL(str(path))
    return found


def values_of(rng: np.random.Generator, shape: tuple[int, ...], least: int = -128) -> NDArray[np.int8]:
    """Every byte, or often the ends of the range."""
    values = rng.integers(least, 128, shape)
    if rng.random() < 0.3:
        values = np.where(rng.random(shape) < 0.5, values, rng.choice([least, 127], shape))
    return values.astype(np.int8)


def scale_of(rng: np.random.Generator, channels: int, terms: int) -> Scale:
    """Multipliers and bounds as layers have them, and some that none has."""
    narrow = rng.random() < 0.8
    right = np.clip(int(6 + np.log2(terms) / 2) + rng.integers(-3, 4, channels), 1, 23)
    odd = rng.random(channels) < 0.1
    right = np.where(odd, rng.integers(1, 24, channels), right)
    shift = right - 1 if narrow else np.where(odd, rng.integers(-31, 7, channels), -right)
    bias = rng.integers(-20000, 20000, channels)
    if rng.random() < 0.2:
        bias = np.where(rng.random(channels) < 0.2, rng.integers(-(2**29), 2**29, channels), bias)
    multiplier = np.where(rng.random(channels) < 0.05, 0, rng.integers(2**30, 2**31, channels))
    zero = int(rng.integers(-128, 128)) if rng.random() < 0.5 else -128
    low = zero if rng.random() < 0.3 else -128
    high = int(rng.integers(low, 128)) if rng.random() < 0.1 else 127
    numbers = bias.astype(np.int32), multiplier.astype(np.int32), shift.astype(np.int8)
    return Scale(bias=numbers[0], multiplier=numbers[1], shift=numbers[2], zero=zero, low=low, high=high, narrow=narrow)


def run(
    library: ctypes.CDLL,
    kind: str,
    sizes: Mapping[str, int],
    weights: NDArray[np.int8],
    scale: Scale,
    packed: Packed | None,
    values: NDArray[np.int8],
    outputs: int,
) -> bytes:
    """One layer; what the kernel has no right to write must be as it was."""
    words = np.ascontiguousarray(packed.words if packed else weights)
    # As in the C of a net: what is packed is not there a second time.
    beside = [one.ctypes.data for one in (scale.bias, scale.multiplier, scale.shift)]
    if packed and kind != "depthwise" and packed.kind == SCALED:
        beside = [0, 0, 0]
    how = packed.kind if packed else PLAIN
    scaling = ScaleStruct(*beside, scale.zero, scale.low, scale.high, scale.narrow)
    struct: Any = DenseStruct if kind == "dense" else ConvStruct
    layer = struct(**sizes, packed=how, weights=words.ctypes.data, scale=scaling)
    target = "dsp" if packed else "portable"
    scratch = np.full(scratch_bytes(kind, sizes, target, how) + GUARD, 91, np.int8)
    out = np.full(outputs + 2 * GUARD, 92, np.int8)
    function = getattr(library, f"mltk_{kind}_s8")
    function(
        ctypes.byref(layer),
        values.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_void_p(out.ctypes.data + GUARD),
        scratch.ctypes.data_as(ctypes.c_void_p),
    )
    assert (scratch[-GUARD:] == 91).all()
    assert (out[:GUARD] == 92).all()
    assert (out[-GUARD:] == 92).all()
    return out[GUARD:-GUARD].tobytes()


def conv_sizes(rng: random.Random, depthwise: bool) -> dict[str, int] | None:
    """Sizes of a random convolution, None where there is no output."""
    flat = rng.random() < 0.4  # one pixel wide, as nets over time are
    in_h, in_w = rng.randint(1, 30 if flat else 12), 1 if flat else rng.randint(1, 14)
    if rng.random() < 0.2:
        in_h, in_w = in_w, in_h
    kernel_h, kernel_w = rng.randint(1, min(in_h + 2, 12)), rng.randint(1, min(in_w + 2, 5))
    if not depthwise and rng.random() < 0.4:
        kernel_h = kernel_w = 1
    stride_h, stride_w = rng.choice([1, 1, 1, 2, 3]), rng.choice([1, 1, 1, 2, 3])
    dilation_h, dilation_w = (rng.randint(1, 4), rng.randint(1, 4)) if rng.random() < 0.2 else (1, 1)
    span_h, span_w = (kernel_h - 1) * dilation_h + 1, (kernel_w - 1) * dilation_w + 1
    pad_top, pad_left = rng.randint(0, span_h - 1) // 2, rng.randint(0, span_w - 1) // 2
    out_h = (in_h + pad_top + rng.randint(0, pad_top) - span_h) // stride_h + 1
    out_w = (in_w + pad_left + rng.randint(0, pad_left) - span_w) // stride_w + 1
    in_c = rng.choice([1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 32, 40])
    out_c = in_c * rng.choice([1, 1, 1, 1, 2, 3]) if depthwise else rng.randint(1, 12)
    if out_h < 1 or out_w < 1:
        return None
    numbers = [in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w]
    return {**dict(zip(SIZES, numbers, strict=True)), "pad_top": pad_top, "pad_left": pad_left}


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_convolutions_are_the_portable_ones(libraries: Mapping[str, ctypes.CDLL], kind: str) -> None:
    kinds = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        sizes = conv_sizes(random.Random(seed), kind == "depthwise")
        if sizes is None:
            continue
        h, w, channels = (sizes[name] for name in ("kernel_h", "kernel_w", "out_c"))
        shape = (h, w, channels) if kind == "depthwise" else (channels, h, w, sizes["in_c"])
        weights = values_of(rng, shape, -128 if seed % 20 == 0 else -127)
        scale = scale_of(rng, channels, weights.size // channels)
        packed = pack_depthwise(weights, sizes, scale) if kind == "depthwise" else pack_conv(weights, scale)
        kinds.append(packed.kind if packed else PLAIN)
        zero_in = int(rng.integers(-128, 128))
        layer = {**sizes, "zero_in": zero_in}
        values = values_of(rng, (sizes["in_h"] * sizes["in_w"] * sizes["in_c"],))
        outputs = sizes["out_h"] * sizes["out_w"] * channels
        expected = run(libraries["portable"], kind, layer, weights, scale, None, values, outputs)
        assert run(libraries["dsp"], kind, layer, weights, scale, packed, values, outputs) == expected, (seed, sizes)
    assert min(np.bincount(kinds, minlength=3)) > 5


def test_a_depthwise_layer_with_one_pixel_is_read_as_it_is(libraries: Mapping[str, ctypes.CDLL]) -> None:
    """As in nets that keep rows; also where the input has more rows than the taps reach."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        h, w, dilation_h, dilation_w = (int(rng.integers(1, top)) for top in (16, 4, 3, 3))
        in_h, in_w = (h - 1) * dilation_h + int(rng.integers(1, 3)), (w - 1) * dilation_w + int(rng.integers(1, 3))
        channels = int(rng.choice([4, 8, 40, 128, 6]))
        numbers = [in_h, in_w, channels, 1, 1, channels, h, w, 3, 3, dilation_h, dilation_w]
        sizes = {
            **dict(zip(SIZES, numbers, strict=True)),
            "pad_top": 0,
            "pad_left": 0,
            "zero_in": int(rng.integers(-9, 9)),
        }
        weights, values = values_of(rng, (h, w, channels)), values_of(rng, (in_h * in_w * channels,))
        scale = scale_of(rng, channels, h * w)
        assert pack_depthwise(weights, sizes, scale) is None
        found = [
            run(library, "depthwise", sizes, weights, scale, None, values, channels) for library in libraries.values()
        ]
        assert found[0] == found[1], (seed, sizes)


def test_dense_layers_are_the_portable_ones(libraries: Mapping[str, ctypes.CDLL]) -> None:
    for seed in range(100):
        rng = np.random.default_rng(seed)
        rows, inputs, outputs = (int(rng.integers(1, top)) for top in (8, 90, 20))
        sizes = {"rows": rows, "inputs": inputs, "outputs": outputs}
        weights = values_of(rng, (outputs, inputs), -127)
        scale = scale_of(rng, outputs, inputs)
        values = values_of(rng, (rows * inputs,))
        packed = pack_dense(weights, scale)
        expected = run(libraries["portable"], "dense", sizes, weights, scale, None, values, rows * outputs)
        assert run(libraries["dsp"], "dense", sizes, weights, scale, packed, values, rows * outputs) == expected, seed
