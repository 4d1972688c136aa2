"""A board of this package's own on a pseudo-terminal: the C++ program `board_simulator`."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mltk_like.audio.programs import program_path
from mltk_like.errors import ModelError


@contextmanager
def simulated_board(model: Path | None, library: Path | None, *options: str) -> Iterator[str]:
    """Run the simulator for the time of the block; yields the path of its line, for `Board`.

    Args:
        model: a `.tflite` with parameters; None: a board that only streams its microphone, which the options name.
        library: TensorFlow Lite Micro, see `mltk_like.tflite.find_tflm`; None without a model.
        options: further ones of the program, such as "--fault", "drop=0.001".

    Raises:
        ModelError: the simulator cannot run the model.
        ToolError: it was not built.
    """
    net = [] if model is None else ["--library", str(library), "--model", str(model)]
    command = [str(program_path("board_simulator")), *net, *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline().decode().strip()
            if not line:
                said = process.stderr.read().decode(errors="replace").strip().splitlines() or ["no message"]
                raise ModelError(said[-1].removeprefix("board_simulator: "), "look at the model and the options")
            yield line
        finally:
            process.stdin.close()
            process.wait()
