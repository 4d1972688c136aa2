"""docs/images/spectrograms.png: one word as the microphone gives it and as the net gets it, in quiet and in noise.

usage: python scripts/docs/spectrogram_picture.py WORD.wav       as `synthesize alexa --count 1 --out clips` writes one
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mltk_like.audio import Frontend
from mltk_like.audio.effects import add_at_level, level_dbfs, white_noise
from mltk_like.audio.wav import read_audio
from mltk_like.loader import load_model

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "spectrograms.png"
MODEL = "keyword_spotting_alexa_small"
SNR_DB, QUIET_DBFS = 10.0, -75.0


def main(clip: Path) -> None:
    """Draw the picture."""
    settings = load_model(MODEL).frontend
    rate, length = settings.sample_rate_hz, settings.sample_length
    word = read_audio(clip, rate).astype(np.float32)[:length] / 32768
    # A second before it, as in a training: noise reduction first has to learn what is there all the time.
    before = rate + (length - len(word)) // 2
    scene = np.pad(word, (before, rate + length - before - len(word)))
    rng = np.random.default_rng(3)
    noise = white_noise(rng, len(scene))
    scenes = {
        "in a quiet room": add_at_level(scene, noise, dbfs=QUIET_DBFS),
        f"with noise, {SNR_DB:g} dB": add_at_level(scene, noise, dbfs=level_dbfs(scene) - SNR_DB),
    }
    figure = Figure(figsize=(9, 4.4), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    cells = figure.subplots(2, 2, sharex=True, height_ratios=(1, 2))
    seconds = length / rate
    for (wave, columns), (title, sound) in zip(cells.T, scenes.items(), strict=True):
        wave.plot(np.arange(length) / rate, sound[rate:], color="#00796b", linewidth=0.5)
        wave.set_title(f"the word {title}", fontsize=10)
        wave.set_ylim(-1, 1)
        values = Frontend(settings)(sound, last=settings.spectrogram_shape[0])
        columns.imshow(
            values.T,
            origin="lower",
            aspect="auto",
            cmap="magma",
            interpolation="nearest",
            extent=(0, seconds, 0, values.shape[1]),
        )
        columns.set_xlabel("seconds", fontsize=9)
    cells[0, 0].set_ylabel("of full scale", fontsize=9)
    cells[1, 0].set_ylabel("mel band", fontsize=9)
    figure.savefig(PICTURE, pil_kwargs={"optimize": True})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
