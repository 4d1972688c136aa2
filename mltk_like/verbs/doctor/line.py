"""One thing that is there or missing."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that was looked for.

    Attributes:
        group: heading that it stands under.
        name: what it is.
        ok: whether it is there and can be used.
        found: what was found: version, path, number; empty where nothing was.
        remedy: the command that mends it; empty where it is fine.
        needed: whether `train` needs it.
        elsewhere: whether this system cannot have it, and nothing mends that.
    """

    group: str
    name: str
    ok: bool
    found: str = ""
    remedy: str = ""
    needed: bool = False
    elsewhere: bool = False

    def __str__(self) -> str:
        state = "ok" if self.ok else "not here" if self.elsewhere else "missing" if not self.found else "wrong"
        return f"  {state:<8} {self.name:<22} {self.found}" + (f"   mend: {self.remedy}" if self.remedy else "")
