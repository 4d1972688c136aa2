"""The C++ examples build as they are, and give what Python gives."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mltk_like.artifact import open_artifact
from mltk_like.audio import Frontend, FrontendSettings, Recogniser, RecogniserSettings
from mltk_like.codegen.kernels import cpp_folder
from mltk_like.tflite import TfliteModel
from mltk_like.verbs.export import export

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "cpp"
MODEL = Path(__file__).resolve().parents[1] / "models" / "bell_detector.mltk.zip"
CLASSES = ("alexa", "_unknown_")


@pytest.mark.parametrize("name", ["front_end", "recogniser", "exported_net"])
def test_they_are_short(name: str) -> None:
    lines = sum(len(path.read_text().splitlines()) for path in (EXAMPLES / name).iterdir() if path.is_file())
    assert {path.name for path in (EXAMPLES / name).iterdir()} >= {"CMakeLists.txt", "main.cpp"}
    assert lines <= 90
    assert f"{name}/" in (EXAMPLES / "README.md").read_text()


def build(name: str, folder: Path, option: str) -> Path:
    """The program of an example."""
    cmake = shutil.which("cmake", path=f"{Path(sys.executable).parent}:/usr/bin")
    if cmake is None or shutil.which("c++") is None:
        pytest.skip("no cmake or no compiler")
    subprocess.run([cmake, "-S", EXAMPLES / name, "-B", folder / name, option], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([cmake, "--build", folder / name, "-j2"], check=True, stdout=subprocess.DEVNULL)
    return folder / name / name


@pytest.mark.slow
def test_they_say_what_python_says(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sources = f"-DMLTK_LIKE_CPP={cpp_folder()}"
    samples = (rng.standard_normal(32000) * np.linspace(0, 6000, 32000)).astype(np.int16)
    program = build("front_end", tmp_path, sources)
    heard = subprocess.run([program], input=samples.tobytes(), capture_output=True, check=True).stdout
    settings = FrontendSettings(
        sample_length_ms=1000, window_size_ms=30, window_step_ms=10, filterbank_n_channels=40,
        noise_reduction_enable=True, pcan_enable=True,
    )  # fmt: skip
    columns = Frontend(settings, "uint16")(samples)
    assert heard == columns.tobytes()
    assert len(np.unique(columns)) > 100

    times = np.arange(200) * 60
    word = (np.sin(times / 400) * 127 + 128).astype(np.uint8)
    scores = np.stack([word, 255 - word], axis=1)
    lines = "\n".join(f"{time} {a} {b}" for time, (a, b) in zip(times, scores.tolist(), strict=True))
    printed = subprocess.run(
        [build("recogniser", tmp_path, sources)], input=lines, capture_output=True, text=True, check=True
    ).stdout
    recogniser = Recogniser(
        RecogniserSettings(
            latency_ms=60, minimum_count=3, average_window_duration_ms=360, detection_threshold=200, suppression_ms=900
        ),
        CLASSES,
    )
    found = recogniser.detect(scores, times)
    assert printed.splitlines() == [f"{one.label} @{one.time_ms}ms score {one.score}" for one in found]
    assert len(found) > 2

    export(MODEL, format="c", output=tmp_path / "net")
    windows = rng.integers(-128, 128, (20, 32, 1, 48)).astype(np.int8)
    printed = subprocess.run(
        [build("exported_net", tmp_path, f"-DNET={tmp_path / 'net'}")],
        input=windows.tobytes(), capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    expected = TfliteModel(open_artifact(MODEL).tflite(), exact=True).predict(windows).astype(int) + 128
    got = np.array([[int(part) for part in line.split() if part.isdigit()] for line in printed.splitlines()])
    assert got.shape == (20, 2)
    assert np.abs(got - expected).max() <= 1  # LiteRT's own reference kernels differ from the device's by that
    assert {line.split("-> ")[1] for line in printed.splitlines()} <= {"bell", "_unknown_"}
