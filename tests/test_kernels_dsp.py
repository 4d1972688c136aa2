"""The kernels for the DSP extension, in C on this host: the portable kernels' bytes for layers of random shapes."""

import ctypes
import random
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mltk_like.codegen.packing import PLAIN, SCALED, Packed, Scale, pack_conv, pack_depthwise
from mltk_like.codegen.scratch import scratch_bytes

CPP = Path(__file__).parent.parent / "cpp"
KERNELS = CPP / "kernels"
SIDES = [f"{name}_{side}" for name in ("in", "out") for side in "hwc"]
SIZES = SIDES + [f"{name}_{side}" for name in ("kernel", "stride", "dilation") for side in "hw"]
GUARD, MARK = 16, 92  # as in packed_layers.cpp

# As cpp/mcu/machines.cmake has them.
_SIZES = {"FLASH_BYTES": "4M", "RAM_BYTES": "4M"}
_MPS2 = {"BOOT": "0x0", "FLASH": "0x400", "RAM": "0x20000000", **_SIZES}
BOARDS: Mapping[str, Mapping[str, str]] = {
    "cortex-m4": {"MACHINE": "mps2-an386", "RUNS_ON": "Cortex-M4", **_MPS2},
    "cortex-m7": {"MACHINE": "mps2-an500", "RUNS_ON": "Cortex-M7", **_MPS2},
    "cortex-m33": {
        "MACHINE": "mps2-an505",
        "RUNS_ON": "Cortex-M33",
        "BOOT": "0x10000000",
        "FLASH": "0x10000400",
        "RAM": "0x38000000",
        **_SIZES,
    },
}


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


@dataclass(frozen=True, kw_only=True)
class Case:
    """A layer with its input."""

    kind: str
    sizes: Mapping[str, int]
    weights: NDArray[np.int8]
    scale: Scale
    packed: Packed | None
    values: NDArray[np.int8]
    outputs: int

    @property
    def how(self) -> int:
        """What `packed` of its struct says."""
        return self.packed.kind if self.packed else PLAIN


def run(library: ctypes.CDLL, case: Case, packed: Packed | None) -> bytes:
    """The outputs; what the kernel has no right to write must be as it was."""
    scale, how = case.scale, packed.kind if packed else PLAIN
    words = np.ascontiguousarray(packed.words if packed else case.weights)
    # As in the C of a net: what is packed is not there a second time.
    beside = [one.ctypes.data for one in (scale.bias, scale.multiplier, scale.shift)]
    if case.kind != "depthwise" and how == SCALED:
        beside = [0, 0, 0]
    scaling = ScaleStruct(*beside, scale.zero, scale.low, scale.high, scale.narrow)
    struct: Any = DenseStruct if case.kind == "dense" else ConvStruct
    layer = struct(**case.sizes, packed=how, weights=words.ctypes.data, scale=scaling)
    room = scratch_bytes(case.kind, case.sizes, "dsp" if packed else "portable", how)
    scratch = np.full(room + GUARD, MARK, np.int8)
    out = np.full(case.outputs + 2 * GUARD, MARK, np.int8)
    getattr(library, f"mltk_{case.kind}_s8")(
        ctypes.byref(layer),
        case.values.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_void_p(out.ctypes.data + GUARD),
        scratch.ctypes.data_as(ctypes.c_void_p),
    )
    assert (np.concatenate([scratch[-GUARD:], out[:GUARD], out[-GUARD:]]) == MARK).all()
    return out[GUARD:-GUARD].tobytes()


def conv_sizes(rng: random.Random, depthwise: bool) -> dict[str, int] | None:
    """Sizes of a random convolution, None where there is no output."""
    flat = rng.random() < 0.4  # one pixel wide, as nets over time are
    in_h, in_w = rng.randint(1, 30 if flat else 12), 1 if flat else rng.randint(1, 14)
    if rng.random() < 0.2:
        in_h, in_w = in_w, in_h
    in_c = rng.choice([1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 32, 40])
    if depthwise and rng.random() < 0.05:  # a large plane
        in_h, in_w, in_c = rng.randint(30, 40), rng.randint(30, 40), rng.randint(1, 6)
    kernel_h, kernel_w = rng.randint(1, min(in_h + 2, 12)), rng.randint(1, min(in_w + 2, 5))
    if not depthwise and rng.random() < 0.4:
        kernel_h = kernel_w = 1
    stride_h, stride_w = rng.choice([1, 1, 1, 2, 3]), rng.choice([1, 1, 1, 2, 3])
    dilation_h, dilation_w = (rng.randint(1, 4), rng.randint(1, 4)) if rng.random() < 0.2 else (1, 1)
    span_h, span_w = (kernel_h - 1) * dilation_h + 1, (kernel_w - 1) * dilation_w + 1
    pad_top, pad_left = rng.randint(0, span_h - 1) // 2, rng.randint(0, span_w - 1) // 2
    out_h = (in_h + pad_top + rng.randint(0, pad_top) - span_h) // stride_h + 1
    out_w = (in_w + pad_left + rng.randint(0, pad_left) - span_w) // stride_w + 1
    out_c = in_c * rng.choice([1, 1, 1, 1, 2, 3]) if depthwise else rng.randint(1, 12)
    if out_h < 1 or out_w < 1:
        return None
    numbers = [in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w]
    return {**dict(zip(SIZES, numbers, strict=True)), "pad_top": pad_top, "pad_left": pad_left}


