"""The cores that firmware is built for: where they are emulated, and how many cycles their instructions take."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mltk_like.errors import SettingError


@dataclass(frozen=True, kw_only=True)
class Core:
    """A Cortex-M core.

    Attributes:
        name: as the compiler has it.
        machine: QEMU's board that firmware for it runs on.
        kernels: which of the net's kernels are compiled for it: "portable", "dsp" or "mve".
        cycles: fewest and most cycles of a mean instruction of this firmware, from memory without wait states: an
            estimate.
        reason: where that range comes from.
        source: what was published of the core's timing.
    """

    name: str
    machine: str
    kernels: str
    cycles: tuple[float, float]
    reason: str
    source: str


# Shares of instructions in this firmware, counted on emulated cores: 17 to 40 % loads, 4 to 10 % stores, 4 to 9 %
# branches that are taken, up to 22 % multiplications. Where a manual gives cycles, the range is the sum over these.
_M4 = "1.1 where loads follow each other and a branch refills in 1 cycle, 1.7 where a load takes 2 and a branch 4"

CORES: Mapping[str, Core] = MappingProxyType(
    {
        core.name: core
        for core in (
            Core(
                name="cortex-m0plus",
                machine="mps2-an385",
                kernels="portable",
                cycles=(1.3, 1.6),
                reason="loads, stores and taken branches take 2 cycles, the rest 1; with the multiplier that takes 1 "
                "cycle (with that of 32 it would be about 5)",
                source="Arm DDI 0484C, Cortex-M0+ Technical Reference Manual, 3.3 Instruction set summary",
            ),
            Core(
                name="cortex-m3",
                machine="mps2-an385",
                kernels="portable",
                cycles=(1.2, 1.9),
                reason=f"{_M4}, and a multiply-accumulate takes a cycle more than there",
                source="Arm DDI 0337H, Cortex-M3 Technical Reference Manual, table 3-1",
            ),
            Core(
                name="cortex-m4",
                machine="mps2-an386",
                kernels="dsp",
                cycles=(1.1, 1.7),
                reason=_M4,
                source="Arm 100166, Cortex-M4 Technical Reference Manual, table 3-1",
            ),
            Core(
                name="cortex-m7",
                machine="mps2-an500",
                kernels="dsp",
                cycles=(0.55, 1.2),
                reason="half of the Cortex-M4's least where every two instructions are issued together, its most "
                "divided by the ratio of both cores' CoreMark/MHz, 1.5",
                source="Arm, Cortex-M comparison table (CoreMark/MHz 5.01 and 3.42); dual-issue pairs as measured at "
                "quinapalus.com/cm7cycles.html",
            ),
            Core(
                name="cortex-m33",
                machine="mps2-an505",
                kernels="dsp",
                cycles=(0.9, 1.5),
                reason="the Cortex-M4's, divided by the ratio of both cores' CoreMark/MHz, 1.2, since some pairs of "
                "16-bit instructions are issued together",
                source="Arm, Cortex-M comparison table (CoreMark/MHz 4.02 and 3.42)",
            ),
            Core(
                name="cortex-m55",
                machine="mps3-an547",
                kernels="mve",
                cycles=(0.9, 2.0),
                reason="the Cortex-M4's least, divided by the ratio of both cores' CoreMark/MHz, 1.25; a vector "
                "instruction takes 2 cycles where it does not overlap with its neighbour",
                source="Arm, Cortex-M comparison table (CoreMark/MHz 4.2 and 3.42); Arm 101051, Cortex-M55 Technical "
                "Reference Manual (64-bit data path for 128-bit vectors)",
            ),
        )
    }
)


def core_of(name: str) -> Core:
    """A core by its name, which may be short: `cortex-m4`, `m4`, `M0+`.

    Raises:
        SettingError: there is none of that name.
    """
    word = name.lower().replace("+", "plus").removeprefix("cortex-").removeprefix("cortex")
    found = CORES.get(f"cortex-{word}")
    if found is None:
        near = difflib.get_close_matches(f"cortex-{word}", CORES, n=1, cutoff=0.95)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(CORES)}"
        raise SettingError(f"{name!r} is no core that can be emulated here", hint)
    return found
