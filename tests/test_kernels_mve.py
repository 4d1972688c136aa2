"""The kernels for MVE on an emulated Cortex-M55: the portable kernels' bytes for layers of random shapes."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mltk_like.codegen.scratch import is_in_place, scratch_bytes

CPP = Path(__file__).parent.parent / "cpp"
ROOM = 48 * 1024  # of a tensor, WEIGHTS of the weights, SCRATCH: as in cpp/tests/kernels/same_kernels.cpp
WEIGHTS = 64 * 1024
SCRATCH = 16 * 1024
FIELDS = (
    *("in_h", "in_w", "in_c", "out_h", "out_w", "out_c", "kernel_h", "kernel_w", "stride_h", "stride_w"),
    *("dilation_h", "dilation_w", "pad_top", "pad_left"),
)
# mltk_NAME_s8
FUNCTIONS = ("conv", "depthwise", "dense", "add", "mul", "table", "average_pool", "max_pool", "mean", "softmax")

# As cpp/mcu/machines.cmake has it.
BOARD = {"MACHINE": "mps3-an547", "RUNS_ON": "Cortex-M55", "BOOT": "0x10000000", "FLASH": "0x11000000"}
BOARD |= {"RAM": "0x31000000", "FLASH_BYTES": "2M", "RAM_BYTES": "4M"}

pytestmark = pytest.mark.slow


def find(program: str) -> str:
    """Path of a program, of this environment first."""
    found = shutil.which(program, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if found is None:
        pytest.skip(f"{program} is not installed: make mcu says how to get it")
    return found


def image_case(kind: str, rng: random.Random) -> str | None:
    """Initialiser of one convolution or pool, None where it is too large for the test."""
    depthwise, pool = kind == "Depthwise", kind.endswith("Pool")
    flat = rng.random() < 0.4  # one pixel wide, as nets over time are
    in_h, in_w = rng.randint(1, 40 if flat else 12), 1 if flat else rng.randint(1, 14)
    if rng.random() < 0.2:
        in_h, in_w = in_w, in_h
    kernel_h, kernel_w = rng.randint(1, min(in_h + 2, 11)), rng.randint(1, min(in_w + 2, 5))
    if not depthwise and rng.random() < 0.4:
        kernel_h = kernel_w = 1
    stride_h, stride_w = rng.choice([1, 1, 2, 3]), rng.choice([1, 1, 2, 3])
    dilated = not pool and rng.random() < 0.3
    dilation_h, dilation_w = (rng.randint(1, 4), rng.randint(1, 4)) if dilated else (1, 1)
    span_h, span_w = (kernel_h - 1) * dilation_h + 1, (kernel_w - 1) * dilation_w + 1
    pad_top, pad_left = rng.randint(0, span_h - 1) // 2, rng.randint(0, span_w - 1) // 2
    out_h = (in_h + 2 * pad_top - span_h) // stride_h + 1
    out_w = (in_w + 2 * pad_left - span_w) // stride_w + 1
    in_c = rng.choice([1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 20, 32, 40, 64])
    out_c = in_c * rng.choice([1, 1, 1, 2, 3, 8]) if depthwise else in_c if pool else rng.randint(1, 40)
    weights = kernel_h * kernel_w * out_c * (1 if depthwise else in_c)
    if out_h < 1 or out_w < 1 or weights > WEIGHTS or out_h * out_w * out_c > ROOM or out_c > 512:
        return None
    sizes = [in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w]
    layer = dict(zip(FIELDS, [*sizes, pad_top, pad_left], strict=True))
    scratch = scratch_bytes(kind.lower(), layer, "mve")
    in_place = depthwise and is_in_place(layer, "mve")
    if scratch > SCRATCH:
        return None
    return initialiser(kind, [*layer.values(), rng.randint(-128, 127)], scratch, rng, in_place=in_place)


def flat_case(kind: str, rng: random.Random) -> str:
    """Initialiser of one layer without pixels."""
    rows = rng.randint(1, 5)
    inputs, outputs = rng.randint(1, 130), rng.randint(1, 40)
    return initialiser(kind, [rows, rng.randint(1, 3), inputs, 1, 1, outputs, *[1] * 6, 0, 0, 0], 0, rng)


def initialiser(kind: str, shape: list[int], scratch: int, rng: random.Random, *, in_place: bool = False) -> str:
    numbers = ", ".join(map(str, [*shape, 0]))
    narrow = int(rng.random() < 0.7)
    seed = rng.randint(1, 2**32 - 1)
    return f"{{Kind::k{kind}, {{{numbers}, nullptr, {{}}}}, {scratch}, {narrow}, {int(in_place)}, {seed}u}},\n"


def random_cases(seed: int, images: int, others: int) -> list[str]:
    """Layers of all kinds."""
    rng = random.Random(seed)
    cases: list[str] = []
    for kind, count in [("Conv", images), ("Depthwise", images), ("AveragePool", others), ("MaxPool", others)]:
        enough = len(cases) + count
        while len(cases) < enough:
            case = image_case(kind, rng)
            if case is not None:
                cases.append(case)
    for kind in ["Dense", "Add", "Mul", "Table", "Mean"]:
        cases += [flat_case(kind, rng) for _ in range(others)]
    return cases


def build(folder: Path, cases: list[str]) -> Path:
    """Firmware with the kernels for the core and, under other names, the portable ones."""
    (folder / "cases.inc").write_text("".join(cases))
    script = (CPP / "mcu" / "link.ld.in").read_text()
    for name, value in BOARD.items():
        script = script.replace(f"@MLTK_{name}@", value)
    (folder / "link.ld").write_text(script)
    common = ["-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-O3", "-Wall", "-Wextra", "-Werror"]
    common += [
        "-ffunction-sections",
        "-fno-tree-loop-distribute-patterns",
        f"-I{CPP / 'kernels'}",
        f"-I{CPP / 'mcu' / 'include'}",
    ]
    kernels = sorted(str(p) for p in (CPP / "kernels").glob("mltk_*.c"))
    renamed = [f"-Dmltk_{name}_s8=portable_mltk_{name}_s8" for name in FUNCTIONS]
    others = ["mltk_move_bytes", "mltk_quantise_f32", "mltk_dequantise_s8"]
    renamed += [f"-D{name}=portable_{name}" for name in others]
    objects: list[str] = []
    for tag, options in [("own", []), ("portable", ["-DMLTK_KERNELS_PORTABLE", *renamed])]:
        for source in kernels:
            target = folder / f"{tag}_{Path(source).stem}.o"
            command = [find("arm-none-eabi-gcc"), "-std=c11", *common, *options, "-c", source, "-o", str(target)]
            subprocess.run(command, check=True)
            objects.append(str(target))
    board = [str(CPP / "mcu" / name) for name in ("machine.cpp", "startup.cpp", "libc.cpp")]
    board.append(str(CPP / "tests" / "kernels" / "same_kernels.cpp"))
    command = [find("arm-none-eabi-g++"), "-std=c++17", *common, "-fno-exceptions", "-fno-rtti"]
    command += ["-DMLTK_TICK_PS=31250u", "-DMLTK_COPROCESSORS", f"-I{CPP / 'mcu'}", f"-I{folder}"]
    command += ["-nostartfiles", "-nostdlib", "-Wl,--gc-sections", f"-Wl,-T,{folder / 'link.ld'}"]
    subprocess.run([*command, *board, *objects, "-lgcc", "-o", str(folder / "same.elf")], check=True)
    return folder / "same.elf"


def emulate(firmware: Path) -> list[str]:
    command = [find("qemu-system-arm"), "-M", "mps3-an547", "-nographic", "-monitor", "none", "-serial", "none"]
    command += ["-semihosting-config", "enable=on,target=native", "-icount", "shift=6,sleep=off"]
    done = subprocess.run([*command, "-kernel", str(firmware)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr.splitlines()


def test_same_bytes_as_the_portable_kernels(tmp_path: Path) -> None:
    find("qemu-system-arm")
    lines = emulate(build(tmp_path, random_cases(seed=15, images=300, others=60)))
    assert [line for line in lines if not line.startswith("#")] == []
    assert len(lines) == 9
