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
# # A bell, from recordings
#
# This notebook trains a detector of one bell out of long recordings. It goes the way of the second part of the "Welcome to TinyML" course: recordings with label files, spectrograms, sliding windows, a net of four layers, and C code for a microcontroller at the end.
#
# You need no recordings of your own to run it. The first cells make some: a bell that is computed, in places that are computed. Put your own files in their place, and the rest stays as it is.

# %% [markdown]
# ## Import what is needed

# %%
import shutil
from pathlib import Path

import numpy as np
from IPython.display import Audio, Image

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import Frontend, RecogniserSettings, SpectrumSettings, effects
from mltk_like.audio.wav import read_stretch
from mltk_like.metrics.dataset_plots import plot_window
from mltk_like.metrics.plots import plot_history, plot_stream
from mltk_like.nets import bell_net
from mltk_like.verbs.data import plot_data
from mltk_like.verbs.summarize import filters_png, steps_of

# %% tags=["parameters"]
SMALL = False  # True runs every cell on little data, in seconds, to see that all is installed.

# %% [markdown]
# ## The recordings
#
# A recording is two files in one folder:
#
# - `audio_<id>.wav`, the sound. Sixteen bits, one channel and 16 kHz are used as they are; other formats are converted.
# - `labels_<id>.txt`, the labels. Each line has the start and the end of a bell in seconds, and a name, with tabs between. Audacity writes such files.
#
# The `<id>` is any text that tells recordings apart.
#
# There are three folders, for three purposes. The net learns from the recordings in `training`. The ones in `validation` decide which state of the net was the best. The ones in `test` are heard only at the end. If a recording were in two of them, the last figures would be too good, because the net would have heard the answers.

# %%
recordings = Path("bell_recordings")
for source in data.generated_bells(minutes=6 if SMALL else 45, window_s=0.264, step_s=0.064):
    source.collect(progress=False)
    shutil.copytree(source.folder, recordings / source.split, dirs_exist_ok=True)
    print(source.split, len([*(recordings / source.split).glob("audio_*.wav")]), "recordings of 90 s")

# %% [markdown]
# This is one label file, and the first bell of its recording to listen to.

# %%
label_file = sorted((recordings / "training").glob("labels_*.txt"))[0]
print(label_file.read_text())
start_s = float(label_file.read_text().split()[0])
wav = label_file.with_name(label_file.name.replace("labels_", "audio_")).with_suffix(".wav")
Audio(read_stretch(wav, start_s, 1.0, 16000), rate=16000)

# %% [markdown]
# ## From sound to windows
#
# The net does not hear samples. It sees a small picture, which is made in these steps:
#
# - The sound is cut into frames of 16 ms. The mean of each is taken away, so that a constant offset of the microphone does not count.
# - Each frame is multiplied by a Hamming window, and a Fourier transform says how loud each frequency is in it. Frequency bin *i* stands for *i* times 62.5 Hz.
# - Only the 48 bins below 3 kHz are kept. There is little of a bell above them, and a small picture makes a small net.
# - `log(1 + x)` makes loud values less different from quiet ones.
# - The mean is subtracted and the result is divided by the deviation, so that values lie around 0.
#
# A window of 32 frames is one picture. The next window begins 64 ms later, so windows overlap.
#
# A window gets the label `bell` if it lies wholly within a labelled stretch. If it begins a little before, it is `_unknown_`. The underscore means that this class is never detected.


