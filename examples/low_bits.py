# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Few bits
#
# The weights of most nets on microcontrollers are bytes. Some chips, such as BrainChip's Akida, take weights of four bits, which halves the memory again. This notebook looks into `mobilenet_kws`, a net of ten words that was trained down to four bits. It follows BrainChip's page "Inference on KWS with MobileNet".
#
# The page's data and its pretrained weights are not needed. The model that comes with this package has been trained on its own.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image

import mltk_like as mltk
from mltk_like import low_bit
from mltk_like.artifact import open_artifact
from mltk_like.audio import Frontend, frontend_from_parameters
from mltk_like.audio.wav import read_audio
from mltk_like.metrics import classification_report
from mltk_like.metrics.plots import plot_confusion
from mltk_like.tflite import TfliteModel, read_parameters
from mltk_like.verbs.shared.building import open_net

# %% tags=["parameters"]
SMALL = False  # True runs every cell on little data, in seconds, to see that all is installed.

# %% [markdown]
# ## Words to judge it on
#
# Speech engines say each of the ten words. A window of one second is cut out around each, and the front end makes 49 frames of 10 cepstral coefficients of it, as on the page. They are scaled to whole numbers.
#
# The voices are synthetic, and the model has heard some of them in its training. So the shares below do not say how well people are understood. They compare forms of the same net with each other.

# %%
archive = open_artifact("mobilenet_kws")
parameters = read_parameters(archive.tflite())
classes = list(parameters["classes"])
words = [name for name in classes if not name.startswith("_")]
RATE = 16000

count, engines = (1, ("pico",)) if SMALL else (12, ("pico", "piper", "hibari"))
mltk.synthesize(*words, out="spoken", count=count, engines=engines, progress=False)
frontend = Frontend(frontend_from_parameters(parameters))


def window_of(path):
    """One second around a clip, as the net takes it: int8 (49, 1, 10)."""
    clip = read_audio(path, RATE)[:RATE]
    before = (RATE - len(clip)) // 2
    second = np.pad(clip, (before, RATE - len(clip) - before))
    return frontend(second)[:, np.newaxis, :]


paths = sorted(Path("spoken").glob("*/*.wav"))
windows = np.stack([window_of(path) for path in paths])
truth = np.array([classes.index(path.parent.name) for path in paths])
print(len(windows), "windows of shape", windows.shape[1:])

# %% [markdown]
# ## The net
#
# A convolution takes the picture in. Five separable convolutions follow: each filters every channel by itself, and then mixes the channels. A mean over the whole picture and a last layer give twelve scores: ten words, unknown speech, and silence.
#
# All activations are ReLUs that end at 6. That is what makes few bits possible: the range is known beforehand.

# %%
net = open_net(archive)
print(mltk.summarize("mobilenet_kws"))

# %% [markdown]
# ## Three episodes
#
# The bits are not cut off after the training. The net learns to live with them, in three episodes that begin where the last one ended:
#
# 1. in float numbers;
# 2. with activations of 4 bits: after each layer a value is one of 16;
# 3. with weights of 4 bits too: a weight is one of 15 values. Those of the first layer have 8 bits.
#
# While rounding, the gradient passes as if nothing had been rounded. Otherwise it would be zero nearly everywhere, and nothing would be learned.
#
# `low_bit = mltk.LowBit(first_weights=8, weights=4, activations=4)` in a model file is all that this takes. Here is the table that the training stored. "integers" is the net of the third episode, computed in whole numbers.

# %%
report = low_bit.LowBitReport.from_json(archive.read("train/low_bit.json"))
for episode in report.episodes:
    print(f"{episode.name:24} weights {episode.weights:9} activations {episode.activations:7} "
          f"{100 * episode.accuracy:.2f} % of {report.windows} validation windows")  # fmt: skip

# %% [markdown]
# ## How good is it on these words?

# %%
scores = np.asarray(net(windows, training=False))
keras_accuracy = (scores.argmax(axis=1) == truth).mean()
print(f"Keras: {100 * keras_accuracy:.1f} % right")

# %% [markdown]
# ## The net in whole numbers
#
# This is what a chip computes. Weights are whole numbers. A layer's sum is multiplied by one number for each channel, shifted to the right, and cut to 0..15. There is no floating point anywhere, so every machine gives the same bits.

# %%
integers = low_bit.from_npz(archive.read("train/low_bit.npz"))
for stage in integers.stages:
    weights = stage.weights
    print(f"{stage.name:14} {stage.weight_bits} bits, {len(np.unique(weights)):3} different values, "
          f"from {weights.min()} to {weights.max()}, {stage.packed_bytes} bytes")  # fmt: skip
print(f"{integers.flash_bytes} bytes in all")

# %% [markdown]
# The weights of a layer, as a histogram. On the left those of the first layer, with 8 bits; on the right those of a later one, with 4.

# %%
figure, panels = plt.subplots(1, 2, figsize=(8, 2.6))
for axes, stage in zip(panels, (integers.stages[0], integers.stages[3]), strict=True):
    values, counts = np.unique(stage.weights, return_counts=True)
    axes.bar(values, counts, width=0.9)
    axes.set_title(f"{stage.name}, {stage.weight_bits} bits")
    axes.set_xlabel("weight")
plt.show()

# %% [markdown]
# ## Is it still the same net?
#
# Two things can be compared: how often each is right, and how often they agree. Keras computes in float numbers, so they part where two classes are nearly equal, and hardly anywhere else.
#
# The third form is the int8 `.tflite`, for chips that know bytes and no fewer bits.

# %%
whole = low_bit.scores(low_bit.run(integers, windows))
int8 = TfliteModel(archive.tflite()).predict(windows)
for name, found in (("whole numbers", whole), ("int8 .tflite", int8)):
    right, same = (found.argmax(axis=1) == truth).mean(), (found.argmax(axis=1) == scores.argmax(axis=1)).mean()
    print(f"{name:14} {100 * right:.1f} % right, the same class as Keras in {100 * same:.1f} %")

# %% [markdown]
# ## Zeros and work
#
# A ReLU makes zeros. Akida works by events: a value that is zero sends none, and costs nothing. So the share of zeros says how much work there is. "ops" counts as BrainChip's page does: for each input that is not zero, every output that a full convolution would carry it to. "all" are the multiplications of this net, zeros included. A separable layer has fewer of them than a full one, so "ops" can be more than "all"; compare each column with itself.

# %%
print(f"{'layer':14} {'zeros in':>8} {'zeros out':>9} {'ops':>9} {'all':>9}")
for stage in report.stages:
    print(
        f"{stage.name:14} {stage.input_sparsity:8.2f} {stage.output_sparsity:9.2f} {stage.operations:9.0f} {stage.macs:9}"
    )

# %% [markdown]
# ## The confusion matrix
#
# Rows are the words that were said, columns are what the net of whole numbers heard.

# %%
Image(plot_confusion(classification_report(whole, truth, classes)))

# %% [markdown]
# ## Out of Python
#
# `export --format low-bit` writes the net as C, with kernels that need no library, and as `.npz` with JSON for other tools. `--format akida` adds a script that builds it with BrainChip's own tools, where you have them.

# %%
exported = mltk.export("mobilenet_kws", format="low-bit", output=Path("low_bit_firmware"))
print("\n".join(path.name for path in exported.files))

# %% [markdown]
# ## With a model of your own
#
# `--set 'low_bit={"weights": 4, "activations": 4}'` on the command line of `train` is enough for any net whose ReLUs are layers of their own. Each episode has the whole schedule, so the training takes three times as long. [docs/low_bit.md](../docs/low_bit.md) says what is rounded to what.
