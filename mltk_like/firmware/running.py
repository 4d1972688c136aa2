"""The C of a net on an emulated chip, over rows of inputs."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from numpy.typing import NDArray

from mltk_like.codegen.graph import read_graph
from mltk_like.codegen.host import NetRun, check_rows, read_run
from mltk_like.firmware.building import build, check_tools
from mltk_like.firmware.cores import Core
from mltk_like.firmware.counting import run_bare
from mltk_like.firmware.sources import write_net


def run_on_chip(model: bytes, inputs: NDArray[Any], core: Core) -> NetRun:
    """Compile the C of a net for a core and run it in QEMU on rows, in order, with what each layer writes.

    Args:
        model: content of a `.tflite` file with int8 layers.
        inputs: (n, *input shape without batch) in the type of its input.
        core: where it is to run.

    Raises:
        DataError: inputs of another shape or type.
        ModelError: the net cannot become C, or does not fit into the emulated board.
        ToolError: CMake, the compiler or the emulator is not installed, or one of them failed.
    """
    check_tools("to run a net on an emulated chip")
    graph = read_graph(model)
    check_rows(graph, inputs)
    with TemporaryDirectory(prefix="mltk_like_chip_") as folder:
        place = Path(folder)
        build(write_net(model, place), place / "build", core, ["run_net"])
        programs = place / "build" / "mcu" / "counting"
        (programs / "rows.bin").write_bytes(inputs.tobytes())
        run_bare(programs / "run_net.elf", core)
        return read_run(graph, (programs / "values.bin").read_bytes(), len(inputs))
