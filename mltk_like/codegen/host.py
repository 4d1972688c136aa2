"""The C of nets on this machine: compiled with its kernels into one program, and run on rows of inputs."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mltk_like.codegen.emit import emit_net
from mltk_like.codegen.graph import Graph, read_graph
from mltk_like.codegen.kernels import INT8, kernels_folder
from mltk_like.errors import CheckError, DataError, ModelError, ToolError

_COMPILERS = ("cc", "gcc", "clang")
_TIMEOUT_S = 600
# Records on stdout: the layer (-1: the net's output), how many bytes, and the bytes.
_OUTPUT = -1
_HEAD = np.dtype([("layer", "=i4"), ("bytes", "=u4")])
_MAIN = """#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

%(includes)s

static int inside; /* whether what layers write is wanted */

static void record(int32_t layer, const void* values, uint32_t bytes) {
  fwrite(&layer, sizeof layer, 1, stdout);
  fwrite(&bytes, sizeof bytes, 1, stdout);
  fwrite(values, 1, bytes, stdout);
}

void mltk_net_layer(int layer, const char* op, int begin) { (void)layer, (void)op, (void)begin; }
void mltk_net_tensor(int layer, const void* values, uint32_t bytes) {
  if (inside) record(layer, values, bytes);
}

%(uses)s

int main(int count, char** arguments) {
  inside = count > 2;
  switch (count > 1 ? atoi(arguments[1]) : 0) {
%(cases)s
  }
  return fflush(stdout);
}
"""
_USE = """static void use_%(name)s(void) {
  static _Alignas(16) unsigned char input[%(upper)s_INPUT_BYTES], output[%(upper)s_OUTPUT_BYTES];
  %(name)s_init();
  while (fread(input, sizeof input, 1, stdin) == 1) {
    %(name)s_run((const void*)input, (void*)output);
    record(-1, output, sizeof output);
  }
}
"""


@dataclass(frozen=True, kw_only=True)
class NetRun:
    """What the C of a net made of rows.

    Attributes:
        outputs: (n, *output shape without batch) in the output's type.
        tensors: (n, values) of what layers wrote, by number of the tensor in the file, in the order in which they were
            written; layers that only rename values are not there. Empty unless layers were asked for.
    """

    outputs: NDArray[Any]
    tensors: Mapping[int, NDArray[Any]] = field(default_factory=dict)


def find_compiler() -> str:
    """Path of the C compiler of this machine. Raises ToolError where there is none."""
    found = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if found is None:
        raise ToolError("there is no C compiler on this machine", "install gcc or clang")
    return found


class HostProgram:
    """Nets as C in one program, in a temporary folder that ends with the `with` block.

    Args:
        models: contents of `.tflite` files.
        flags: of the compiler, besides the folders and the standard.

    Raises:
        ModelError: a net cannot become C; the layer is named.
        CheckError: the C cannot be compiled.
        ToolError: there is no C compiler, or the kernels' source is not there.
    """

    def __init__(self, models: Sequence[bytes], *, flags: Sequence[str] = ("-O2",)) -> None:
        compiler, kernels = find_compiler(), kernels_folder(INT8)
        self._graphs = [read_graph(model) for model in models]
        names = [f"net_{number}" for number in range(len(models))]
        files = [emit_net(model, prefix=name).files for name, model in zip(names, models, strict=True)]
        self._folder = tempfile.TemporaryDirectory(prefix="mltk_like_net_")
        try:
            folder = Path(self._folder.name)
            for name, text in [("main.c", _main(names)), *(pair for one in files for pair in one.items())]:
                (folder / name).write_text(text, encoding="utf-8")
            sources = [*sorted(folder.glob("*.c")), *(kernels / name for name in INT8 if name.endswith(".c"))]
            command = [compiler, "-std=c11", "-DMLTK_KERNELS_PORTABLE", "-DMLTK_NET_HOOK", *flags]
            self._program = folder / "net"
            _compile([*command, "-I", str(kernels), "-I", str(folder), *map(str, sources), "-o", str(self._program)])
        except BaseException:
            self._folder.cleanup()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._folder.cleanup()

    def run(self, inputs: NDArray[Any], net: int = 0, *, layers: bool = False) -> NetRun:
        """Run a net on rows, in order, from its first state on; what it keeps goes from row to row.

        Args:
            inputs: (n, *input shape without batch) in the type of the net's input.
            net: number of the model.
            layers: give what each layer writes, too.

        Raises:
            DataError: another shape or type.
            CheckError: the program fails.
            ModelError: it does not end in time.
        """
        graph = self._graphs[net]
        check_rows(graph, inputs)
        try:
            command = [str(self._program), str(net), *(["inside"] if layers else [])]
            ended = subprocess.run(command, input=inputs.tobytes(), capture_output=True, timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise ModelError(f"the net as C did not finish within {_TIMEOUT_S} s", "give fewer rows") from error
        except OSError as error:
            raise ToolError(f"cannot run the net as C: {error.strerror}", "allow programs in TMPDIR to run") from error
        if ended.returncode != 0:
            last = ended.stderr.decode(errors="replace").strip()
            raise CheckError(f"the net as C ended with {ended.returncode}: {last or 'no message'}")
        return read_run(graph, ended.stdout, len(inputs))


def run_on_host(model: bytes, inputs: NDArray[Any], *, layers: bool = False) -> NetRun:
    """Compile the C of a net and run it on rows, in order.

    Args:
        model: content of a `.tflite` file with int8 layers.
        inputs: (n, *input shape without batch) in the type of its input.
        layers: give what each layer writes, too.

    Raises:
        DataError: inputs of another shape or type.
        ModelError: the net cannot become C; the layer is named.
        CheckError: the C cannot be compiled, or the program fails.
        ToolError: there is no C compiler on this machine, or the kernels' source is not there.
    """
    with HostProgram([model]) as program:
        return program.run(inputs, layers=layers)


def check_rows(graph: Graph, inputs: NDArray[Any]) -> None:
    """Raise DataError where inputs are of another shape or type than the net's."""
    source = graph.tensors[graph.input]
    if inputs.shape[1:] != source.shape[1:] or inputs.dtype.name != source.dtype or not len(inputs):
        raise DataError(
            f"the net takes {source.dtype} rows of shape {source.shape[1:]}; got {inputs.dtype} {inputs.shape}",
            "quantise the features first",
        )


