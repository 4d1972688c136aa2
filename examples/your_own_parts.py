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
# # Your own front end, augmentation and net
#
# A model file has three parts that you may replace: what the net sees (the front end), how training sounds are varied (the augmentation), and the net itself. This notebook replaces all three, for a detector of a smoke alarm.
#
# The alarm is computed: three beeps at about 3.1 kHz, a pause, and again. So nothing needs to be recorded or downloaded.

# %%
from pathlib import Path

import numpy as np
from IPython.display import Audio, Image

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import Detection, Frontend, FrontendSettings, RecogniserSettings, SpectrumSettings, effects
from mltk_like.audio.wav import write_wav
from mltk_like.metrics.dataset_plots import plot_window
from mltk_like.metrics.plots import plot_history

# %% tags=["parameters"]
SMALL = False  # True runs every cell on little data, in seconds, to see that all is installed.

# %% [markdown]
# ## Sounds to learn from
#
# Each alarm has its own pitch and its own tempo. The other sounds are tones of other heights, whistles that slide, and bursts of noise. A file's name begins with who is heard in it, here with the number of a house. A house is in one of training, validation and test alone.

# %%
RATE = 16000
rng = np.random.default_rng(7)


def tone(hz, seconds):
    """A tone that fades in and out: float64, at most 1. `hz` is a number, or one for each sample."""
    n = round(seconds * RATE)
    wave = np.sin(2 * np.pi * np.cumsum(np.broadcast_to(hz, n)) / RATE)
    ramp = np.minimum(1, np.arange(n) / 80)
    return wave * ramp * ramp[::-1]


def alarm():
    """Three beeps with pauses."""
    hz, beep = rng.uniform(2900, 3300), rng.uniform(0.09, 0.13)
    pause = np.zeros(round(0.08 * RATE))
    return np.concatenate([tone(hz, beep), pause, tone(hz, beep), pause, tone(hz, beep)])


def other():
    """Something else."""
    seconds = rng.uniform(0.3, 0.6)
    kind = rng.integers(3)
    if kind == 0:
        return tone(rng.choice([rng.uniform(300, 2500), rng.uniform(3700, 6000)]), seconds)
    if kind == 1:
        return tone(np.linspace(*rng.uniform(500, 6000, 2), round(seconds * RATE)), seconds)
    return rng.normal(0, 0.3, round(seconds * RATE))


folder = Path("alarm_recordings")
for house in range(12):
    for take in range(4 if SMALL else 12):
        write_wav(folder / "alarm" / f"house{house}_{take}.wav", (alarm() * 8000).astype(np.int16), RATE)
        write_wav(folder / "other" / f"house{house}_{take}.wav", (other() * 8000).astype(np.int16), RATE)
example = (alarm() * 8000).astype(np.int16)
Audio(example, rate=RATE)

# %% [markdown]
# ## Your own front end
#
# A front end turns sound into a picture: time in one direction, pitch in the other. There are two kinds.
#
# `FrontendSettings` counts in whole numbers and is the one for speech: mel bands, noise reduction, gain control. `SpectrumSettings` counts in float numbers and is general: any bands, linear or mel, decibels or logarithms, cepstra. Both give the same numbers on this computer and on a microcontroller.
#
# Here are the two, looking at the same alarm. Speech bands lie close together where vowels are, and far apart at 3 kHz.

