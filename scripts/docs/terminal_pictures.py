"""docs/images/terminal_*.svg: real commands with what they print, drawn as a terminal.

usage: python scripts/docs/terminal_pictures.py            in any folder; trains a toy, which takes some minutes

Needs the extras train, speech and docs. The commands run in a new folder. Of long outputs the middle is left out.
"""

import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

IMAGES = Path(__file__).parents[2] / "docs" / "images"
_NARROWEST, _WIDEST = 80, 152  # columns
_HOME = "~/words"  # what the folder in which the commands run is called
_THEME = TerminalTheme((24, 33, 38), (222, 230, 233), [(24, 33, 38)] * 8, [(222, 230, 233)] * 8)
# rich's own frame loads a font from the web: this one takes a font of the reader's.
_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }}
{styles}
</style>
<defs>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command line, and which lines of its output are shown: so many of the first and of the last."""

    command: str
    first: int = 40
    last: int = 0


PICTURES = {
    "terminal_words": (
        "Notes of new on some words",
        [
            Step(command="python -m mltk_like new first --keywords gecko"),
            Step(command='python -m mltk_like new second --keywords "stop it"'),
            Step(command='python -m mltk_like new third --keywords "hey gecko"'),
        ],
    ),
    "terminal_doctor": ("What doctor prints", [Step(command="python -m mltk_like doctor", first=16, last=8)]),
    "terminal_new": (
        "From a word to a detector",
        [
            Step(command='python -m mltk_like new hey_gecko --keywords "hey gecko" --quick'),
            Step(command="python -m mltk_like train hey_gecko", first=14, last=5),
        ],
    ),
    "terminal_profile": (
        "On which boards a model fits",
        [Step(command="python -m mltk_like profile keyword_spotting_alexa_small --boards", first=14, last=2)],
    ),
}


def output_of(step: Step, folder: Path) -> list[str]:
    """What a command prints, as a terminal would show it: of a progress bar its last state. Raises on a failure."""
    command = step.command.replace("python ", f"{shlex.quote(sys.executable)} ", 1)
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    shown = done.stdout.replace(str(folder), _HOME).replace(str(Path.home()), "~")
    lines = [line.rsplit("\r", 1)[-1].rstrip() for line in shown.splitlines()]
    if len(lines) > step.first + step.last:
        return [*lines[: step.first], "...", *lines[len(lines) - step.last :]]
    return lines


def draw(title: str, session: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A terminal with commands and their outputs as SVG, without anything from the web."""
    longest = max(len(line) for command, lines in session for line in (f"$ {command}", *lines))
    width = min(max(longest, _NARROWEST), _WIDEST)
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for command, lines in session:
        console.print(Text("$ ", style="bold") + Text(command, style="bold"), soft_wrap=False)
        for line in lines:
            console.print(Text(line), overflow="fold")
    picture = console.export_svg(title=title, theme=_THEME, code_format=_FRAME, unique_id="t")
    return re.sub(r"[ \t]+$", "", picture, flags=re.MULTILINE)


def main(names: Sequence[str]) -> None:
    """Draw the pictures that are named, or all."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names or PICTURES:
            title, steps = PICTURES[name]
            session = [(step.command, output_of(step, Path(folder))) for step in steps]
            (IMAGES / f"{name}.svg").write_text(draw(title, session))


if __name__ == "__main__":
    main(sys.argv[1:])
