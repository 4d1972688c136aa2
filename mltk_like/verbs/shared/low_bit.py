"""What is kept of low-bit training in a run folder or archive, and the files that it is exported to."""

import json
from collections.abc import Mapping

from mltk_like.artifact import Artifact
from mltk_like.codegen.kernels import LOW_BIT, kernel_sources
from mltk_like.errors import ModelError
from mltk_like.low_bit.akida import akida_script
from mltk_like.low_bit.files import c_source, describe, from_npz, to_npz
from mltk_like.low_bit.integer_net import IntegerNet
from mltk_like.low_bit.report import LowBitReport
from mltk_like.training.low_bit import INTEGERS, REPORT


def low_bit_integers(artifact: Artifact) -> IntegerNet:
    """The net in integers. Raises ModelError where the model was not trained to few bits, or the net branches."""
    data = artifact.read(f"train/{INTEGERS}") if not artifact.alone else None
    if data is None:
        report = low_bit_report(artifact)
        why = report.problem if report else "it was not trained with low_bit"
        raise ModelError(f"{artifact.name} has no net of few bits: {why}", "set low_bit in the model and train it")
    return from_npz(data)


def low_bit_report(artifact: Artifact) -> LowBitReport | None:
    """What low-bit training came to; None for other models. Raises ModelError where it is damaged."""
    data = artifact.read(f"train/{REPORT}") if not artifact.alone else None
    return LowBitReport.from_json(data) if data else None


def low_bit_files(artifact: Artifact, prefix: str) -> Mapping[str, str | bytes]:
    """The net in integers: arrays, what they mean, C tables, and the kernels that compute with them.

    Raises:
        ModelError: the model has no such net.
        ToolError: the kernels' source is not there.
    """
    net = low_bit_integers(artifact)
    header, source = c_source(net, prefix)
    return {
        f"{net.name}.lowbit.npz": to_npz(net),
        f"{net.name}.lowbit.json": json.dumps(describe(net), indent=2) + "\n",
        f"{prefix}_low_bit.h": header,
        f"{prefix}_low_bit.c": source,
        **kernel_sources(LOW_BIT),
    }


def akida_files(artifact: Artifact, prefix: str) -> Mapping[str, str | bytes]:
    """The same, and a script that converts it with BrainChip's tools where those are. Raises ModelError."""
    net = low_bit_integers(artifact)
    return {**low_bit_files(artifact, prefix), f"{net.name}_akida.py": akida_script(net)}
