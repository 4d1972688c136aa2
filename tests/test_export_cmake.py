"""`export --format cmake`: the folder builds as it is, and its program hears what audio_classifier hears."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.programs import program_path
from mltk_like.audio.wav import write_wav
from mltk_like.errors import ModelError, SettingError
from mltk_like.tflite import find_tflm
from mltk_like.verbs.export import export

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models"
RATE = 16000


def recording(path: Path) -> Path:
    """Six seconds of noise in bursts, so that scores move."""
    rng = np.random.default_rng(5)
    swell = np.abs(np.sin(np.arange(6 * RATE) * (2 * np.pi / RATE))) ** 4
    write_wav(path, (rng.standard_normal(6 * RATE) * swell * 6000).astype(np.int16), RATE)
    return path


def test_the_folder_says_what_it_takes(tmp_path: Path) -> None:
    result = export(MODELS / "marvin.mltk.zip", format="cmake", output=tmp_path / "out")
    names = {path.relative_to(tmp_path / "out").as_posix() for path in result.files}
    assert {"CMakeLists.txt", "README.md", "model/model_net.c", "model/model_constants.hpp"} <= names
    assert {"detector/include/mltk/detector.hpp", "kernels/mltk_conv.c", "listen/listen.cpp"} <= names
    assert all(path.is_file() for path in result.files)
    assert "frontend/" in (tmp_path / "out" / "README.md").read_text()


def test_a_model_without_a_front_end_is_refused(tmp_path: Path) -> None:
    tiny = ROOT / "tests" / "data" / "tflite" / "tiny_conv.tflite"
    with pytest.raises(ModelError, match="does not say what its front end is"):
        export(tiny, format="cmake", output=tmp_path / "out")
    with pytest.raises(SettingError, match="no prefix"):
        export(MODELS / "marvin.mltk.zip", format="cmake", output=tmp_path / "out", prefix="door")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["marvin", "bell_detector"])  # fixed point and state; real numbers
def test_its_program_gives_the_scores_of_the_host(name: str, tmp_path: Path) -> None:
    cmake = shutil.which("cmake", path=f"{Path(sys.executable).parent}:/usr/bin")
    if cmake is None:
        pytest.skip("no cmake")
    export(MODELS / f"{name}.mltk.zip", format="cmake", output=tmp_path / "out")
    sound = recording(tmp_path / "sound.wav")
    # The project's own builds leave detector/ out: it needs a model.
    strict = ["-DCMAKE_C_FLAGS=-Werror", "-DCMAKE_CXX_FLAGS=-Werror"]
    configure = [cmake, "-S", tmp_path / "out", "-B", tmp_path / "build", *strict]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([cmake, "--build", tmp_path / "build", "-j2"], check=True, stdout=subprocess.DEVNULL)
    heard = subprocess.run([tmp_path / "build" / "listen", "--scores", sound], capture_output=True, check=True)
    model = tmp_path / "model.tflite"
    shutil.unpack_archive(MODELS / f"{name}.mltk.zip", tmp_path / "archive", "zip")
    shutil.copy(tmp_path / "archive" / f"{name}.tflite", model)
    command = [program_path("audio_classifier"), "--library", find_tflm(), "--model", model, "--scores", sound]
    expected = subprocess.run(command, capture_output=True, check=True)
    lines = heard.stdout.decode().splitlines()
    assert lines == expected.stdout.decode().replace(",", "").splitlines()
    assert len({line.split(":")[-1] for line in lines}) > 1
