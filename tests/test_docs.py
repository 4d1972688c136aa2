"""What README and docs say is so: the model file loads, verbs and settings are listed, links lead somewhere."""

import re
from functools import cache
from pathlib import Path

import pytest

from mltk_like.audio import FrontendSettings, RecogniserSettings, SpectrumSettings
from mltk_like.cli import VERBS
from mltk_like.loader import load_file
from mltk_like.mixins import AudioDatasetMixin, EvaluateClassifierMixin, TrainMixin
from mltk_like.model import Model
from mltk_like.settings import declared

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_model_file_of_the_readme_loads(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code
    file = tmp_path / "computer.py"
    file.write_text(code[1])
    model = load_file(file)
    assert model.classes == ("computer", "_unknown_")
    assert isinstance(model, AudioDatasetMixin)
    assert len(model.sources()) >= 6
    assert sum(1 for line in code[1].splitlines() if line.strip()) <= 45


def test_the_model_file_of_the_docs_loads(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "model_files.md").read_text(), re.DOTALL)
    assert code
    file = tmp_path / "rusty_badger.py"
    file.write_text(code[1])
    assert load_file(file).classes == ("rusty badger", "_unknown_")


def test_the_readme_lists_every_verb() -> None:
    for verb in VERBS:
        assert f"| `{verb}" in README, verb


def test_the_docs_list_every_setting() -> None:
    class Everything(Model, TrainMixin, AudioDatasetMixin, EvaluateClassifierMixin):
        pass

    text = (ROOT / "docs" / "settings.md").read_text()
    values = (FrontendSettings, SpectrumSettings, RecogniserSettings)
    names = [*declared(Everything), *(name for cls in values for name in cls.__dataclass_fields__)]
    missing = [name for name in names if f"| `{name}` |" not in text]
    assert not missing


@cache
def parts(page: Path) -> set[str]:
    """What a link can lead to in a page: its headings in lower case, without punctuation, joined by hyphens."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page", [*sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("*.md"))], ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path) -> None:
    for target, part in re.findall(r"\]\(([^)#:]*)(?:#([^):]+))?\)", page.read_text()):
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not part or part in parts(file), f"{target}#{part}"
