"""The documentation's site: it builds without a warning and without the web, and its pages say what is so."""

import argparse
import ast
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from functools import cache
from pathlib import Path

import pytest

from mltk_like.cli import VERBS, parser_of
from mltk_like.errors import MltkLikeError

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
CONFIG = (ROOT / "mkdocs.yml").read_text()
MADE_WHEN_BUILT = {"commands.md"}
LARGEST = 150_000  # bytes of a picture

sys.path.insert(0, str(ROOT / "scripts" / "docs"))


def test_every_page_has_its_line_in_the_navigation() -> None:
    listed = re.findall(r"^ +- .+: (\S+\.md)$", CONFIG, re.MULTILINE)
    there = {page.relative_to(DOCS).as_posix() for page in PAGES} | MADE_WHEN_BUILT
    assert len(listed) == len(set(listed))
    assert set(listed) == there, "mkdocs.yml: one line a page under nav"


def test_the_page_of_settings_is_as_they_are_declared() -> None:
    import settings_page

    assert settings_page.PAGE.read_text() == settings_page.page(), "run: python scripts/docs/settings_page.py"


def test_what_is_added_to_settings_is_of_settings_that_there_are() -> None:
    import settings_page

    names = {name for base in settings_page.BASES for name in vars(base).get("__annotations__", {})}
    assert set(settings_page.MORE) <= names


def test_the_page_of_commands_has_every_verb_and_option() -> None:
    import commands_page

    page = commands_page.page()
    assert all(f"## `{verb}` " in page for verb in VERBS)
    assert "| `--target-false-accepts RATE`" in page
    assert not re.search(r"%\(\w+\)", page)


@cache
def parser(verb: str) -> argparse.ArgumentParser:
    return parser_of(verb)


def commands() -> list[tuple[str, str]]:
    """Page and command line of every `python -m mltk_like ...` in a block of code."""
    found = []
    for page in [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        blocks = re.findall(r"^```(?:\w*)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        indented = re.findall(r"^    (python -m mltk_like .*)$", page.read_text(), re.MULTILINE)
        lines = [*(line for block in blocks for line in block.replace("\\\n", " ").splitlines()), *indented]
        found += [
            (page.name, line[line.index("python -m mltk_like") :]) for line in lines if "python -m mltk_like " in line
        ]
    return found


def test_the_commands_of_the_pages_can_be_understood() -> None:
    wrong = []
    for page, line in commands():
        words = shlex.split(line, comments=True)[3:]
        if "[" in line or "..." in words or "VERB" in words:
            continue  # a usage line
        words = words[: words.index("|")] if "|" in words else words
        words = words[: words.index(">")] if ">" in words else words
        verb = words[0] if words else ""
        try:
            args, unknown = parser(verb).parse_known_args(words)
            if unknown and not args.parser.take_late(args, unknown):
                wrong.append(f"{page}: {line}: {unknown}")
        except MltkLikeError as error:
            wrong.append(f"{page}: {line}: {error.message}")
    assert not wrong, "\n".join(wrong)
    assert len(commands()) > 100


def test_the_python_of_the_pages_is_python() -> None:
    blocks = [
        (page.name, textwrap.dedent(block))
        for page in [*PAGES, *sorted(ROOT.glob("*.md"))]
        for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    ]
    assert len(blocks) > 20
    wrong = []
    for page, block in blocks:
        try:
            ast.parse(block)
        except SyntaxError as error:
            wrong.append(f"{page}: {error}")
    assert not wrong, "\n".join(wrong)


@cache
def sources() -> str:
    """The package's sources, with texts that go over several lines in one."""
    whole = "\n".join(path.read_text() for path in (ROOT / "mltk_like").rglob("*.py"))
    return re.sub(r'"\s*\n\s*f?"', "", whole)


def test_the_messages_of_troubleshooting_are_those_of_the_package() -> None:
    page = (DOCS / "troubleshooting.md").read_text()
    headings = [line for line in page.splitlines() if line.startswith("### ")]
    quoted = [text for line in headings for text in re.findall(r"`([^`]{12,})`", line)]
    assert len(quoted) > 20
    missing = [
        part for text in quoted for part in text.split("…") if len(part.strip()) > 5 and part.strip() not in sources()
    ]
    assert not missing


def test_pictures_are_small_and_take_nothing_from_the_web() -> None:
    pictures = [path for path in (DOCS / "images").iterdir() if path.suffix in (".svg", ".png")]
    assert len(pictures) > 5
    assert not [path.name for path in pictures if path.stat().st_size > LARGEST]
    for path in pictures:
        if path.suffix == ".svg":
            assert not re.search(r"(?:href|src|url\()\s*=?\s*[\"'(]?https?:", path.read_text()), path.name


def test_every_public_name_is_on_a_page() -> None:
    shown = {name for page in (DOCS / "api").glob("*.md") for name in re.findall(r"^::: (\S+)", page.read_text(), re.M)}
    assert {"mltk_like", "mltk_like.data", "mltk_like.audio", "mltk_like.nets"} <= shown
    for name in shown:
        file = ROOT / (name.replace(".", "/") + ".py")
        assert file.is_file() or (file.with_suffix("") / "__init__.py").is_file(), name


def test_the_citation_is_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()


def test_the_workflow_runs_what_everything_is_checked_by() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert re.search(r"^ +- run: .*\.ci/run$", workflow, re.MULTILINE)
    assert (ROOT / ".ci" / "run").is_file()


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_without_the_web(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="the site needs the extra docs")
    pytest.importorskip("mkdocstrings", reason="the site needs the extra docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
    pages = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.html")}
    assert 'id="mltk_like.train"' in pages["api/mltk_like.html"]
    assert "average_window_duration_ms" in pages["settings.html"]
    fetched = [
        (name, tag)
        for name, text in pages.items()
        for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"https?:[^>]*>", text)
        if 'rel="canonical"' not in tag
    ]
    assert not fetched