# %%
sound = np.concatenate([np.zeros(1600, np.int16), example, np.zeros(9000, np.int16)])[: RATE * 700 // 1000]
speech = FrontendSettings(sample_length_ms=700, window_size_ms=32, window_step_ms=20, filterbank_n_channels=24)
Image(plot_window(Frontend(speech)(sound), "a front end for speech"))

# %%
alarm_bands = SpectrumSettings(
    sample_length_ms=700, window_size_ms=32, window_step_ms=20, filterbank_scale="linear", filterbank_n_channels=24,
    filterbank_lower_band_limit=2750.0, filterbank_upper_band_limit=3500.0, log="db", log_floor=1e-8,
    scale_minimum=-70.0, scale_maximum=10.0,
)  # fmt: skip
Image(plot_window(Frontend(alarm_bands)(sound), "24 bins around 3.1 kHz"))

# %% [markdown]
# The second picture spends its 24 values where the alarm is. The net that looks at it can be small.
#
# ## Your own augmentation
#
# A net that hears each sound only as it was recorded learns the recording and not the sound. So every clip is varied each time it is used. `augment_clip` changes the dry clip, and `augment` changes the scene around it. Both are given a random generator, which is the only source of chance: the same seed gives the same training.
#
# Samples are float numbers between -1 and 1. Anything that NumPy can do is allowed, and `effects` has what is needed most: levels, noise, rooms, speed, telephones.


# %%
def through_a_door(samples, rng):
    """Softer, and with less of what is high: each sample becomes a mean of itself and the one before."""
    share = rng.uniform(0.0, 0.5)
    before = np.concatenate([[0], samples[:-1]])
    return ((1 - share) * samples + share * before).astype(np.float32)


# %% [markdown]
# ## Your own net
#
# `network` returns any Keras model that goes from `self.input_shape` to a softmax over the classes. The input is the front end's int8 picture, in the shape (time, 1, bands). This net has one convolution that looks at three columns, one that combines them, and a dense layer.
#
# Use layers that TensorFlow Lite Micro knows. Before a training begins the net is converted and run there, untrained, so a layer that will not run on a device is an error now and not after an hour.


# %%
class SmokeAlarm(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    description = "Hears a smoke alarm"
    classes = ("alarm", "_unknown_")
    frontend = alarm_bands
    recogniser = RecogniserSettings(
        latency_ms=100, minimum_count=2, average_window_duration_ms=300, detection_threshold=180, suppression_ms=1500
    )
    warm_up_ms = 0
    batch_size = 32
    epochs = 12
    steps_per_epoch = 30
    learning_rate = 3e-3
    average_weights = 0.9
    split_fractions = (0.5, 0.25, 0.25)
    validation_windows = 200
    babble_minutes = 0.3
    test_clips = 24

    def sources(self):
        return [
            data.Folder(path=folder / "alarm", label="alarm", group=r"^(house\d+)_", speakers="houses"),
            data.Folder(path=folder / "other", label="_unknown_", group=r"^(house\d+)_", speakers="houses"),
            data.generated_noise(minutes=1),
        ]

    def augment_clip(self, clip, rng, sounds):
        return effects.gain(through_a_door(clip, rng), rng, db=(-25.0, 0.0))

    def augment(self, scene, rng, sounds):
        noise = sounds.ambience(rng, len(scene))
        return effects.add_at_snr(scene, noise, rng, snr_db=(0.0, 30.0), silence_dbfs=(-60.0, -30.0))

    def network(self):
        import keras
        from keras import layers

        inputs = keras.Input(self.input_shape)
        x = layers.Conv2D(12, (3, 1), strides=(2, 1), use_bias=False)(inputs)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(12, (3, 1), strides=(2, 1), use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Flatten()(x)
        return keras.Model(inputs, layers.Dense(self.n_classes, activation="softmax")(x))


my_model = SmokeAlarm()

# %% [markdown]
# `build=True` needs no training. It says what the net will cost, before any time is spent on it.

# %%
cost = mltk.profile(my_model, build=True)
print("parameters:", mltk.summarize(my_model, build=True).parameters)
print("flash:", cost.flash_bytes, "bytes, working memory:", cost.arena_bytes, "bytes")
for layer in cost.layers:
    print(f"{layer.opcode:18} {layer.macs:7} multiplications")

# %% [markdown]
# ## Train and listen
#
# `progress=True`, which is the default, shows bars and what each stage does.

# %%
result = mltk.train(my_model, test=SMALL, workers=0 if SMALL else None, evaluate=False, progress=False)
shown = {name: result.history[name] for name in ("loss", "val_loss", "accuracy", "val_accuracy", "val_misses")}
Image(plot_history(shown, best_epoch=result.best_epoch))

# %% [markdown]
# A kitchen with a hum in it: a whistle, then an alarm, then a lower beep. Only the alarm is to be heard.

# %%
quiet = np.zeros(2 * RATE)
kitchen = np.concatenate(
    [quiet, tone(np.linspace(1500, 5000, 8000), 0.5), quiet, alarm(), quiet, tone(1800, 0.4), quiet]
)
kitchen = kitchen * 5000 + rng.normal(0, 60, len(kitchen))
write_wav("kitchen.wav", kitchen.astype(np.int16), RATE)
found = [event for event in mltk.classify_audio(result.folder, input="kitchen.wav") if isinstance(event, Detection)]
for event in found:
    print(f"{event.time_ms / 1000:.1f} s: {event.label}, score {event.score}")
print(len(found), "detections")

# %% [markdown]
# ## As a file
#
# Put the class into `models/smoke_alarm.py`, with `my_model = SmokeAlarm()` at the end, and every command knows it by its name. [docs/model_files.md](../docs/model_files.md) lists all settings and methods, and [docs/front_end.md](../docs/front_end.md) all settings of front ends.
