"""Engines that must give the same bytes: TensorFlow Lite Micro, the net as C here, the net as C on a chip."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.codegen.graph import read_graph
from mltk_like.codegen.host import HostProgram, NetRun, run_on_host
from mltk_like.firmware import Core
from mltk_like.firmware.running import run_on_chip
from mltk_like.tflite import run_tflm
from mltk_like.tflite.inner import run_tflm_inside

_ARENA = 2**26  # bytes; roomy: what the model needs is asked elsewhere
_VALUES = 2**25  # bytes of all layers that are looked at together
_MOST_ROWS = 50


@dataclass(frozen=True, kw_only=True)
class SameBytes:
    """Two engines on the same inputs.

    Attributes:
        inferences: of which the outputs were compared.
        layers: of which all that they write was compared, on the first of the inferences.
        bytes: compared in all.
        differ: of them.
        first_layer: where they part first, such as `3 (add)`; None where they do not.
    """

    inferences: int
    layers: int
    bytes: int
    differ: int
    first_layer: str | None = None

    def __str__(self) -> str:
        compared = f"{self.bytes / 1e6:.2f} MB of {self.layers} layers and {self.inferences} outputs"
        if not self.differ:
            return f"the same bytes ({compared})"
        place = f"; the first layer that differs is {self.first_layer}" if self.first_layer else ""
        return f"{self.differ} bytes differ ({compared}){place}"


def tflm_against_host(model: bytes, inputs: NDArray[Any]) -> SameBytes:
    """TFLM beside the net as C on this machine: all outputs, and of the first inferences what each layer writes.

    Raises:
        ModelError: the net cannot become C, or TFLM cannot run it.
        CheckError: the C cannot be compiled, or fails.
        ToolError: there is no C compiler, or no TFLM for this platform.
    """
    with HostProgram([model]) as program:
        one = program.run(inputs[:1], layers=True)
        size = sum(values.nbytes for values in one.tensors.values()) or 1
        first = inputs[: max(1, min(_MOST_ROWS, _VALUES // size))]
        host = NetRun(outputs=program.run(inputs).outputs, tensors=program.run(first, layers=True).tensors)
    outputs = run_tflm(model, inputs, profile=False, repeat=1, arena_bytes=_ARENA).outputs
    assert outputs is not None
    tflm = NetRun(outputs=outputs, tensors=run_tflm_inside(model, first, list(host.tensors)))
    return compare(model, tflm, host)


def host_against_chip(model: bytes, inputs: NDArray[Any], core: Core) -> SameBytes:
    """The net as C on this machine and on an emulated chip. Raises as `run_on_host` and `run_on_chip`."""
    return compare(model, run_on_host(model, inputs, layers=True), run_on_chip(model, inputs, core))


def compare(model: bytes, one: NetRun, other: NetRun) -> SameBytes:
    """Two runs over the same rows."""
    outputs = _differ(one.outputs, other.outputs)
    wrong = {number: _differ(one.tensors[number], values) for number, values in other.tensors.items()}
    first = next((number for number, count in wrong.items() if count), None)
    return SameBytes(
        inferences=len(one.outputs),
        layers=len(wrong),
        bytes=one.outputs.nbytes + sum(values.nbytes for values in other.tensors.values()),
        differ=outputs + sum(wrong.values()),
        first_layer=None if first is None else _layer_of(model, first),
    )


def _differ(one: NDArray[Any], other: NDArray[Any]) -> int:
    """Bytes that differ."""
    views = [np.ascontiguousarray(values).view(np.uint8).ravel() for values in (one, other)]
    return int((views[0] != views[1]).sum())


def _layer_of(model: bytes, tensor: int) -> str:
    writers: Mapping[int, str] = {
        number: f"{one.index} ({one.op})" for one in read_graph(model).operators for number in one.outputs
    }
    return writers[tensor]
