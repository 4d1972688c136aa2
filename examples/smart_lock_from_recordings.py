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
# # A smart lock, from recordings
#
# A lock that listens: a key goes in or out, somebody knocks, the bolt moves. This notebook goes the way of SensiML's page on smart locks, from recordings to a model for a Cortex-M4, without an account and without a cloud.
#
# The classes are:
#
# - `key_io`: a key goes into the lock, or out of it.
# - `knocking`: somebody knocks at the door.
# - `locking`: the bolt moves.
# - `_unknown_`: everything else. The underscore means that it is never detected.

# %%
import shutil
from pathlib import Path

import numpy as np
from IPython.display import Audio, Image

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import (
    EnergyGateSettings,
    Frontend,
    RecogniserSettings,
    SpectrumSettings,
    effects,
    frontend_from_parameters,
)
from mltk_like.audio.wav import read_audio, read_stretch
from mltk_like.metrics.dataset_plots import plot_window
from mltk_like.metrics.plots import plot_confusion, plot_history, plot_stream
from mltk_like.nets import lock_cnn
from mltk_like.tflite import read_parameters
from mltk_like.verbs.data import plot_data
from mltk_like.verbs.summarize import steps_of

# %% tags=["parameters"]
SMALL = False  # True runs every cell on little data, in seconds, to see that all is installed.

# %% [markdown]
# ## Record
#
# Each recording holds one kind of event, again and again. Some advice:
#
# - Leave half a second of quiet between two events, so that they can be told apart.
# - Vary how you do it: fast and slow, softly and hard, one knock and several.
# - Record 60 to 120 seconds of each kind, and make no other sounds meanwhile. Noise can be added later, by the computer.
# - Keep a quarter of the recordings for the test. Best of all is another door.
# - Record what is not an event, too: the street, a party, a fan, music. This is the class `_unknown_`.
#
# In a shell, `python -m mltk_like record knocking --seconds 60 --segment 0.5` does it with a microphone.
#
# You need no door to run this notebook. The next cell makes recordings: knuckles, keys and bolts that are computed, each recording another door. Put recordings of your own in their place and see how the figures change.

# %%
RATE = 16000
folder = Path("lock_recordings")
for source in data.generated_lock_sounds(events=24 if SMALL else 400):
    source.collect(progress=False)
    target = folder / source.split / source.kind.removeprefix("lock/")
    shutil.copytree(source.folder, target, dirs_exist_ok=True)
recordings = sorted(folder.glob("*/*/audio_*.wav"))
print(len(recordings), "recordings of 40 s")
knocks = sorted((folder / "training" / "knocking").glob("audio_*.wav"))[0]
Audio(read_stretch(knocks, 0.0, 1.2, RATE), rate=RATE)

# %% [markdown]
# ## Label
#
# A label is a stretch of half a second, 8,000 samples, that holds the whole event. Nobody has to draw them by hand: `record` finds the events by their energy. An event is what is 12 dB louder than the background. Here it is given a file in place of the microphone. Look at what it found in Audacity, and mend it where it is wrong.

# %%
print(mltk.record("knocking", input=knocks, seconds=40, segment_s=0.5, output=Path("recorded"), progress=False))
print(sorted(Path("recorded").glob("labels_*.txt"))[0].read_text()[:120])

# %% [markdown]
# ## Training and test apart
#
# SensiML keeps them apart by sessions. Here they are folders. `LabelledRecordings` reads all label files below a folder, and `split` says what for. The recordings call what is no event `unknown`, and the model calls it `_unknown_`: `label_map` says so.
#
# ## From sound to features
#
# The net sees no samples. It sees 15 frames of 400 samples each, which are 375 ms. Of each frame 20 coefficients are computed, the MFCC: the spectrum on the scale of the ear, as a logarithm, and then its coarse shape. 15 times 20 values are one picture. The next picture begins 25 ms later, so each event gives many.
#
# The energy gate is for the device. While no sample is louder than the threshold, the net does not run, which saves current. It is open during training.


