"""The example notebooks: each pair is in step, shows what it stored, and runs from top to bottom on little data."""

import importlib.util
import json
import os
import re
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
# Of the machine that stored the outputs, and of moments: neither is of use to a reader.
FOREIGN = re.compile(
    rf"{re.escape(str(ROOT))}|/home/|/root|/tmp|/usr/|/opt/|/mnt/|[A-Z]:\\\\|"
    r"\b\d+\.\d+s\b|clips?/s|this session|\d+ ms/step|^time: ",
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    pytest.importorskip("jupytext", reason="the notebooks need jupytext, of the extra 'test'")
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "scripts" / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stored(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8"))


def test_every_notebook_is_a_pair_and_is_listed() -> None:
    assert len(NAMES) == 8
    assert {path.stem for path in EXAMPLES.glob("*.ipynb")} == set(NAMES)
    for page in (EXAMPLES / "README.md", ROOT / "docs" / "examples.md"):
        text = page.read_text(encoding="utf-8")
        assert all(f"{name}.ipynb" in text for name in NAMES), page


@pytest.mark.parametrize("name", NAMES)
def test_the_pair_has_the_same_cells(name: str, script: ModuleType) -> None:
    cells = [(cell.cell_type, cell.source) for cell in script.read_pair(name).cells]
    assert [(cell["cell_type"], "".join(cell["source"])) for cell in stored(name)["cells"]] == cells
    assert any(kind == "markdown" and text.startswith("# ") for kind, text in cells)


@pytest.mark.parametrize("name", NAMES)
def test_the_outputs_are_stored_and_are_nobodys(name: str) -> None:
    notebook = stored(name)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not {"error", "display_data"} & {output["output_type"] for output in outputs if "image" not in str(output)}
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 1
    for output in outputs:
        texts = [output.get("text", ""), *(text for kind, text in output.get("data", {}).items() if "text" in kind)]
        for text in ("".join(part) for part in texts):
            assert not FOREIGN.search(re.sub(r'src="data:[^"]*"', "", text)), (name, text[:300])
    assert (EXAMPLES / f"{name}.ipynb").stat().st_size < 300_000
    assert set(notebook["metadata"]) == {"jupytext", "kernelspec", "language_info"}


@pytest.mark.parametrize("page", ["README.md", *(f"{name}.py" for name in NAMES)])
def test_links_of_the_examples_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (EXAMPLES / page).read_text(encoding="utf-8")):
        assert (EXAMPLES / target).exists(), target


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the notebooks share: a word that one of them has spoken need not be spoken again."""
    return tmp_path_factory.mktemp("clips")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_on_little_data_without_a_network(name: str, script: ModuleType, clips: Path, tmp_path: Path) -> None:
    pytest.importorskip("ipykernel", reason="the notebooks run in a kernel, of the extra 'test'")
    environment = {
        "MLTK_LIKE_CACHE": str(clips),
        "MLTK_LIKE_OFFLINE": "1",
        "MLTK_LIKE_RUNS": str(tmp_path / "runs"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    work = tmp_path / "work"
    work.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jupyter's own libraries
        notebook = script.execute(script.read_pair(name, small=True), work, environment)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    shown = {kind for cell in code for output in cell.outputs for kind in output.get("data", {})}
    assert "image/png" in shown
    # The one notebook that shows its training has a bar for it.
    assert name != "a_word_of_your_own" or "application/vnd.jupyter.widget-view+json" in shown