# %%
class NotebookBell(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    description = "Detects a bell"
    classes = ("bell", "_unknown_")
    frontend = SpectrumSettings(
        sample_length_ms=264, window_size_ms=16, window_step_ms=8, window_function="hamming", window_periodic=False,
        remove_mean=True, sample_scale="int16", power=1, filterbank_scale="linear", filterbank_n_channels=48,
        filterbank_lower_band_limit=0.0, filterbank_upper_band_limit=3000.0, log="log1p",
        mean=6.8, std=1.5, scale_minimum=-3.0, scale_maximum=3.0,
    )  # fmt: skip
    recogniser = RecogniserSettings(
        latency_ms=64, minimum_count=3, average_window_duration_ms=320, detection_threshold=230, suppression_ms=2000
    )
    warm_up_ms = 0
    babble_minutes = 0.0
    window_stride_ms = 64
    class_weights = "sqrt-balanced"
    batch_size = 128
    epochs = 12
    steps_per_epoch = 100
    early_stopping_epochs = 8
    validation_windows = 4000
    test_clips = 24
    evaluate_hours = 0.1

    def sources(self):
        return [
            data.LabelledRecordings(
                path=recordings / split, split=split, window_s=0.264, step_s=0.064, merge=True,
                label_map={"Ding": "bell"}, name=split,
            )
            for split in ("training", "validation", "test")
        ]  # fmt: skip

    def augment(self, scene, rng, sounds):
        return effects.gain(scene, rng, db=(-6.0, 6.0))  # louder or quieter, another time each

    def network(self):
        return bell_net(self.input_shape)


my_model = NotebookBell()
print(steps_of(my_model))

# %% [markdown]
# The next picture shows all training recordings in a row. Time goes from left to right. The lower strip says where a bell is.

# %%
plots = {path.stem: path for path in plot_data(my_model, Path("bell_plots"), progress=False)}
Image(plots["dataset"].read_bytes())

# %% [markdown]
# ## Few bells, much else
#
# A bell rings for one second in forty-five. There are far more windows without it than with it, as the next picture shows. A net that always says "no bell" would be right nearly always, and useless.
#
# The best remedy is more recordings of bells. The second best is to give each window of a bell more weight in the training. `class_weights = "sqrt-balanced"` does this: with *r* windows of the other class for each window of a bell, a bell weighs the square root of *r*, and the others one divided by it.

# %%
rate = 1 / 45  # about one second of bell in 45
print(
    f"a bell's weight is about {np.sqrt((1 - rate) / rate):.1f}, the weight of all else {np.sqrt(rate / (1 - rate)):.2f}"
)
Image(plots["class_counts"].read_bytes())

# %% [markdown]
# ## The net
#
# There are four layers:
#
# - A convolution along time with 8 filters, each three frames long, finds raw patterns.
# - A second one combines them over five frames.
# - Its output is flattened into one row of numbers.
# - A dense layer sums them up to the answer.

# %%
print(mltk.summarize(my_model, build=True))

# %% [markdown]
# ## Training
#
# The training goes through the windows in batches of 128. After each epoch the validation windows are judged. The best state is kept, and the training ends when there has been no better one for 8 epochs.
#
# Look at the curves afterwards. The loss on training windows should go down smoothly; if it jumps, try a lower learning rate. If the loss on validation windows begins to rise while the other still falls, the net has begun to learn its recordings by heart.

# %%
result = mltk.train(my_model, test=SMALL, workers=0 if SMALL else None, evaluate=False, progress=False)
shown = {name: result.history[name] for name in ("loss", "val_loss", "accuracy", "val_accuracy", "val_misses")}
Image(plot_history(shown, best_epoch=result.best_epoch))

# %% [markdown]
# ## What the filters look for
#
# These are the eight filters of the first convolution, bright where they look for energy. The bell's lowest tone is at about 750 Hz, which is bin 12. The window below them is the bell that you could hear above: look for its bright rows in the filters.

# %%
Image(filters_png(result.folder))

# %%
window = Frontend(my_model.frontend)(read_stretch(wav, start_s + 0.1, 0.264, 16000))
Image(plot_window(window.reshape(32, 48), "a bell"))

# %% [markdown]
# ## Is it good enough?
#
# There are two ways to count.
#
# Windows: each window is right or wrong. The table of the four counts (right and wrong, bell and no bell) and the loss are of this kind. The share of right windows looks excellent even for a bad net, since nearly all windows have no bell. Many of the wrong ones are at the edges of a bell, where a window more or less matters to nobody.
#
# Events: a bell was found or missed, and an alarm was false or not. This is what the user of the device notices. The test recordings are heard as the device would hear them, and the detections are compared with the labels.

# %%
judged = mltk.evaluate_labelled(result.folder, recordings / "test", tflite=True, progress=False)
for row in judged.rows:
    print(f"{row.label}: {row.hits} of {row.intervals} found, {row.false_alarms} false alarms in {row.hours:.2f} h")
print()
print(judged.windows)

# %% [markdown]
# The score over time tells more than any number. Here is a test recording: where the bell was, what the net said, and where the recogniser decided that it had heard a bell.

# %%
heard = next((recording for recording in judged.recordings if recording.intervals), judged.recordings[0])
words = [(interval.start_s, interval.end_s, "bell") for interval in heard.intervals]
Image(
    plot_stream(
        heard.scored.times_ms,
        np.asarray(heard.scored.scores)[:, 0],
        words=words,
        detections=heard.detections,
        threshold=judged.threshold,
    )
)

# %% [markdown]
# ## C for the device
#
# The `.tflite` becomes three files: `model.h` with the settings of the front end as `#define`s, `model.c` with the model as an array, and `model_ops.h` with the operators that TensorFlow Lite Micro needs. `format="c"` would write the net as C that needs no interpreter.

# %%
exported = mltk.export(result.folder, format="c-array", output=Path("bell_firmware"))
print("\n".join(line for line in exported.files[0].read_text().splitlines() if "SPECTRUM_M" in line or "_SIZE" in line))

# %% [markdown]
# ## How much memory it takes
#
# The flash memory holds the model. The tensor arena is the working memory. It was measured with TensorFlow Lite Micro on this computer; a microcontroller needs less, since its pointers are shorter.

# %%
print(f"flash: {exported.flash_bytes} bytes")
print(f"tensor arena: {exported.arena_bytes} bytes, {exported.activations_bytes} of them for activations")

# %% [markdown]
# ## With your own recordings
#
# Put your files into `bell_recordings/training`, `validation` and `test`, and write your label's name in place of `Ding`. Record in several places. `python -m mltk_like record bell` records from the microphone and writes the labels.
#
# [docs/bell_detector.md](../docs/bell_detector.md) tells what the model that ships with this package does, and how good it is.
