"""Where tensors lie while a net runs: in one block, over each other where they are not alive at the same time."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

ALIGNMENT = 16
_TRIES = 400

_Leads = Mapping[tuple[int, int], int | None]
_Busy = tuple[int, int, bool]
_Meet = Mapping[int, Sequence[int]]


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


def plan(blocks: Mapping[int, Block], leads: _Leads = MappingProxyType({})) -> Plan:
    """Each block at the lowest place that is free all its life, in an order that is improved by trials.

    Two orders are tried first: greatest first, as TensorFlow Lite Micro's GreedyMemoryPlanner, and last first, which
    suits outputs that lie a little before their inputs. From each, one of the blocks that are alive with
    the block that ends highest goes to another place in the order, again and again; what is no worse is kept. The
    trials are the same each time.

    Args:
        blocks: by any number that names them.
        leads: (input, output) -> the output may lie over the input if it begins no later than so many bytes after it;
            None: if both begin at the same byte.
    """
    meet = {key: [other for other in blocks if other != key and _meet(blocks, key, other)] for key in blocks}
    orders = [
        sorted(blocks, key=lambda k: (-blocks[k].bytes, blocks[k].first, k)),
        sorted(blocks, key=lambda k: (-blocks[k].last, -blocks[k].first, k)),
    ]
    return min((_improved(blocks, leads, meet, order) for order in orders), key=lambda one: one.bytes)


def _improved(blocks: Mapping[int, Block], leads: _Leads, meet: _Meet, order: list[int]) -> Plan:
    best = _placed(blocks, leads, meet, order)
    rng = random.Random(0)
    for _ in range(_TRIES if len(blocks) > 2 else 0):
        highest = max(order, key=lambda k: best.offsets[k] + aligned(blocks[k].bytes))
        moved = rng.choice([highest, *meet[highest]])
        others = [key for key in order if key != moved]
        at = rng.choice([0, rng.randrange(len(order))])
        tried = [*others[:at], moved, *others[at:]]
        now = _placed(blocks, leads, meet, tried)
        if now.bytes <= best.bytes:
            best, order = now, tried
    return best


def _meet(blocks: Mapping[int, Block], one: int, other: int) -> bool:
    return blocks[one].first <= blocks[other].last and blocks[other].first <= blocks[one].last


def _placed(blocks: Mapping[int, Block], leads: _Leads, meet: _Meet, order: Sequence[int]) -> Plan:
    offsets: dict[int, int] = {}
    for key in order:
        size = aligned(blocks[key].bytes)
        busy: list[_Busy] = []
        for other in meet[key]:
            if other not in offsets:
                continue
            begin = offsets[other]
            end = begin + aligned(blocks[other].bytes)
            after, before = leads.get((other, key), 0), leads.get((key, other), 0)
            shared = after is None or before is None
            # Where one may lie over the other, what is free reaches further.
            if (other, key) in leads and after is not None:
                begin += _down(after) + size
            if (key, other) in leads and before is not None:
                end = offsets[other] - _down(before)
            busy.append((begin, end, shared))
        offsets[key] = _lowest(busy, size)
    return Plan(offsets, max((at + aligned(blocks[key].bytes) for key, at in offsets.items()), default=0))


def aligned(size: int) -> int:
    """The next multiple of `ALIGNMENT`."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def _down(offset: int) -> int:
    return offset // ALIGNMENT * ALIGNMENT


def _lowest(busy: Sequence[_Busy], size: int) -> int:
    """The lowest place for so many bytes that ends before, or begins after, each of the intervals, or begins with one
    that it may lie over."""

    def is_free(at: int) -> bool:
        return all(at + size <= begin or at >= end or (shared and at == begin) for begin, end, shared in busy)

    starts = {0, *(max(end, 0) for _, end, _ in busy), *(begin for begin, _, shared in busy if shared)}
    return next(at for at in sorted(starts) if is_free(at))
