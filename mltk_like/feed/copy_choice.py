"""How many passes of augmented windows are worth storing."""

from dataclasses import dataclass

# "auto" takes at most this share of the free disk and about this much time ...
_DISK_SHARE = 0.5
_SECONDS = 600.0
# ... and stores nothing where so few passes would come of it that a net could learn them by heart.
_FEWEST = 8


@dataclass(frozen=True, kw_only=True)
class CopyChoice:
    """How many passes are to be stored (0: none), and why, in a sentence."""

    passes: int
    reason: str


def choose_copies(*, needed: int, have: int, size: int, seconds: float, free: int) -> CopyChoice:
    """How many passes to store.

    Args:
        needed: passes that the training takes.
        have: of these, already stored.
        size: bytes of a pass.
        seconds: time that making a pass takes.
        free: bytes free on the disk.
    """
    fits = have + int(_DISK_SHARE * free / size)
    affordable = have + int(_SECONDS / max(seconds, 1e-9))
    passes = min(needed, fits, affordable)
    cost = f"{passes * size / 1e9:.2f} GB, about {(passes - have) * seconds / 60:.1f} min to make"
    if passes >= min(needed, _FEWEST):
        return CopyChoice(passes=passes, reason=f"{passes} of {needed} passes stored ({cost}; {have} are there)")
    limit = "disk" if fits <= affordable else "time"
    return CopyChoice(passes=0, reason=f"no passes stored: {limit} allows {passes}, fewer than {_FEWEST}")
