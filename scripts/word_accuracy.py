"""What a trained int8 model says of recordings of single words: a row for each word, its share of every answer.

The folder holds a sub-folder for each word. Each recording is judged once, in the middle of a window whose other part
is very faint noise, after a second of the same.

    python scripts/word_accuracy.py mobilenet_kws WORDS
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mltk_like.artifact import open_artifact
from mltk_like.audio import Frontend, FrontendSettings
from mltk_like.audio.wav import read_audio
from mltk_like.data import Folder
from mltk_like.tflite import TfliteModel, read_parameters

_FLOOR = 3.0  # root mean square of the noise around a clip, in steps of 16 bits


def windows(paths: Sequence[Path], settings: FrontendSettings) -> NDArray[np.int8]:
    """Features of each recording: int8 (n, time, 1, bands)."""
    rng = np.random.default_rng(0)
    warm_up, length = settings.sample_rate_hz, settings.sample_length
    scenes = rng.normal(0, _FLOOR, (len(paths), warm_up + length)).round().astype(np.int16)
    for scene, path in zip(scenes, paths, strict=True):
        clip = read_audio(path, settings.sample_rate_hz)
        over = max(len(clip) - length, 0) // 2
        clip = clip[over : over + length]
        start = warm_up + (length - len(clip)) // 2
        scene[start : start + len(clip)] += clip
    time, bands = settings.spectrogram_shape
    features: NDArray[np.int8] = Frontend(settings, "int8")(scenes, last=time).reshape(-1, time, 1, bands)
    return features


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name, run folder or archive")
    parser.add_argument("folder", type=Path, help="recordings: WORD/*")
    options = parser.parse_args(arguments)
    content = open_artifact(options.model).tflite()
    parameters = read_parameters(content)
    settings, classes = FrontendSettings.from_parameters(parameters), list(parameters["classes"])
    model = TfliteModel(content)
    print("| word | clips | " + " | ".join(classes) + " |\n" + "| --- " * (len(classes) + 2) + "|")
    clips = Folder(path=options.folder).collect(progress=False)
    for word in sorted({clip.label for clip in clips}):
        paths = [clip.path for clip in clips if clip.label == word]
        answers = model.predict(windows(paths, settings)).argmax(axis=1)
        shares = np.bincount(answers, minlength=len(classes)) / len(paths)
        print(f"| {word} | {len(paths)} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |")


if __name__ == "__main__":
    main()
