"""TensorFlow and other heavy packages stay out of `import mltk_like`, `--help`, `models` and every model file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("tensorflow", "keras", "matplotlib", "librosa", "audiomentations", "onnxruntime", "requests", "py7zr")
CHECK = f"""
import sys
loaded = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit("loaded: " + ", ".join(loaded) if loaded else 0)
"""


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MLTK_LIKE_MODELS": str(ROOT / "models")}
    return subprocess.run(
        [sys.executable, "-c", code + CHECK], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "code",
    [
        "import mltk_like",
        "from mltk_like.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass",
        "from mltk_like.cli import main\ntry:\n    main(['train', '--help'])\nexcept SystemExit:\n    pass",
        "from mltk_like.cli import main\nassert main(['models']) == 0",
        "import mltk_like\nfor name in mltk_like.list_models():\n    mltk_like.load_model(name)",
    ],
    ids=["import", "--help", "train --help", "models", "every model file"],
)
def test_heavy_packages_stay_out(code: str, tmp_path: Path) -> None:
    result = run(code, tmp_path)
    assert result.returncode == 0, result.stderr


def test_a_heavy_import_is_seen(tmp_path: Path) -> None:
    result = run("import matplotlib", tmp_path)
    assert result.returncode == 1
    assert "loaded: matplotlib" in result.stderr


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mltk_like", "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "train" in result.stdout
    imported = {line.rsplit("|", 1)[-1].strip() for line in result.stderr.splitlines()}
    assert "mltk_like.cli" in imported
    assert not imported & set(HEAVY)