def conv_cases(kind: str, seeds: Iterable[int]) -> Iterator[Case]:
    for seed in seeds:
        rng = np.random.default_rng(seed)
        sizes = conv_sizes(random.Random(seed), kind == "depthwise")
        if sizes is None:
            continue
        h, w, channels = (sizes[name] for name in ("kernel_h", "kernel_w", "out_c"))
        shape = (h, w, channels) if kind == "depthwise" else (channels, h, w, sizes["in_c"])
        weights = values_of(rng, shape, -128 if seed % 20 == 0 else -127)
        scale = scale_of(rng, channels, weights.size // channels)
        packed = pack_depthwise(weights, sizes, scale) if kind == "depthwise" else pack_conv(weights, scale)
        yield Case(
            kind=kind,
            sizes={**sizes, "zero_in": int(rng.integers(-128, 128))},
            weights=weights,
            scale=scale,
            packed=packed,
            values=values_of(rng, (sizes["in_h"] * sizes["in_w"] * sizes["in_c"],)),
            outputs=sizes["out_h"] * sizes["out_w"] * channels,
        )


def one_pixel_cases(seeds: Iterable[int]) -> Iterator[Case]:
    """As in nets that keep rows; also where the input has more rows than the taps reach."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        h, w, dilation_h, dilation_w = (int(rng.integers(1, top)) for top in (16, 4, 3, 3))
        in_h, in_w = (h - 1) * dilation_h + int(rng.integers(1, 3)), (w - 1) * dilation_w + int(rng.integers(1, 3))
        channels = int(rng.choice([4, 8, 40, 128, 6]))
        numbers = [in_h, in_w, channels, 1, 1, channels, h, w, 3, 3, dilation_h, dilation_w]
        sizes = dict(zip(SIZES, numbers, strict=True))
        weights = values_of(rng, (h, w, channels))
        scale = scale_of(rng, channels, h * w)
        yield Case(
            kind="depthwise",
            sizes={**sizes, "pad_top": 0, "pad_left": 0, "zero_in": int(rng.integers(-9, 9))},
            weights=weights,
            scale=scale,
            packed=pack_depthwise(weights, {**sizes, "pad_top": 0, "pad_left": 0}, scale),
            values=values_of(rng, (in_h * in_w * channels,)),
            outputs=channels,
        )


def dense_cases(seeds: Iterable[int]) -> Iterator[Case]:
    for seed in seeds:
        rng = np.random.default_rng(seed)
        rows, inputs, outputs = (int(rng.integers(1, top)) for top in (8, 90, 20))
        weights = values_of(rng, (outputs, inputs), -127)
        scale = scale_of(rng, outputs, inputs)
        yield Case(
            kind="dense",
            sizes={"rows": rows, "inputs": inputs, "outputs": outputs},
            weights=weights,
            scale=scale,
            packed=pack_conv(weights, scale),
            values=values_of(rng, (rows * inputs,)),
            outputs=rows * outputs,
        )


@pytest.mark.parametrize("kind", ["conv", "depthwise", "dense"])
def test_outputs_are_those_of_the_portable_kernels(libraries: Mapping[str, ctypes.CDLL], kind: str) -> None:
    kinds = []
    for case in dense_cases(range(100)) if kind == "dense" else conv_cases(kind, range(400)):
        kinds.append(case.how)
        expected = run(libraries["portable"], case, None)
        assert run(libraries["dsp"], case, case.packed) == expected, case
    # Each way of going over a layer was there.
    assert min(np.bincount(kinds, minlength=3)) > 4


def test_a_depthwise_layer_with_one_pixel_is_read_as_it_is(libraries: Mapping[str, ctypes.CDLL]) -> None:
    for case in one_pixel_cases(range(60)):
        assert case.packed is None
        assert run(libraries["dsp"], case, None) == run(libraries["portable"], case, None), case


class PairStruct(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint32) for name in ("rows", "count")),
        *((name, ctypes.c_uint16) for name in ("a_step", "b_step")),
        *((name, ctypes.c_uint32) for name in ("a_row_step", "b_row_step")),
        *((name, ctypes.c_int16) for name in ("a_zero", "b_zero", "out_zero")),
        *((name, ctypes.c_int8) for name in ("low", "high")),
        *((name, ctypes.c_int32) for name in ("a_multiplier", "b_multiplier", "out_multiplier")),
        *((name, ctypes.c_int8) for name in ("a_shift", "b_shift", "out_shift", "b_sign")),
    ]


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_sums_are_those_of_the_portable_kernel(libraries: Mapping[str, ctypes.CDLL], data: st.DataObject) -> None:
    draw, int8, any_multiplier = data.draw, st.integers(-128, 127), st.integers(2**30, 2**31 - 1)
    half, other = (2**30, 0), (draw(any_multiplier), draw(st.integers(-8, 0)))
    terms = draw(st.sampled_from([(half, other), (other, half), (half, half), (other, other)]))
    low = draw(int8)
    count = draw(st.integers(1, 300))
    pair = PairStruct(
        *(1, count, 1, 1, count, count, draw(int8), draw(int8), draw(int8), low, draw(st.integers(low, 127))),
        *(terms[0][0], terms[1][0], draw(any_multiplier), terms[0][1], terms[1][1]),
        *(draw(st.integers(-23, -14)), draw(st.sampled_from([1, 1, -1]))),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    a, b = values_of(rng, (count,)), values_of(rng, (count,))
    expected, found = np.zeros(count, np.int8), np.zeros(count, np.int8)
    for name, out in (("portable", expected), ("dsp", found)):
        libraries[name].mltk_add_s8(ctypes.byref(pair), *(ctypes.c_void_p(one.ctypes.data) for one in (a, b, out)))
    np.testing.assert_array_equal(found, expected)


def layer_bytes(case: Case, expected: bytes) -> bytes:
    """As cpp/tests/kernels/packed_layers.cpp reads it."""
    words = (case.packed.words if case.packed else case.weights).tobytes()
    words += b"\0" * (-len(words) % 4)
    sizes, scale = case.sizes, case.scale
    geometry = [sizes[name] for name in (("rows", "inputs", "outputs") if case.kind == "dense" else SIZES)]
    numbers = [
        *(("conv", "depthwise", "dense").index(case.kind), *geometry, *[0] * (12 - len(geometry))),
        *(sizes.get(name, 0) for name in ("pad_top", "pad_left", "zero_in")),
        *(case.how, scale.zero, scale.low, scale.high, int(scale.narrow)),
        *(len(words) // 4, len(scale.bias), case.values.size, case.outputs),
        scratch_bytes(case.kind, sizes, "dsp", case.how),
    ]
    beside = scale.bias.tobytes() + scale.multiplier.tobytes() + scale.shift.tobytes()
    return np.array(numbers, np.int32).tobytes() + words + beside + case.values.tobytes() + expected


@pytest.mark.slow
@pytest.mark.parametrize("core", BOARDS)
def test_the_assembler_says_the_same(libraries: Mapping[str, ctypes.CDLL], core: str, tmp_path: Path) -> None:
    qemu, firmware = find("qemu-system-arm"), build(core, tmp_path)
    cases = [*conv_cases("conv", range(300)), *conv_cases("depthwise", range(300))]
    cases += [*dense_cases(range(60)), *one_pixel_cases(range(30))]
    layers = [layer_bytes(case, run(libraries["portable"], case, None)) for case in cases]
    (tmp_path / "layers.bin").write_bytes(b"".join(layers))
    machine = ["-M", BOARDS[core]["MACHINE"], "-nographic", "-monitor", "none", "-serial", "none"]
    machine += ["-semihosting-config", "enable=on,target=native"]
    done = subprocess.run(
        [qemu, *machine, "-kernel", firmware], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert (done.returncode, done.stderr) == (0, f"{len(cases)} layers\n")


def build(core: str, folder: Path) -> Path:
    """Firmware that runs layers of a file."""
    compiler = find("arm-none-eabi-g++")
    script = (CPP / "mcu" / "link.ld.in").read_text()
    for name, value in BOARDS[core].items():
        script = script.replace(f"@MLTK_{name}@", value)
    (folder / "link.ld").write_text(script)
    common = [
        f"-mcpu={core}",
        "-mthumb",
        "-mfloat-abi=soft",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-ffunction-sections",
    ]
    common += ["-fno-tree-loop-distribute-patterns", f"-I{KERNELS}", f"-I{CPP / 'mcu' / 'include'}", f"-I{CPP / 'mcu'}"]
    objects = []
    for source in sorted(KERNELS.glob("mltk_*.c")):
        objects.append(str(folder / f"{source.stem}.o"))
        subprocess.run([compiler, "-xc", "-std=c11", *common, "-c", str(source), "-o", objects[-1]], check=True)
    sources = [*(CPP / "mcu" / f"{name}.cpp" for name in ("machine", "startup", "libc"))]
    sources.append(CPP / "tests" / "kernels" / "packed_layers.cpp")
    options = ["-std=c++17", *common, "-fno-exceptions", "-fno-rtti", "-DMLTK_TICK_PS=40000u", "-nostartfiles"]
    options += ["-nostdlib", "-Wl,--gc-sections", f"-Wl,-T,{folder / 'link.ld'}", *map(str, sources), *objects, "-lgcc"]
    subprocess.run([compiler, *options, "-o", str(folder / "layers.elf")], check=True)
    return folder / "layers.elf"


def find(program: str) -> str:
    """Path of a program."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed: make mcu says how to get it")
    return found
