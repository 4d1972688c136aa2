"""What of a file carries over, what does not, and why."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing of the file that was read.

    Attributes:
        line: where it stands there.
        what: it, as it is called there.
        why: what it became; or why it does not carry over, and what there is in its place.
    """

    line: int
    what: str
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}: {self.why}"


@dataclass(kw_only=True)
class Ledger:
    """Everything that was found in a file, each thing on one of three lists.

    Attributes:
        carried: what is in the file that is written.
        left: what is not, although it would make a difference.
        needless: what is not, since this tool does it by itself or by an option.
    """

    carried: list[Item] = field(default_factory=list)
    left: list[Item] = field(default_factory=list)
    needless: list[Item] = field(default_factory=list)

    def carry(self, line: int, what: str, became: str) -> None:
        """Note what carries over."""
        self.carried.append(Item(line=line, what=what, why=became))

    def leave(self, line: int, what: str, why: str) -> None:
        """Note what does not."""
        item = Item(line=line, what=what, why=why)
        if item not in self.left:
            self.left.append(item)

    def pass_over(self, line: int, what: str, why: str) -> None:
        """Note what is not needed."""
        self.needless.append(Item(line=line, what=what, why=why))
