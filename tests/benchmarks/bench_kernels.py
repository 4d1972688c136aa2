"""Instructions of our kernels beside CMSIS-NN's on an emulated core: `python bench_kernels.py MODEL... [--cpu NAME]`.

A model is a `.tflite` or `.mltk.zip`. Its net is written as C once and counted with three sets of kernels: ours for the
core, our portable ones, and CMSIS-NN 4.0 where it has the layer (convolutions, depthwise ones, dense layers, average
pools; the rest is the portable kernel then). All three give the same bytes, but for dense layers with a multiplier for
each output, of which CMSIS-NN 4.0 knows only one for all. Its sources are taken from the wheel of bakenn 1.0.0
(Apache-2.0), which pip fetches; nothing of it stays. It needs the Arm compiler and QEMU.
"""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

from mltk_like.artifact import open_artifact
from mltk_like.codegen import emit_net, program

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
KERNELS, MCU = ROOT / "cpp" / "kernels", ROOT / "cpp" / "mcu"
MPS2 = {"BOOT": "0x0", "FLASH": "0x400", "RAM": "0x20000000", "FLASH_BYTES": "4M", "RAM_BYTES": "4M"}
BOARDS: Mapping[str, tuple[str, int, Mapping[str, str]]] = {  # as cpp/mcu/machines.cmake has them
    "cortex-m4": ("mps2-an386", 40000, MPS2),
    "cortex-m7": ("mps2-an500", 40000, MPS2),
    "cortex-m33": ("mps2-an505", 50000, MPS2 | {"BOOT": "0x10000000", "FLASH": "0x10000400", "RAM": "0x38000000"}),
}
CMSIS = "bakenn/backend/cmsis_nn/vendor"
WARNINGS = "-w"  # other people's sources
Layers = list[tuple[str, int, int]]


def model_bytes(path: Path) -> bytes:
    """The `.tflite` of a model."""
    return path.read_bytes() if path.suffix == ".tflite" else open_artifact(path).tflite()


def fetch_cmsis(folder: Path) -> Path:
    """CMSIS-NN's folder, of the wheel."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "bakenn==1.0.0", "-d", str(folder)]
    subprocess.run(command, check=True)
    with zipfile.ZipFile(next(folder.glob("bakenn-*.whl"))) as wheel:
        wheel.extractall(folder)
    (folder / "math.h").touch()  # which it includes for other processors
    return folder / CMSIS


def build(folder: Path, core: str, kernels: str, cmsis: Path) -> Path:
    """Firmware of the net in a folder with one set of kernels: "ours", "portable" or "cmsis"."""
    _, tick, board = BOARDS[core]
    script = (MCU / "link.ld.in").read_text()
    for name, value in {"MACHINE": "the board", "RUNS_ON": core, **board}.items():
        script = script.replace(f"@MLTK_{name}@", value)
    (folder / "link.ld").write_text(script)
    includes = [KERNELS, MCU, MCU / "include", folder, *cmsis.glob("*/Include")]
    common = [f"-mcpu={core}", "-mthumb", "-mfloat-abi=soft", "-O3", "-ffunction-sections", "-fdata-sections", WARNINGS]
    common += ["-fno-tree-loop-distribute-patterns", "-DMLTK_NET_HOOK", *(f"-I{one}" for one in includes)]
    sources = [folder / "net.c", *KERNELS.glob("mltk_*.c")]
    if kernels != "ours":
        common += ["-DMLTK_KERNELS_PORTABLE"]
    if kernels == "cmsis":
        theirs = [*cmsis.glob("cmsis_nn/Source/*/*.c"), HERE / "cmsis_nn_kernels.c"]
        ours = [one for one in sources if one.stem not in ("mltk_conv", "mltk_depthwise")]
        sources = [*ours, *theirs]
    objects = []
    for source in sources:
        objects.append(str(folder / f"{kernels}_{source.stem}.o"))
        # Where both have a pool, CMSIS-NN's comes first.
        weak = ["-Dmltk_average_pool_s8=portable_average_pool_s8"] if source.stem == "mltk_pool" else []
        options = weak if kernels == "cmsis" else []
        subprocess.run(
            ["arm-none-eabi-gcc", "-std=c11", *common, *options, "-c", str(source), "-o", objects[-1]], check=True
        )
    firmware = folder / f"{kernels}.elf"
    cpp = [str(MCU / f"{name}.cpp") for name in ("machine", "startup", "libc")] + [str(HERE / "count_layers.cpp")]
    link = ["-nostartfiles", "-nostdlib", "-Wl,--gc-sections", f"-Wl,-T,{folder / 'link.ld'}"]
    options = ["-std=c++17", *common, f"-DMLTK_TICK_PS={tick}u", "-fno-exceptions", "-fno-rtti", *link]
    subprocess.run(["arm-none-eabi-g++", *options, *cpp, *objects, "-lgcc", "-o", str(firmware)], check=True)
    return firmware


def count(firmware: Path, core: str) -> Layers:
    """Name, instructions and sum of bytes of each layer."""
    machine = [
        "-M",
        BOARDS[core][0],
        "-nographic",
        "-monitor",
        "none",
        "-serial",
        "none",
        "-icount",
        "shift=6,sleep=off",
    ]
    machine += ["-semihosting-config", "enable=on,target=native", "-kernel", str(firmware)]
    done = subprocess.run(["qemu-system-arm", *machine], capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stderr.splitlines()]
    return [(name, int(instructions), int(total)) for _, instructions, total, name in lines]


def others(found: Mapping[str, Layers], which: str) -> str:
    """The first layer that gives other bytes than the portable kernels, or "none"."""
    for number, ((name, _, mine), (_, _, portable)) in enumerate(zip(found[which], found["portable"], strict=True)):
        if mine != portable:
            return f"from {number} on ({name})"
    return "none"


def table(found: Mapping[str, Layers]) -> None:
    """Instructions by kind of layer, and how many times as many the others take."""
    print(f"  {'':<24}{'ours':>12}{'CMSIS-NN':>12}{'portable':>12}{'CMSIS-NN/ours':>16}")
    kinds = list(dict.fromkeys(name for name, _, _ in found["ours"]))
    for kind in [*kinds, "all"]:
        sums = {
            which: sum(number for name, number, _ in layers if kind in (name, "all")) for which, layers in found.items()
        }
        if sums["ours"] < 100:
            continue
        numbers = "".join(f"{sums[which]:>12,}" for which in ("ours", "cmsis", "portable"))
        print(f"  {kind:<24}{numbers}{sums['cmsis'] / sums['ours']:>16.2f}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a table for each model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--cpu", choices=BOARDS, default="cortex-m4")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        cmsis = fetch_cmsis(folder)
        for model in chosen.models:
            # Tensors lie apart: CMSIS-NN's kernels do not go over pixels in order.
            with mock.patch.object(program, "_leads", return_value={}):
                files = emit_net(model_bytes(model), prefix="net").files
            for name, text in files.items():
                (folder / name).write_text(text)
            found = {
                which: count(build(folder, chosen.cpu, which, cmsis), chosen.cpu)
                for which in ("ours", "cmsis", "portable")
            }
            print(f"{model.name} on {chosen.cpu}; layers whose bytes differ: ours {others(found, 'ours')}, ", end="")
            print(f"CMSIS-NN's {others(found, 'cmsis')}")
            table(found)


if __name__ == "__main__":
    main()
