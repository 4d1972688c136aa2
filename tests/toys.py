"""A toy model for tests of the verbs: rising chirps ("beep") against everything else, a net of a few hundred weights.

The model file stands in a folder of the test's own, beside the recordings that this module makes for it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import mltk_like as mltk
from mltk_like.audio.wav import write_wav
from mltk_like.data.source import Source

RATE = 16000
# Exit codes of a training that came to its end: one of a few steps is no better than chance, and says so.
ENDED = (0, 1)
VOICES = 8

# Keras with NumPy 2, and the converter when it is told to give int8: theirs, and of no consequence.
TENSORFLOW_WARNINGS = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected:UserWarning"),
]

SOURCE = '''
"""A toy: beeps."""

import os
import time
from pathlib import Path

import mltk_like as mltk
from mltk_like.audio import FrontendSettings, RecogniserSettings, effects
from mltk_like.data import Folder
{imports}

HERE = Path(__file__).parent


class Toy(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    version = 3
    description = "hears beeps"
    classes = ("beep", "_unknown_")
    parameters = dict(colour="green", factor=0.5)
    frontend = FrontendSettings(
        sample_length_ms=400, window_size_ms=32, window_step_ms=20, filterbank_n_channels=16,
        noise_reduction_enable=True, quantize_dynamic_scale_enable=True,
    )
    recogniser = RecogniserSettings(
        latency_ms=100, minimum_count=1, average_window_duration_ms=200, detection_threshold=150, suppression_ms=500
    )
    split_fractions = (0.5, 0.25, 0.25)
    class_weights = "balanced"
    warm_up_ms = 100
    batch_size = 8
    epochs = 4
    steps_per_epoch = 6
    optimizer = "adamw"
    weight_decay = 0.01
    average_weights = 0.9
    babble_minutes = 0.4
    validation_windows = 48
    test_clips = 40
{settings}

    def lr_schedule(epoch):
        return 0.01 / (1 + epoch)

    def callbacks(self):
        """Let a test stop the training where it wants, by the environment, so that the file stays the same."""
        import keras

        class Stop(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                self.slow = epoch >= int(os.environ.get("TOY_SLOW_FROM", "999"))
                if epoch == int(os.environ.get("TOY_INTERRUPT_AT", "-1")):
                    raise KeyboardInterrupt

            def on_train_batch_begin(self, batch, logs=None):
                if self.slow:
                    time.sleep(0.5)

        return [Stop()] if any(name in os.environ for name in ("TOY_SLOW_FROM", "TOY_INTERRUPT_AT")) else []

    def sources(self):
        return [
            Folder(path=HERE / "audio" / "beep", label="beep", group=r"^(voice\\d+)_", speakers="toys"),
            Folder(path=HERE / "audio" / "other", label="_unknown_", group=r"^(voice\\d+)_", speakers="toys"),
            Folder(path=HERE / "audio" / "noise", label="_noise_"),
            {sources}
        ]

    def augment(self, scene, rng, sounds):
        noise = sounds.ambience(rng, len(scene))
        return effects.add_at_snr(scene, noise, rng, snr_db=(15.0, 30.0), silence_dbfs=(-50.0, -30.0))

    def network(self):
        import keras
        from keras import layers

        inputs = keras.Input(self.input_shape, name="spectrogram")
        x = layers.Conv2D(8, (3, 1), strides=(2, 1), padding="same", use_bias=False, name="stem")(inputs)
        x = layers.ReLU(name="relu")(layers.BatchNormalization(name="stem_bn")(x))
        x = layers.AveragePooling2D((2, 1), name="pool")(x)
        x = keras.ops.reshape(x, (-1, x.shape[1] * 8))
        x = layers.Dropout(0.1, name="dropout")(x)
        bias = keras.initializers.RandomNormal(stddev=0.01)
        head = layers.Dense(self.n_classes, activation="softmax", bias_initializer=bias, name="head")(x)
        return keras.Model(inputs, head, name="toy")


my_model = Toy()

if __name__ == "__main__":
    mltk.main(my_model)
'''

# One core and one worker: the verb then gives TensorFlow one thread, and the bits of two trainings can be compared.
CHILD = (
    "import os, sys; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
    "from mltk_like.cli import main; sys.exit(main())"
)


def write_toy(folder: Path, *, name: str = "toy", settings: str = "", sources: str = "", imports: str = "") -> Path:
    """Write the toy's file and its recordings; returns the file's path. `settings` are lines of the class body."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    lines = "\n".join(f"    {line}" for line in settings.splitlines())
    path.write_text(SOURCE.format(settings=lines, sources=sources, imports=imports).lstrip())
    write_audio(folder / "audio")
    return path


