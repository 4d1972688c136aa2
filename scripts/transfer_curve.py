"""Does a training that begins with another model's weights get further in the same steps? Measured on spoken digits.

Two nets learn ten digits from a few speakers and are judged on others after each epoch: one from zero, one from the
weights of `keyword_spotting_mobilenetv2`. All else is the same: windows, their order, learning rates. The folder holds
a sub-folder for each digit and files DIGIT_SPEAKER_NUMBER, as the Free Spoken Digit Dataset does.

    python scripts/transfer_curve.py DIGITS --output docs/images/transfer_digits.png
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import effects
from mltk_like.models.keyword_spotting_mobilenetv2 import KeywordSpottingMobilenetV2

BASE = "keyword_spotting_mobilenetv2"
STEPS, BATCH = 60, 32


class Digits(KeywordSpottingMobilenetV2):
    """From zero."""

    description = "ten digits, on real recordings"
    classes = tuple("0123456789")
    split_fractions = (0.5, 0.34, 0.16)
    epochs = 16
    batch_size = BATCH
    steps_per_epoch = STEPS
    average_weights = 0.0
    babble_minutes = 0.0
    validation_windows = 400

    _folder = ""
    _carried = False

    def lr_schedule(epoch):
        return 2e-3 * 0.9**epoch

    def sources(self):
        digits = data.Folder(
            path=self._folder, labels=self.classes, group=r"^\d_([a-z]+)_", speakers="digits", name="digits"
        )
        return [digits, data.generated_noise(minutes=10)]

    def augment(self, scene, rng, sounds):
        noise = sounds.ambience(rng, len(scene))
        return effects.add_at_snr(scene, noise, rng, snr_db=(10.0, 40.0), silence_dbfs=(-60.0, -30.0))

    def network(self):
        net = super().network()
        if self._carried:
            mltk.load_weights_from(net, BASE)
        return net


def curve(folder: Path, *, carried: bool, seed: int) -> list[float]:
    """Share of right answers on speakers that were not trained on, after each epoch."""
    model = Digits().with_settings(seed=seed)
    model._folder, model._carried = str(folder), carried
    result = mltk.train(model, workers=0, evaluate=False, publish=False, offline=True, progress=False)
    return [float(value) for value in result.history["val_accuracy"]]


def plot(curves: dict[str, list[list[float]]], path: Path) -> None:
    """Both sets of curves over steps, their means thick."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for (name, runs), colour in zip(curves.items(), ("tab:blue", "tab:orange"), strict=True):
        steps = STEPS * (1 + np.arange(len(runs[0])))
        for run in runs:
            axes.plot(steps, 100 * np.array(run), color=colour, alpha=0.35, linewidth=1)
        axes.plot(
            steps, 100 * np.mean(runs, axis=0), color=colour, linewidth=2.5, label=f"{name} (mean of {len(runs)})"
        )
    axes.set(xlabel=f"steps of {BATCH} windows", ylabel="right on other speakers, %", ylim=(0, 100))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, print the table, draw the curves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="recordings: DIGIT/DIGIT_SPEAKER_NUMBER.*")
    parser.add_argument("--output", type=Path, default=Path("transfer_digits.png"), help="the picture")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args(arguments)
    curves: dict[str, list[list[float]]] = {"from the base model": [], "from zero": []}
    for seed in options.seeds:
        for name, runs in curves.items():
            runs.append(curve(options.folder, carried=name != "from zero", seed=seed))
            print(json.dumps({"start": name, "seed": seed, "val_accuracy": runs[-1]}), flush=True)
    plot(curves, options.output)
    print("| steps | " + " | ".join(curves) + " |\n| --- | --- | --- |")
    for epoch in (0, 1, 3, 7, 11, 15):
        cells = [" / ".join(f"{100 * run[epoch]:.1f}" for run in runs) for runs in curves.values()]
        print(f"| {STEPS * (epoch + 1)} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