# %%
class NotebookLock(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    description = "Hears keys, knocks and bolts at a door"
    classes = ("key_io", "knocking", "locking", "_unknown_")
    parameters = EnergyGateSettings(threshold=600, backoff=14).to_parameters()
    frontend = SpectrumSettings(
        sample_length_ms=375, window_size_ms=25, window_step_ms=25, window_function="hamming", sample_scale="int16",
        filterbank_n_channels=40, filterbank_lower_band_limit=20.0, filterbank_upper_band_limit=8000.0,
        log="ln", log_floor=1.0, mfcc_count=20, cascade=15, scale_minimum=-4.0, scale_maximum=4.0,
    )  # fmt: skip
    recogniser = RecogniserSettings(
        latency_ms=25, minimum_count=5, average_window_duration_ms=150, detection_threshold=204, suppression_ms=700
    )
    standardize = True  # each coefficient minus its mean, over its deviation
    warm_up_ms = 0
    babble_minutes = 0.0
    window_stride_ms = 25
    undersample = True  # of each class as many windows as the rarest has
    batch_size = 64
    epochs = 10
    steps_per_epoch = 88
    average_weights = 0.95
    validation_windows = 1000

    def sources(self):
        return [
            data.LabelledRecordings(path=folder / split, split=split, label_map={"unknown": "_unknown_"}, name=split)
            for split in ("training", "validation", "test")
        ]

    def augment(self, scene, rng, sounds):
        return effects.gain(scene, rng, db=(-10.0, 10.0))

    def network(self):
        return lock_cnn(self.input_shape, self.n_classes)


my_model = NotebookLock()
print(steps_of(my_model))

# %% [markdown]
# ## How much there is of each class
#
# The picture counts the windows of one pass. They are as many of each class, because `undersample` leaves out what the more frequent classes have too many of, other windows in each pass. Otherwise the net would say the most frequent class whenever it is in doubt.

# %%
plots = {path.stem: path for path in plot_data(my_model, Path("lock_plots"), progress=False)}
Image(plots["class_counts"].read_bytes())

# %% [markdown]
# ## The net
#
# Four convolutions of two by two values, with dropout and normalisation between them, then two dense layers: 24,580 weights. Dropout switches off a quarter of the values at random during training, so that the net does not rely on single ones.

# %%
print("parameters:", mltk.summarize(my_model, build=True).parameters)

# %% [markdown]
# ## Training
#
# An epoch is 88 batches of 64 windows. Watch whether the curve of the validation follows the other: where it turns away, the net learns its recordings by heart.

# %%
result = mltk.train(my_model, test=SMALL, workers=0 if SMALL else None, evaluate=False, progress=False)
shown = {name: result.history[name] for name in ("loss", "val_loss", "accuracy", "val_accuracy")}
Image(plot_history(shown, best_epoch=result.best_epoch))

# %% [markdown]
# ## What the features of a knock look like
#
# This is the loudest place of a recording, as the trained net gets it. One column is one frame. The lowest row is the loudness, and the others are the shape of the spectrum, from coarse to fine. The training measured mean and deviation of each row, and the `.tflite` carries them.

# %%
tflite = (result.folder / f"{result.name}.tflite").read_bytes()
sound = read_audio(knocks, RATE)
loudest = max(int(np.abs(sound.astype(np.int32)).argmax()) - 1600, 0)
features = Frontend(frontend_from_parameters(read_parameters(tflite)))(sound[loudest : loudest + 6000])
Image(plot_window(features.reshape(15, 20), "a knock"))

# %% [markdown]
# ## Eight bits
#
# A microcontroller has little memory, and many have no floating-point unit. So `train` has already converted the net: every weight and every value is one byte. The windows of the training said which range each byte must span. The converted net lies in the run folder, and TensorFlow Lite Micro has run it.

# %%
print("as float:", f"{4 * mltk.summarize(my_model, build=True).parameters / 1000:.1f} kB of weights")
print("as int8: ", f"{len(tflite) / 1000:.1f} kB, the whole file")

# %% [markdown]
# ## The confusion matrix
#
# The rows are what it was, the columns are what the net said. The test doors are other doors than those of the training.
#
# In the picture the highest score counts. In the table below it a window counts as recognised when the best score is above 0.8, as on SensiML's page. If none is, it stands in the column UNK: the net does not know.
#
# A window slides over the recording, 40 times a second. Many windows hold only the edge of an event, and there is no right answer for them. This is why fewer windows than events are right.

# %%
names = {"unknown": "_unknown_"}
judged = mltk.evaluate_labelled(result.folder, folder / "test", tflite=True, label_map=names, progress=False)
Image(plot_confusion(judged.windows))

# %%
table = str(judged.windows)
print(table[table.index("The same above") :])

# %%
for row in judged.rows:
    print(f"{row.label:9} {row.hits} of {row.intervals} events found, {row.false_alarms} false alarms")
print("windows that are right:", f"{100 * judged.windows.accuracy:.1f} %")

# %% [markdown]
# ## Live
#
# This is what the model would say beside a door. The score is that of a knock, and the shaded stretches are the labels of a recording of the test. `python -m mltk_like classify_audio MODEL` shows the same for the microphone, and `--device` for a board.

# %%
heard = next(one for one in judged.recordings if any(label.label == "knocking" for label in one.intervals))
Image(
    plot_stream(
        heard.scored.times_ms,
        np.asarray(heard.scored.scores)[:, my_model.classes.index("knocking")],
        words=[(label.start_s, label.end_s, "") for label in heard.intervals if label.label == "knocking"],
        detections=heard.detections,
        threshold=judged.threshold,
    )
)

# %% [markdown]
# ## To the device
#
# `format="cmake"` writes a folder with everything from samples to detections: the front end with its gate, the net as C, the recogniser. Compile it with your firmware. [docs/export.md](../docs/export.md) tells how, and [docs/chip.md](../docs/chip.md) shows the whole on an emulated chip.

# %%
exported = mltk.export(result.folder, format="cmake", output=Path("lock_firmware"))
print(
    len(exported.files), "files;", exported.flash_bytes, "bytes of constants,", exported.arena_bytes, "bytes of memory"
)

# %% [markdown]
# A computed door is not a door. [docs/smart_lock.md](../docs/smart_lock.md) has the model that ships, what it was trained on, how good it is, and what it takes for an event though it is none.