def model_with(*sources: Source, classes: tuple[str, ...] = ("beep", "_unknown_"), **settings: Any) -> Any:
    """A model that has these sources, and no net."""

    class Listens(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
        def sources(self) -> list[Source]:
            return list(sources)

    return Listens().with_settings(classes=classes, **settings)


def write_audio(folder: Path) -> None:
    """`beep/`, `other/` and `noise/`: 8 voices, 3 clips of each sort a voice."""
    for voice in range(VOICES):
        for take in range(3):
            rng = np.random.default_rng([voice, take])
            write_wav(folder / "beep" / f"voice{voice}_{take}.wav", beep(rng), RATE)
            write_wav(folder / "other" / f"voice{voice}_{take}.wav", other(rng), RATE)
    for index in range(6):
        noise = np.random.default_rng([77, index]).standard_normal(RATE)
        write_wav(folder / "noise" / f"{index}.wav", (noise * 1500).astype(np.int16), RATE)


def beep(rng: np.random.Generator) -> NDArray[np.int16]:
    """A tone that rises: int16 (about 0.25 s,)."""
    seconds = rng.uniform(0.2, 0.3)
    t = np.arange(round(seconds * RATE)) / RATE
    low = rng.uniform(500, 700)
    return _faded(np.sin(2 * np.pi * (low * t + 4500 * t**2)))


def other(rng: np.random.Generator) -> NDArray[np.int16]:
    """A tone that falls, or a burst of noise: int16 (about 0.35 s,)."""
    t = np.arange(round(rng.uniform(0.25, 0.45) * RATE)) / RATE
    if rng.random() < 0.5:
        return _faded(rng.standard_normal(len(t)) * 0.3)
    return _faded(np.sin(2 * np.pi * (rng.uniform(2600, 3200) * t - 2500 * t**2)))


def _faded(wave: NDArray[np.float64]) -> NDArray[np.int16]:
    ramp = np.minimum(1.0, np.arange(len(wave)) / 160)
    return (wave * ramp * ramp[::-1] * 9000).clip(-32768, 32767).astype(np.int16)


@dataclass
class Child:
    """A training in a process (and group) of its own, on one core, with one worker: one TensorFlow thread."""

    process: subprocess.Popen[str]
    runs: Path
    output: list[str] = field(default_factory=list)

    @property
    def run(self) -> Path:
        """The run folder that it made."""
        return self.runs / "toy" / "1"

    def wait(self, timeout_s: float = 120) -> int:
        """Its exit code; what it printed is in `output`."""
        out, err = self.process.communicate(timeout=timeout_s)
        self.output += [out, err]
        return self.process.returncode

    def wait_for(self, there: Callable[[], bool], what: str, timeout_s: float = 120) -> None:
        """Wait until something is there, or the process has ended."""
        end = time.monotonic() + timeout_s
        while not there():
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise AssertionError(f"{what} did not happen: {self.process.communicate()}")
            time.sleep(0.02)


@contextmanager
def child(arguments: list[str], runs: Path, **environment: str) -> Iterator[Child]:
    """`python -m mltk_like ...` as a child on one core; killed at the end of the block."""
    env = {**os.environ, "MLTK_LIKE_RUNS": str(runs), **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=runs.parent,
    )  # fmt: skip
    try:
        yield Child(process, runs)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.communicate()


@dataclass(frozen=True)
class Trained:
    """A finished training of the toy: its file, its result, and the folder that holds all of it."""

    folder: Path
    path: Path
    result: mltk.TrainingResult

    @property
    def tflite(self) -> Path:
        """The int8 model."""
        return self.result.folder / "toy.tflite"


def arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of an `.npz` file."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
