"""Where tensors lie while a net runs: in one block, over each other where they are not alive at the same time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

ALIGNMENT = 16
_TRIES = 50


@dataclass(frozen=True)
class Block:
    """Bytes that are in use from one step to another, both included."""

    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """Offsets of the blocks by their keys, and the size of it all."""

    offsets: Mapping[int, int]
    bytes: int


def plan(blocks: Mapping[int, Block], leads: Mapping[tuple[int, int], int] = MappingProxyType({})) -> Plan:
    """Each block at the lowest place that is free all its life, in an order that is improved while that helps.

    The first order is greatest first, that of TensorFlow Lite Micro's GreedyMemoryPlanner. Whatever ends highest is
    then placed before all others, again and again.

    Args:
        blocks: by any number that names them.
        leads: (input, output) -> the output may lie over the input if it begins no later than so many bytes after it.
    """
    order = sorted(blocks, key=lambda k: (-blocks[k].bytes, blocks[k].first, k))
    best = now = _placed(blocks, leads, order)
    for _ in range(_TRIES if len(blocks) > 1 else 0):
        highest = max(order, key=lambda k: (now.offsets[k] + aligned(blocks[k].bytes), -order.index(k)))
        order = [highest, *(key for key in order if key != highest)]
        now = _placed(blocks, leads, order)
        best = now if now.bytes < best.bytes else best
    return best


def _placed(blocks: Mapping[int, Block], leads: Mapping[tuple[int, int], int], order: Sequence[int]) -> Plan:
    offsets: dict[int, int] = {}
    for key in order:
        block, size = blocks[key], aligned(blocks[key].bytes)
        busy = []
        for other, at in offsets.items():
            if blocks[other].first > block.last or block.first > blocks[other].last:
                continue
            begin, end = at, at + aligned(blocks[other].bytes)
            # Where one may lie over the other, what is free reaches further.
            if (other, key) in leads:
                begin = at + _down(leads[other, key]) + size
            elif (key, other) in leads:
                end = at - _down(leads[key, other])
            busy.append((begin, end))
        offsets[key] = _lowest(busy, size)
    return Plan(offsets, max((at + aligned(blocks[key].bytes) for key, at in offsets.items()), default=0))


def aligned(size: int) -> int:
    """The next multiple of `ALIGNMENT`."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def _down(offset: int) -> int:
    return offset // ALIGNMENT * ALIGNMENT


def _lowest(busy: Sequence[tuple[int, int]], size: int) -> int:
    """The lowest place for so many bytes that ends before, or begins after, each of the intervals."""
    free = (at for at in sorted({0, *(max(end, 0) for _, end in busy)}))
    return next(at for at in free if all(at + size <= begin or at >= end for begin, end in busy))
