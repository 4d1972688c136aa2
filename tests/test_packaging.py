"""What is published: extras and systems as the docs say, a source distribution that is whole, a wheel that works."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from mltk_like.audio.wav import write_wav

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
PROGRAMS = ("audio_classifier", "board_simulator", "model_constants", "tflm_runner")
UV = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def test_the_docs_list_every_extra_and_what_it_installs() -> None:
    table = re.findall(r"^\| `([\w-]+)` \| .+ \| (.+) \|$", (ROOT / "docs" / "install.md").read_text(), re.MULTILINE)
    listed = {extra: installs for extra, installs in table if extra in EXTRAS}
    assert list(listed) == list(EXTRAS)
    for extra, wanted in EXTRAS.items():
        packages, _, others = listed[extra].partition("the extra")
        requirements = [Requirement(text) for text in wanted]
        names = {found.name for found in requirements if found.name != "mltk_like"}
        ours = {name for found in requirements if found.name == "mltk_like" for name in found.extras}
        assert set(re.findall(r"[\w-]+", packages)) == names, extra
        assert set(re.findall(r"`([\w-]+)`", others)) == ours, extra


def test_every_dependency_has_a_range() -> None:
    for text in (*PROJECT["project"]["dependencies"], *(text for wanted in EXTRAS.values() for text in wanted)):
        found = Requirement(text)
        bounds = {bound.operator for bound in found.specifier}
        assert found.name == "mltk_like" or found.name.startswith("types-") or bounds in ({">=", "<"}, {"=="}), text


def test_tensorflow_lite_micro_is_asked_for_where_it_is_published() -> None:
    (marker,) = [
        found.marker for found in map(Requirement, PROJECT["project"]["dependencies"]) if found.name == "tflite-micro"
    ]
    assert marker is not None
    asked = [
        (system, machine)
        for system in ("linux", "darwin", "win32")
        for machine in ("x86_64", "aarch64", "arm64", "AMD64")
        if marker.evaluate({"sys_platform": system, "platform_machine": machine})
    ]
    assert asked == [("linux", "x86_64")]


def test_the_page_of_the_package_has_no_link_that_leads_nowhere() -> None:
    text = (ROOT / "README.md").read_text()
    for change in PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(change["pattern"], change["replacement"], text)
    assert all(target.startswith(("http", "#")) for target in re.findall(r"\]\(([^)]+)\)", text))
    assert "docs/first_minute.md" in text
    assert text.startswith("# mltk_like")


def test_the_version_is_the_declared_one() -> None:
    ended = subprocess.run([sys.executable, "-m", "mltk_like", "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout == f"mltk_like {PROJECT['project']['version']}\n"


def run(*command: object, cwd: Path, **environment: str) -> str:
    """What a program prints, away from this checkout and its environment."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    inherited = {name: value for name, value in inherited.items() if not name.startswith("MLTK_LIKE_")}
    ended = subprocess.run(
        [str(word) for word in command],
        cwd=cwd, env={**inherited, **environment}, capture_output=True, text=True, timeout=1200,
    )  # fmt: skip
    assert ended.returncode == 0, f"{command}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from it."""
    if UV is None:
        pytest.skip("uv is not installed")
    folder = tmp_path_factory.mktemp("built")
    try:
        subprocess.run(
            [UV, "pip", "compile", "--quiet", "-"],
            input="scikit-build-core", cwd=folder, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("no package can be had: there is no network")
    run(UV, "build", "--quiet", "--python", sys.executable, "--out-dir", folder, ROOT, cwd=folder)
    return folder


def names_in(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


@pytest.mark.slow
def test_a_wheel_from_the_source_distribution_is_that_of_the_checkout(built: Path, tmp_path: Path) -> None:
    # Without what is compiled, which takes the time and is the same.
    without = ("-C", "wheel.cmake=false", "-C", "wheel.py-api=py3")
    run(UV, "build", "--quiet", "--wheel", "--python", sys.executable, *without, "-o", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = built.glob("*.whl")
    (plain,) = tmp_path.glob("*.whl")
    compiled = names_in(wheel) - names_in(plain)
    assert names_in(plain) <= names_in(wheel)
    (module,) = [name for name in compiled if name.startswith("mltk_like/_native.")]
    programs = PROGRAMS if sys.platform == "linux" else ("model_constants",)
    assert compiled - {module} == {f"mltk_like/bin/{name}" for name in programs}
    tests = [name for name in names_in(wheel) if "/tests/" in name or name.startswith("tests/")]
    assert not tests


@pytest.mark.slow
def test_the_source_distribution_is_whole(built: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("this is no checkout")
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        page = archive.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert page is not None
        about = Parser().parsestr(page.read().decode())
    wanted = {name for name in tracked.stdout.split("\0") if name and (ROOT / name).is_file()}
    assert not wanted - names
    assert not {name for name in names if name.startswith((".venv", "build/", "runs/"))}
    assert about["Description-Content-Type"].startswith("text/markdown")
    assert "](docs/" not in about.get_payload()
    assert len(about.get_payload()) > 5000
    # No address of a repository is invented.
    assert not about.get_all("Project-URL")


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    python = tmp_path / "env" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    run(UV, "venv", "--quiet", "--python", sys.executable, python.parents[1], cwd=tmp_path)
    run(UV, "pip", "install", "--quiet", "--python", python, f"{wheel}[train,speech]", cwd=tmp_path)
    away = tmp_path / "away"
    away.mkdir()
    alexa, dry = "keyword_spotting_alexa", "bell_detector-test"  # whose sounds are made here, in seconds

    def verb(*words: str) -> str:
        # Nothing is downloaded.
        return run(
            python, "-m", "mltk_like", *words,
            cwd=away, MLTK_LIKE_CACHE=str(tmp_path / "cache"), MLTK_LIKE_OFFLINE="1",
        )  # fmt: skip

    assert verb("--version") == f"mltk_like {PROJECT['project']['version']}\n"
    # All but the disk, which other programs of this machine may have filled.
    ask = "from mltk_like.verbs.doctor import doctor; print(*(x.name for x in doctor().lines if x.needed and not x.ok))"
    assert re.sub(r"disk of the (cache|runs)", "", run(python, "-c", ask, cwd=away)).split() == []
    assert str(tmp_path / "env") in verb("models")
    verb("train", dry)
    assert list((away / "runs" / dry).glob("*/*.mltk.zip"))
    assert "conv_2d" in verb("summarize", alexa, "--tflite").lower()
    if sys.platform == "linux":
        assert "TensorFlow Lite Micro" in verb("profile", alexa)
        (net,) = (away / "runs" / dry).glob(f"*/{dry}.tflite")
        write_wav(away / "silence.wav", np.zeros(5 * 16000, np.int16), 16000)
        heard = run(python.with_name("audio_classifier"), "--model", net, "--scores", "--json", "silence.wav", cwd=away)
        assert '"scores"' in heard
    verb("export", alexa, "--format", "c", "-o", "net")
    assert (away / "net" / "model_net.c").is_file()