def read_run(graph: Graph, raw: bytes, rows: int) -> NetRun:
    """What a program wrote of so many rows: records, each of a layer (-1: the net's output), a size and the bytes.

    Raises:
        ModelError: it wrote something else.
    """
    found = _records(raw, rows)
    if _OUTPUT not in found:
        raise ModelError("the net as C gave no outputs")
    output = graph.tensors[graph.output]
    return NetRun(
        outputs=found.pop(_OUTPUT)[0].view(output.dtype).reshape(rows, *output.shape[1:]),
        tensors=dict(pair for layer, parts in found.items() for pair in _tensors(graph, layer, parts)),
    )


def _main(names: Sequence[str]) -> str:
    return _MAIN % {
        "includes": "\n".join(f'#include "{name}.h"' for name in names),
        "uses": "\n".join(_USE % {"name": name, "upper": name.upper()} for name in names),
        "cases": "\n".join(f"    case {number}: use_{name}(); break;" for number, name in enumerate(names)),
    }


def _compile(command: Sequence[str]) -> None:
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S)
    except OSError as error:
        raise ToolError(f"cannot run {command[0]}: {error.strerror}", "install gcc or clang") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{command[0]} did not finish within {_TIMEOUT_S} s", "give a smaller model") from error
    if ended.returncode != 0:
        lines = [line for line in ended.stderr.decode(errors="replace").splitlines() if "error" in line]
        why = lines[0] if lines else f"it ended with {ended.returncode}"
        raise CheckError(f"{command[0]} cannot compile the net: {why}", "use a C11 compiler such as gcc or clang")


def _records(raw: bytes, rows: int) -> dict[int, list[NDArray[np.uint8]]]:
    """(rows, bytes) of each record of a row by its layer. Every row has the same records."""
    whole = np.frombuffer(raw, np.uint8)
    if len(whole) % rows:
        raise ModelError(f"the net as C gave {len(whole)} bytes for {rows} rows")
    whole = whole.reshape(rows, -1)
    found: dict[int, list[NDArray[np.uint8]]] = {}
    at = 0
    while at < whole.shape[1]:
        head = np.frombuffer(whole[0, at : at + _HEAD.itemsize].tobytes(), _HEAD)[0]
        at += _HEAD.itemsize
        values = np.ascontiguousarray(whole[:, at : at + int(head["bytes"])])
        found.setdefault(int(head["layer"]), []).append(values)
        at += int(head["bytes"])
    return found


def _tensors(graph: Graph, layer: int, parts: Sequence[NDArray[np.uint8]]) -> list[tuple[int, NDArray[Any]]]:
    numbers = graph.operators[layer].outputs
    return [(n, part.view(graph.tensors[n].dtype)) for n, part in zip(numbers, parts, strict=True)]
