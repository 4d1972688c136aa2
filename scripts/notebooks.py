"""Run the example notebooks: each `examples/NAME.py` in a kernel, its cells and what they show into `NAME.ipynb`.

    python scripts/notebooks.py               # all of them, as a user would run them; this takes a quarter of an hour
    python scripts/notebooks.py low_bits      # one of them

The `.py` file is what is edited. What a cell shows is cleaned of what differs from run to run and from machine to
machine before it is stored: progress bars, times, paths and what was written to stderr.
"""

import argparse
import base64
import io
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
# What the small run changes: a few clips and steps, in seconds.
SMALL = ("SMALL = False", "SMALL = True")
_TIMEOUT_S = 3600
# Pictures are for a look: wider ones than a page, and all their colours, would make a notebook slow to open.
_WIDEST, _COLOURS = 760, 96
# How long this machine took: a line of a training's result, and the middle of one that is printed as it ends.
_TIMES = re.compile(r"^time: .*\n?|; this session \d+ s, .*?(?=; best epoch)", re.MULTILINE)


def names() -> list[str]:
    """The notebooks, by name."""
    return sorted(path.stem for path in EXAMPLES.glob("*.py"))


def read_pair(name: str, *, small: bool = False) -> Any:
    """The notebook of `examples/NAME.py`, without outputs. Raises ValueError where there is nothing to make small."""
    import jupytext

    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    if text.count(f"\n{SMALL[0]} ") != 1:
        raise ValueError(f"{name}.py must set {SMALL[0]} once, with a comment behind it")
    return jupytext.reads(text.replace(*SMALL) if small else text, fmt="py:percent")


def execute(notebook: Any, folder: Path, environment: dict[str, str] | None = None) -> Any:
    """Run all cells in a kernel that works in a folder; returns the notebook with what they show.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    from nbclient import NotebookClient

    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    client = NotebookClient(notebook, timeout=_TIMEOUT_S, resources={"metadata": {"path": str(folder)}})
    with client.setup_kernel(env={**os.environ, **(environment or {})}):
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
    return notebook


def clean(notebook: Any, folder: Path) -> None:
    """Take out of the outputs what another run would show otherwise; the notebook is changed."""
    notebook.metadata = {
        "jupytext": {"formats": "ipynb,py:percent"},
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        if cell.cell_type != "code":
            continue
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
        cell.outputs = _joined(_cleaned(output, folder) for output in cell.outputs if not _passing(output))


def _passing(output: Any) -> bool:
    """Whether an output is a progress bar, a line on stderr, or nothing."""
    data = output.get("data", {})
    nothing = bool(data) and not data.get("text/plain", "nothing").strip()
    return output.get("name") == "stderr" or nothing or any("widget" in kind for kind in data)


def _joined(outputs: Iterable[Any]) -> list[Any]:
    """What was printed in pieces, which depend on the moment, in one."""
    found: list[Any] = []
    for output in outputs:
        if found and output["output_type"] == found[-1]["output_type"] == "stream":
            found[-1]["text"] += output["text"]
        else:
            found.append(output)
    return found


def _cleaned(output: Any, folder: Path) -> Any:
    if "text" in output:
        output["text"] = _plain(output["text"], folder)
    data = output.get("data", {})
    for kind in data:
        if kind.startswith("text/"):
            data[kind] = _plain(data[kind], folder)
    if "image/png" in data:
        # What would stand in a terminal in place of a picture: its size in memory, or an address.
        data.pop("text/plain", None)
        data["image/png"] = _small_picture(data["image/png"])
    output["metadata"] = {}
    if output["output_type"] == "stream":
        del output["metadata"]
    return output


def _small_picture(png: str) -> str:
    from PIL import Image

    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    if picture.width > _WIDEST:
        picture = picture.resize((_WIDEST, picture.height * _WIDEST // picture.width), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode()


def _plain(text: str, folder: Path) -> str:
    return _TIMES.sub("", text.replace(f"{folder}/", "").replace(str(Path.home()), "~"))


def _write(name: str) -> None:
    import nbformat

    with TemporaryDirectory(prefix="notebook-") as place:
        folder = Path(place).resolve()
        notebook = execute(read_pair(name), folder)
        clean(notebook, folder)
    target = EXAMPLES / f"{name}.ipynb"
    text = nbformat.writes(notebook, version=4)
    temporary = target.with_suffix(".tmp")
    temporary.write_text(f"{text}\n", encoding="utf-8")
    temporary.replace(target)
    print(f"{target.name}: {len(text) / 1000:.0f} kB")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="notebooks, without an ending; none: all")
    chosen = parser.parse_args().names or names()
    unknown = [name for name in chosen if name not in names()]
    if unknown:
        parser.error(f"there is no notebook {', '.join(unknown)}; there are {', '.join(names())}")
    for name in chosen:
        _write(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
