"""What low-bit training came to: the episodes, the integers, and what each layer has to do."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.low_bit.integer_net import IntegerNet, Ints, Stage, outputs

_WINDOWS = 256


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One row of the table.

    Attributes:
        name: 'float', 'activations', 'weights and activations' or 'integers'.
        weights: bits of the weights, such as '8/4 bits' with the first layer's in front; 'N/A' for float.
        activations: bits of the activations, or 'N/A'.
        accuracy: share of validation windows that are classified right.
        epochs: trained.
    """

    name: str
    weights: str
    activations: str
    accuracy: float
    epochs: int


@dataclass(frozen=True, kw_only=True)
class StageStatistics:
    """What a stage does on real windows.

    Attributes:
        name: of the layer.
        bits: of its weights.
        values: most different values that a channel's weights take; at most 2^bits.
        input_sparsity, output_sparsity: share of zeros.
        operations: mean over windows of multiplications by inputs that are not 0, each input counted once for every
            output it reaches in a full convolution: how BrainChip's page counts.
        macs: multiplications of this net for one window, zeros included.
        packed_bytes: weights on flash.
    """

    name: str
    bits: int
    values: int
    input_sparsity: float
    output_sparsity: float
    operations: float
    macs: int
    packed_bytes: int


@dataclass(frozen=True, kw_only=True)
class LowBitReport:
    """What low-bit training came to.

    Attributes:
        episodes: three of training, and the third's net in integers.
        windows: validation windows that the accuracies are of.
        same_class: share of them that the net in integers gives the class that the Keras net gives.
        flash_bytes: packed weights and the constants of all channels.
        weight_bytes: packed weights.
        stages: layers with weights.
        problem: why there is no net in integers; '' where there is one.
    """

    episodes: tuple[Episode, ...]
    windows: int
    same_class: float = 0.0
    flash_bytes: int = 0
    weight_bytes: int = 0
    stages: tuple[StageStatistics, ...] = ()
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: bytes) -> "LowBitReport":
        """What `to_dict` gave, as JSON. Raises ModelError where it is something else."""
        try:
            stored = json.loads(data)
            episodes = tuple(Episode(**row) for row in stored.pop("episodes"))
            stages = tuple(StageStatistics(**row) for row in stored.pop("stages"))
            return cls(episodes=episodes, stages=stages, **stored)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(f"cannot read the low-bit report: {error}", "train the model again") from error

    def __str__(self) -> str:
        lines = [f"{'episode':<26} {'weights':<9} {'activations':<11} {'accuracy':>8} {'epochs':>6}"]
        lines += [
            f"{row.name:<26} {row.weights:<9} {row.activations:<11} {100 * row.accuracy:>6.2f} % "
            f"{row.epochs or '':>6}".rstrip()
            for row in self.episodes
        ]
        if self.problem:
            return "\n".join([*lines, f"on {self.windows} validation windows; {self.problem}"])
        lines += [
            f"on {self.windows} validation windows; integers and Keras agree on {100 * self.same_class:.2f} %",
            f"flash: {self.weight_bytes} bytes of packed weights, {self.flash_bytes} with all constants",
            "",
            f"{'layer':<24} {'bits':>4} {'values':>6} {'zeros in':>8} {'zeros out':>9} "
            f"{'ops':>9} {'MACs':>9} {'bytes':>6}",
        ]
        lines += [
            f"{s.name:<24} {s.bits:>4} {s.values:>6} {s.input_sparsity:>8.2f} {s.output_sparsity:>9.2f} "
            f"{s.operations:>9.0f} {s.macs:>9} {s.packed_bytes:>6}"
            for s in self.stages
        ]
        return "\n".join(lines)


def stage_statistics(net: IntegerNet, windows: NDArray[np.int8]) -> tuple[StageStatistics, ...]:
    """What each stage does on the first 256 of the windows, int8 (n, ...). Raises ModelError as `most_values`."""
    first = windows[:_WINDOWS]
    x: Ints = first.reshape(len(first), *net.stages[0].input_shape).astype(np.int64) + net.offset
    rows = []
    for stage, y in zip(net.stages, outputs(net, first), strict=True):
        rows.append(
            StageStatistics(
                name=stage.name,
                bits=max(stage.weight_bits, stage.depthwise_bits),
                values=most_values(stage),
                input_sparsity=float((x == 0).mean()),
                output_sparsity=float((y == 0).mean()),
                operations=float((x.reshape(len(x), *stage.input_shape) != 0).sum((0, 3)).ravel() @ _reach(stage))
                / len(x),
                macs=stage.macs,
                packed_bytes=stage.packed_bytes,
            )
        )
        x = y
    return tuple(rows)


def most_values(stage: Stage) -> int:
    """Most different values that the weights of a channel take. Raises ModelError where they are more than 2^bits."""
    channels = []
    if stage.weights is not None:
        channels += [(row, stage.weight_bits) for row in stage.weights.reshape(stage.channels, -1)]
    if stage.depthwise is not None:
        channels += [(row, stage.depthwise_bits) for row in stage.depthwise.reshape(-1, stage.input_shape[2]).T]
    counts = [(len(np.unique(row)), bits) for row, bits in channels]
    if any(count > 1 << bits for count, bits in counts):
        raise ModelError(f"a channel of {stage.name} has more values than its bits hold", "train the model again")
    return max(count for count, _ in counts)


def _reach(stage: Stage) -> NDArray[np.float64]:
    """How many outputs an input of each place takes part in, over all output channels: (height * width,)."""
    ways = []
    for axis in (0, 1):
        size, places = stage.input_shape[axis], stage.output_shape[axis]
        starts = np.arange(places) * stage.strides[axis] - stage.padding[axis]
        inside = (np.arange(size)[:, None] >= starts) & (np.arange(size)[:, None] < starts + stage.kernel[axis])
        ways.append(inside.sum(axis=1))
    return np.outer(ways[0], ways[1]).ravel().astype(np.float64) * stage.channels
