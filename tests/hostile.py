"""What tests of hostile files share: values of every wrong kind, and places to put them."""

import copy
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

from mltk_like.errors import MltkLikeError

VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 10**30, math.nan, math.inf, "", "x", "\ud800", "a\0b", "../x", "x" * 5000,
    [], [1], ["a"], [[]], {}, {"a": 1}, {"__class__": 1},
)  # fmt: skip

Place = tuple[str | int, ...]


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in a JSON value but the whole of it; of a list only the first three."""
    if at:
        yield at
    if isinstance(value, dict):
        for name in value:
            yield from places(value[name], (*at, name))
    elif isinstance(value, list):
        for index in range(min(len(value), 3)):
            yield from places(value[index], (*at, index))


def changed(value: Any, rng: random.Random, values: tuple[Any, ...] = VALUES) -> Any:
    """A copy of a JSON value in which one place is gone or holds something else."""
    result = copy.deepcopy(value)
    *way, last = rng.choice(list(places(result)))
    target = result
    for step in way:
        target = target[step]
    if rng.random() < 0.15:
        del target[last]
    else:
        target[last] = copy.deepcopy(rng.choice(values))
    return result


def flipped(data: bytes, rng: random.Random) -> bytes:
    """Content with a few bytes of it changed, or cut off."""
    if rng.random() < 0.2:
        return data[: rng.randrange(len(data))]
    result = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        result[rng.randrange(len(result))] = rng.randrange(256)
    return bytes(result)


def refused(call: Callable[[], object]) -> bool:
    """Whether a call ends in an error of the tool's own, which must be one line; any other error passes through."""
    message = None
    try:
        call()
    except MltkLikeError as error:
        message = error.message
    assert message is None or (message and "\n" not in message), message
    return message is not None
