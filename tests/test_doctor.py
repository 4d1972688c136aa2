"""`doctor`: what is there and what is missing, with the one command that mends it."""

import json
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest

from mltk_like.cli import main
from mltk_like.errors import ToolError
from mltk_like.verbs.doctor import Findings, Line, doctor
from mltk_like.verbs.doctor import machine as machine_module
from mltk_like.verbs.doctor import packages as packages_module

Patch = pytest.MonkeyPatch


def line(findings: Findings, name: str) -> Line:
    """The first line of a name."""
    return next(found for found in findings.lines if found.name == name)


@pytest.fixture
def declared(monkeypatch: Patch) -> None:
    """A package that declares what this machine has, and what it has not."""
    wanted = ["numpy>=1", "msgspec<0.1", 'nosuchpackage>=2; extra == "train"', 'pytest>=1; extra == "test"']
    monkeypatch.setattr(packages_module.metadata, "requires", lambda _: wanted)


def test_what_is_looked_for() -> None:
    names = {found.name for found in doctor().lines}
    assert {"python", "numpy", "keras", "ray", "C++ compiler", "TensorFlow Lite Micro", "hibari", "microphone"} <= names
    assert {"Arm compiler", "QEMU for Arm", "WebAssembly compiler", "cores", "disk of the cache"} <= names


def test_here_a_model_can_be_trained(capsys: pytest.CaptureFixture[str], monkeypatch: Patch) -> None:
    # These tests train models. How much else lies on the disk today says nothing of the product.
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 0, 10**12))  # type: ignore[attr-defined]
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ready"] is True
    assert all(entry["ok"] for entry in found["lines"] if entry["needed"])


def test_every_missing_line_has_one_command_that_mends_it(monkeypatch: Patch) -> None:
    def no_program(_: str, path: str | None = None) -> None:
        return None

    monkeypatch.setattr(shutil, "which", no_program)
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    missing = [found for found in doctor().lines if not found.ok]
    assert {"C++ compiler", "flite", "microphone"} <= {found.name for found in missing}
    for found in missing:
        assert re.match(r"(pip install|apt-get install|export) ", found.remedy), found
        # No registry is named: whoever has a mirror has said so to pip.
        assert "//" not in found.remedy
    assert all(not found.remedy for found in doctor().lines if found.ok)


def test_versions_that_do_not_fit(declared: None) -> None:
    findings = doctor()
    assert line(findings, "numpy").ok
    wrong = line(findings, "msgspec")
    assert (wrong.ok, wrong.remedy) == (False, "pip install 'msgspec<0.1'")
    assert wrong.found == f"{metadata.version('msgspec')}, and not <0.1"
    assert line(findings, "nosuchpackage").remedy == "pip install 'mltk_like[train]'"
    assert "pytest" not in {found.name for found in findings.lines}


def test_code_1_where_something_is_needed(declared: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"^  missing +nosuchpackage +mend: pip install 'mltk_like\[train\]'$", out, re.MULTILINE)
    assert re.search(r"^  wrong +msgspec ", out, re.MULTILINE)
    assert out.splitlines()[-1].startswith("`train` needs what is not here: msgspec, nosuchpackage")


def test_a_package_that_is_not_installed_itself(monkeypatch: Patch) -> None:
    def missing(_: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(packages_module.metadata, "requires", missing)
    assert line(doctor(), "mltk_like").remedy == "pip install -e '.[train,speech]'"


def test_tensorflow_lite_micro_of_another_build(monkeypatch: Patch, tmp_path: Path) -> None:
    library = tmp_path / "_runtime.so"
    library.write_bytes(b"another")
    monkeypatch.setattr(machine_module, "find_tflm", lambda: library)
    found = line(doctor(), "TensorFlow Lite Micro")
    assert (found.ok, found.found) == (False, "its hash is of no tested build")

    def absent() -> Path:
        raise ToolError("not there", "pip install tflite-micro")

    monkeypatch.setattr(machine_module, "find_tflm", absent)
    assert line(doctor(), "TensorFlow Lite Micro").remedy == "pip install tflite-micro"


def test_a_full_disk(monkeypatch: Patch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    findings = doctor()
    assert not line(findings, "disk of the cache").ok
    assert findings.exit_code == 1
