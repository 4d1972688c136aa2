"""Where tensors lie while a net runs: in one block, over each other where they are not alive at the same time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


def plan(blocks: Mapping[int, Block]) -> Plan:
    """Each block at the lowest place that is free all its life, in an order that is improved while that helps.

    The first order is greatest first, that of TensorFlow Lite Micro's GreedyMemoryPlanner. Whatever ends highest is
    then placed before all others, again and again, until the size is that of what is alive at one step.

    Args:
        blocks: by any number that names them.
    """
    order = sorted(blocks, key=lambda k: (-blocks[k].bytes, blocks[k].first, k))
    best = _placed(blocks, order)
    least = _alive(blocks)
    for _ in range(_TRIES):
        if best.bytes <= least:
            break
        now = _placed(blocks, order)
        highest = max(order, key=lambda k: (now.offsets[k] + aligned(blocks[k].bytes), -order.index(k)))
        order = [highest, *(key for key in order if key != highest)]
        now = _placed(blocks, order)
        best = now if now.bytes < best.bytes else best
    return best


def _placed(blocks: Mapping[int, Block], order: Sequence[int]) -> Plan:
    offsets: dict[int, int] = {}
    for key in order:
        block = blocks[key]
        busy = [
            (at, at + aligned(blocks[other].bytes))
            for other, at in offsets.items()
            if blocks[other].first <= block.last and block.first <= blocks[other].last
        ]
        offsets[key] = _lowest(sorted(busy), aligned(block.bytes))
    return Plan(offsets, max((at + aligned(blocks[key].bytes) for key, at in offsets.items()), default=0))


def _alive(blocks: Mapping[int, Block]) -> int:
    """Bytes that are alive at the fullest step."""
    steps = {block.first for block in blocks.values()}
    return max((sum(aligned(b.bytes) for b in blocks.values() if b.first <= s <= b.last) for s in steps), default=0)


def aligned(size: int) -> int:
    """The next multiple of `ALIGNMENT`."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def _lowest(busy: Sequence[tuple[int, int]], size: int) -> int:
    at = 0
    for begin, end in busy:
        if at + size <= begin:
            break
        at = max(at, end)
    return at
