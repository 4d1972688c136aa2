"""What an operator becomes: calls of kernels, with the constants that they need.

Tensors go by their numbers in the file. Below those there are others: `state(n)` is the memory of variable n, and what
is made between the calls of an operator lies between -2 and the first of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from numpy import int8, int32
from numpy.typing import NDArray

_FIRST_STATE = -1_000_000

Values = NDArray[int8] | NDArray[int32]


@dataclass(frozen=True)
class Array:
    """A constant array; `dsp` is the same for kernels with the DSP extension, where they want it otherwise."""

    values: Values
    dsp: Values | None = None


Field = int | float | Array | Mapping[str, "Field"] | tuple[int, ...]


@dataclass(frozen=True)
class Struct:
    """A constant description of a layer."""

    type: str
    fields: Mapping[str, Field]


@dataclass(frozen=True)
class Read:
    """A tensor that is read, from so many bytes after its beginning."""

    tensor: int
    offset: int = 0


@dataclass(frozen=True)
class Write:
    """A tensor that is written, from so many bytes after its beginning."""

    tensor: int
    offset: int = 0


@dataclass(frozen=True)
class Scratch:
    """Working memory of one call, in bytes, by target."""

    sizes: Mapping[str, int]


Argument = Struct | Array | Read | Write | Scratch | int | float


@dataclass(frozen=True)
class Call:
    """A call.

    Attributes:
        function: its name.
        arguments: in order.
        lead: by target; the output may lie over a tensor that is read if it begins no later than so many bytes after
            that tensor does: the call writes in order, and has read before what it writes over. None: it may lie over
            it if both begin at the same byte. Where a target is not in it, they must lie apart.
    """

    function: str
    arguments: tuple[Argument, ...]
    lead: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def reads(self) -> tuple[Read, ...]:
        """Tensors that it reads."""
        return tuple(one for one in self.arguments if isinstance(one, Read))

    @property
    def writes(self) -> tuple[Write, ...]:
        """Tensors that it writes."""
        return tuple(one for one in self.arguments if isinstance(one, Write))

    def scratch_bytes(self, target: str) -> int:
        """Working memory that it needs."""
        return sum(one.sizes[target] for one in self.arguments if isinstance(one, Scratch))


@dataclass(frozen=True)
class Lowered:
    """An operator as calls, and tensors that are others under a new name.

    Attributes:
        calls: in order.
        same: number of a tensor -> the tensor whose bytes it is, and the first of them.
        temporary: bytes of tensors that the calls need between them, by number; numbers are below -1.
    """

    calls: tuple[Call, ...] = ()
    same: Mapping[int, Read] = field(default_factory=dict)
    temporary: Mapping[int, int] = field(default_factory=dict)


def state(number: int) -> int:
    """The tensor that is the memory of a variable."""
    return _FIRST_STATE - number


def is_state(tensor: int) -> bool:
    """Whether a tensor is the memory of a variable."""
    return tensor <= _FIRST_STATE
