"""How much is read of a file that may come from anywhere: one table, and the one message for what goes beyond it.

MLTK_LIKE_LIMITS=4 python -m mltk_like report big.mltk.zip      # four times as much, for a file that is right
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mltk_like.errors import MltkLikeError, ModelError, SettingError

VARIABLE = "MLTK_LIKE_LIMITS"
"""Variable of the environment by which all limits are multiplied."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One row of the table.

    Attributes:
        most: the largest lawful amount.
        unit: of what.
        reason: why it is that much: what lawful files have, and what reading costs.
    """

    most: int
    unit: str
    reason: str


LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        # Members of archives and files of run folders, by what they are.
        "json": Limit(most=8 << 20, unit="bytes", reason="an evaluation has 0.1 MB; JSON takes 25 times as much"),
        "manifest": Limit(most=64 << 20, unit="bytes", reason="a clip takes about 250 bytes, and 1 kB when it is read"),
        "tflite": Limit(most=64 << 20, unit="bytes", reason="a microcontroller's model has 0.01 to 2 MB"),
        "net": Limit(most=256 << 20, unit="bytes", reason="60 million weights, where a microcontroller holds one"),
        "arrays": Limit(most=256 << 20, unit="bytes", reason="500 calibration windows have 0.5 to 20 MB"),
        "checkpoint": Limit(most=1 << 30, unit="bytes", reason="a net, its mean and two moments of each weight"),
        "other": Limit(most=64 << 20, unit="bytes", reason="pictures, logs and the model's file have up to 1 MB"),
        # Archives as a whole.
        "archive": Limit(most=1 << 30, unit="bytes", reason="all members of a finished run have 1 to 20 MB"),
        "members": Limit(most=4096, unit="members", reason="a finished run has 30 to 60"),
        "directory": Limit(most=1 << 20, unit="bytes", reason="4096 members with names of 200 letters"),
        "ratio": Limit(most=200, unit="times", reason="text of a run is packed to a tenth, and deflate ends at 1032"),
        # What the files ask to be made of them.
        "objects": Limit(most=1 << 16, unit="objects", reason="HDF5 has about three a layer"),
        "tensor": Limit(most=1 << 26, unit="values", reason="a window's largest tensor has 0.1 million"),
        # Archives of recordings, see `data.archives`.
        "data directory": Limit(most=128 << 20, unit="bytes", reason="a zip of a million recordings"),
        "data header": Limit(most=1 << 20, unit="bytes", reason="a path in a tar has up to 4096 bytes"),
        "recording": Limit(most=256 << 20, unit="bytes", reason="40 minutes of CD quality"),
    }
)
"""Every limit by its name."""

# What is a thousand times too large is not right.
_MOST_HELPED = 1000
RATIO_FREE_BYTES = 16 << 20
"""Small files of silence or zeros are packed far better than `ratio`, and hurt nobody."""


def most(name: str) -> int:
    """The limit of that name, times what the user allows. Raises SettingError as `allowance`."""
    return math.ceil(LIMITS[name].most * allowance())


def allowance() -> float:
    """$MLTK_LIKE_LIMITS, 1 where it is not set. Raises SettingError where it is not above 0 and at most 1000."""
    given = os.environ.get(VARIABLE) or "1"
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 < value <= _MOST_HELPED:
        hint = f"give how many times as much may be read, for example 4, and at most {_MOST_HELPED}"
        raise SettingError(f"{VARIABLE} is {given!r}", hint)
    return value


def check(name: str, amount: int, what: str, *, kind: type[MltkLikeError] = ModelError) -> None:
    """Refuse what is beyond a limit.

    Args:
        name: of the limit.
        amount: what the file has or claims.
        what: is in the message, for example 'state.json in toy.mltk.zip claims'.
        kind: class of the error.

    Raises:
        MltkLikeError: of that kind: it is too much, and how more is allowed. SettingError as `allowance`.
    """
    if amount > most(name):
        raise beyond(name, amount, what, kind=kind)


def beyond(name: str, amount: int, what: str, *, kind: type[MltkLikeError] = ModelError) -> MltkLikeError:
    """The error for what is beyond a limit; see `check`."""
    limit = LIMITS[name]
    factor = math.ceil(amount / limit.most)
    more = f"; if it is yours and right, set {VARIABLE}={factor}" if factor <= _MOST_HELPED else ""
    said = f"{what} {amount} {limit.unit}, and {most(name)} are allowed ({limit.reason})"
    return kind(said, f"it is damaged or hostile{more}")
