"""Look at what is installed here, and say what mends what is not."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from mltk_like.verbs.doctor.line import Line
from mltk_like.verbs.doctor.machine import machine_lines, part_lines, program_lines, voice_lines
from mltk_like.verbs.doctor.packages import package_lines, python_line


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that was looked for."""

    lines: tuple[Line, ...]

    @property
    def lacking(self) -> tuple[Line, ...]:
        """What `train` needs and has not."""
        return tuple(line for line in self.lines if line.needed and not line.ok)

    @property
    def exit_code(self) -> int:
        """0 where a model can be trained here, else 1."""
        return 1 if self.lacking else 0

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"ready": not self.lacking, "lines": [asdict(line) for line in self.lines]}

    def __str__(self) -> str:
        text = []
        for group, lines in groupby(self.lines, key=lambda line: line.group):
            text += [f"{group}:", *map(str, lines)]
        text.append(_verdict(self.lacking))
        return "\n".join(text)


def doctor() -> Findings:
    """Look for everything that this package uses. Nothing is installed, fetched or written."""
    looks: tuple[Callable[[], Iterable[Line]], ...] = (
        lambda: [python_line()], package_lines, part_lines, program_lines, voice_lines, machine_lines,
    )  # fmt: skip
    return Findings(lines=tuple(line for look in looks for line in look()))


def _verdict(lacking: tuple[Line, ...]) -> str:
    if not lacking:
        return "all that `train` needs is here"
    return "`train` needs what is not here: " + ", ".join(dict.fromkeys(line.name for line in lacking))
