"""Fixtures that many tests share. No test touches the user's cache or run folders."""

import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.wav import write_wav
from mltk_like.feed.store import store_samples
from mltk_like.feed.windows import SplitFiles

RATE = 16000

TOY = """
import numpy as np

import mltk_like as mltk
from mltk_like.audio import FrontendSettings


class Toy(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    description = "a toy"
    classes = ("yes", "_unknown_")
    frontend = FrontendSettings(sample_length_ms=300, window_size_ms=30, window_step_ms=15, filterbank_n_channels=12)
    warm_up_ms = 100
    batch_size = 4
    epochs = 3

    def augment(self, scene, rng, sounds):
        return scene + sounds.ambience(rng, len(scene)) * np.float32(0.01)


my_model = Toy()
"""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that keeps the user's own folders, and let interrupts reach the programs that tests start."""
    # A shell that puts the tests into the background has them ignore SIGINT, nohup SIGHUP, and what they start would
    # inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    config.addinivalue_line("markers", "own_folders: the test sees the real cache and run folders")


@pytest.fixture(autouse=True)
def private_folders(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cache and run folders of the test alone."""
    if request.node.get_closest_marker("own_folders") is None:
        monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("MLTK_LIKE_RUNS", str(tmp_path / "runs"))
        # Nobody is asked for voices: a model's sources speak with those that are installed.
        monkeypatch.setenv("MLTK_LIKE_KOKORO_VOICES", "http://127.0.0.1:9")


@pytest.fixture
def model_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a model file into `tmp_path/models`: the toy, or the text given."""

    def write(text: str = TOY, name: str = "toy") -> Path:
        path = tmp_path / "models" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return write


@pytest.fixture
def tone() -> Callable[..., np.ndarray]:
    """int16 tones with a little noise, each seed another one."""

    def make(seed: int, seconds: float = 0.2) -> np.ndarray:
        rng = np.random.default_rng(seed)
        time = np.arange(round(seconds * RATE)) / RATE
        wave = 0.3 * np.sin(2 * np.pi * (300 + 40 * seed) * time) + 0.01 * rng.standard_normal(len(time))
        return (wave * 32767).astype(np.int16)

    return make


@pytest.fixture
def split_files(tmp_path: Path, tone: Callable[..., np.ndarray]) -> SplitFiles:
    """A split of six keyword and six unknown clips with a little ambience, as workers open it."""
    speech, ambience = tmp_path / "speech.i16", tmp_path / "ambience.i16"
    store_samples(speech, [tone(seed, 0.1 + 0.03 * seed) for seed in range(12)], RATE)
    store_samples(ambience, [tone(99, 1.0)], RATE)
    return SplitFiles(
        speech=speech,
        labels=("yes",) * 6 + ("_unknown_",) * 6,
        names=tuple(f"clip{index}.wav" for index in range(12)),
        ambience=ambience,
    )


@pytest.fixture
def wav_files(tmp_path: Path, tone: Callable[..., np.ndarray]) -> Callable[[int], list[Path]]:
    """Write so many WAV files."""

    def write(count: int) -> list[Path]:
        paths = [tmp_path / "wav" / f"{index}.wav" for index in range(count)]
        for index, path in enumerate(paths):
            write_wav(path, tone(index), RATE)
        return paths

    return write
