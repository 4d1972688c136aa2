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
# # Keyword spotting with transfer learning
#
# A model that knows six words is the beginning of one that knows others. The weights of `keyword_spotting_mobilenetv2` are taken over, and then the new model is trained, here for:
#
# - **one**
# - **two**
# - **three**
#
# "four" to "nine" can be added with one line. To begin with what another model has learnt is called transfer learning. It saves most of the training time, and it needs less data.

# %% [markdown]
# ## Links
#
# - [docs/transfer_learning.md](../docs/transfer_learning.md) has all about it: which layers are carried, how layers are frozen, and measurements of what it brings.
# - [models/keyword_spotting_with_transfer_learning.py](../models/keyword_spotting_with_transfer_learning.py) is the finished model file.
# - [docs/export.md](../docs/export.md) tells how a trained model becomes C++ for a device.
# - This notebook follows the tutorial of the same name of Silicon Labs' MLTK, cell by cell.

# %% [markdown]
# ## Running this notebook
#
# It needs `pip install 'mltk_like[notebook]'` and nothing else. All cells can be run from top to bottom. What is a Python statement here is also a command in a shell: `mltk.train(...)` is `python -m mltk_like train ...`, and the text says which.

# %%
import subprocess
from pathlib import Path

import numpy as np
from IPython.display import Image

import mltk_like as mltk
from mltk_like import data
from mltk_like.artifact import open_artifact
from mltk_like.audio import Detection
from mltk_like.audio.programs import program_path
from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.metrics.plots import plot_history
from mltk_like.models.keyword_spotting_mobilenetv2 import KeywordSpottingMobilenetV2
from mltk_like.nets import mobilenet_v2
from mltk_like.tflite import find_tflm

# %% tags=["parameters"]
SMALL = False  # True runs every cell on little data, in seconds, to see that all is installed.

# %% [markdown]
# ## Worth reading before
#
# - [docs/first_minute.md](../docs/first_minute.md): from a word to a detector, in three commands.
# - [docs/model_files.md](../docs/model_files.md): what a model file holds.
# - [docs/keyword_spotting_mobilenetv2.md](../docs/keyword_spotting_mobilenetv2.md): the model that is built upon.
# - The notebook [train_and_explore_alexa](train_and_explore_alexa.ipynb): how keyword spotting works, step by step.

# %% [markdown]
# ## The idea
#
# A convolutional net has two parts.
#
# - The first part looks for features. Its layers slide small filters over the picture of the sound. Early layers find edges and textures, such as the rise of a tone. Later ones combine these into sounds and syllables. The picture becomes smaller and more abstract on its way.
# - The second part is a classifier. One dense layer turns the abstract features into one score for each class.
#
# All filters consist of numbers, the weights. Before a training they are random, and the training moves them step by step until the answers are right. Most of that time is spent on the first part: the net has to learn how to hear.
#
# If two tasks are alike, the first part can be reused. Whoever tells "left" from "right" already has filters for vowels, for stops and for hisses. Only the last layer, which says which of these make which word, must be new.

# %% [markdown]
# ## The base model
#
# The base model's net is a MobileNetV2, made narrow: it is general enough for most classification tasks, and small enough for a microcontroller. It detects:
#
# - left
# - right
# - up
# - down
# - stop
# - go

# %%
base_model = mltk.load_model("keyword_spotting_mobilenetv2")
print(base_model.description)
print("input", base_model.input_shape, "classes", base_model.classes)

# %% [markdown]
# ### Try the base model
#
# With a microphone, this command in a shell shows the model hear the words. It takes each inference to last 130 ms, about as long as on a development board:
#
# ```
# python -m mltk_like classify_audio keyword_spotting_mobilenetv2 --latency 130
# ```
#
# Here a synthetic voice speaks, so that the cell runs everywhere. The voice is one that the base model was not trained on.

# %%
RATE = 16000


def spoken(*words, voice="pico"):
    """A recording in which each of the words is said once, with pauses of a second."""
    mltk.synthesize(*words, out="spoken", count=1, engines=(voice,), progress=False)
    quiet = np.random.default_rng(0).normal(0, 20, RATE).astype(np.int16)
    parts = [quiet]
    for word in words:
        parts += [read_audio(next(Path("spoken", word).glob(f"{voice}*.wav")), RATE), quiet]
    path = Path("spoken") / f"{'_'.join(words)}.wav"
    write_wav(path, np.concatenate(parts), RATE)
    return path


def listen(model, recording, **options):
    """Print what a model detects in a recording."""
    heard = [event for event in mltk.classify_audio(model, input=recording, **options) if isinstance(event, Detection)]
    for event in heard:
        print(f"{event.time_ms / 1000:5.1f} s  {event.label:6}  score {event.score}")
    print(len(heard), "detections")


commands = spoken("left", "right", "up", "down", "stop", "go")
listen("keyword_spotting_mobilenetv2", commands, settings={"latency_ms": 130})

# %% [markdown]
# ### Try it on a board
#
# A board with this project's firmware does the same with its own microphone:
#
# ```
# python -m mltk_like classify_audio keyword_spotting_mobilenetv2 --device auto
# ```
#
# There is a board without hardware, too. `board_simulator` is the board's program on this computer, behind a serial line of its own. This cell starts it, and sends it the recording.


# %%
def listen_on_a_board(model, recording):
    """The same on a simulated board: front end, net and recogniser run in a program of their own."""
    tflite = Path("board.tflite")
    tflite.write_bytes(open_artifact(model).tflite())
    command = [program_path("board_simulator"), "--library", find_tflm(), "--model", tflite]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as board:
        listen(tflite, recording, device=board.stdout.readline().strip())
        board.stdin.close()  # which ends it


listen_on_a_board("keyword_spotting_mobilenetv2", commands)

# %% [markdown]
# ## The new model
#
# The new model's specification is that of the base model, but for what the next cells change. A setting that does not exist is refused at once, with the nearest one that does.
#
# The base model is trained on several thousand clips. So that this notebook takes minutes and not hours, the class below asks for a few hundred, by the voices that are quickest to speak.


# %%
class MyModel(KeywordSpottingMobilenetV2):
    evaluate_hours = 0.1
    _clips = 8 if SMALL else 150

    def sources(self):
        words = [word for word in self.classes if not word.startswith("_")]
        voices, n = ("hibari", "piper", "pico"), self._clips
        others = ("cat", "dog", "house", "left", "right", "stop", "happy", "seven", "yes", "no")
        return [
            *[data.say(word, label=word, count=n, engines=voices, morph=0.5) for word in words],
            *[data.say_sound_alikes(word, label="_unknown_", count=n // 4, engines=voices) for word in words],
            data.say(*others, label="_unknown_", count=n, engines=voices, morph=0.5),
            data.say_random(label="_unknown_", count=n, avoid=words, engines=voices),
            data.generated_noise(minutes=1 if SMALL else 5),
        ]


my_model = MyModel()

# %% [markdown]
# ### Update the description
#
# The description is stored in the `.tflite`, so a device in the field can say what it runs.

# %%
my_model.description = 'Keyword spotting classifier using transfer learning to detect: "one", "two", "three"'

# %% [markdown]
# ### Set the epochs to a small value
#
# The net knows how to hear already. A few epochs are enough to tell it which words count now.

# %%
# Since we're using transfer learning, we should only need
# a small number of epochs to get a well trained model
my_model.epochs = 10
# Short epochs, so that this notebook runs in a few minutes
my_model.steps_per_epoch = 15
my_model.validation_windows = 200

# %% [markdown]
# ### Begin with a small learning rate
#
# Large steps would destroy what is carried over. The schedule begins low, and goes down by a twentieth with each epoch.


# %%
def lr_schedule(epoch):
    # When using transfer learning, the initial learning rate should start at a fairly small value
    initial_learning_rate = 0.0005
    decay_per_epoch = 0.95
    return initial_learning_rate * (decay_per_epoch**epoch)


my_model.lr_schedule = dict(schedule=lr_schedule, verbose=1)

# %% [markdown]
# ### Update the keywords to detect
#
# Each word means more clips to speak and to train on. Start with few. On a command line the same is `--set 'classes=["one", "two", "three", "_unknown_", "_silence_"]'`.

# %%
# Using all 9 keywords takes longer
# my_model.classes = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', '_unknown_', '_silence_']

# Using 3 keywords takes a much SHORTER TIME to train
my_model.classes = ["one", "two", "three", "_unknown_", "_silence_"]

# %% [markdown]
# ### Reduce the "unknown_class_percentage"
#
# It says how many windows of other speech there are for each window of an average keyword. The base model has four, this one has one, so an epoch is shorter. The price is more false alarms.

# %%
my_model.unknown_class_percentage = 1.0

# %% [markdown]
# ### Load the weights of the base model
#
# This is the step that matters. It has four parts:
#
# 1. The same net is built as the base model has, but with an output for each of the new classes.
# 2. The base model's trained weights are looked up by the model's name. They lie in its archive, and nothing in it is executed.
# 3. Each layer of the same name and shape gets its weights.
# 4. What does not fit keeps its random weights. This must be the case for the last layer, whose classes are others.
#
# The table says what became of each layer. `freeze=("*",)` would hold the carried layers fast and train the new one alone. Here all of them stay free, which gave the better model on the tutorial's page.


# %%
def my_model_builder(model):
    # The same parameters as the base model has, since its weights are to fit
    keras_model = mobilenet_v2(model.input_shape, model.n_classes, alpha=0.15, last_block=384)
    report = mltk.load_weights_from(keras_model, "keyword_spotting_mobilenetv2")
    return keras_model, report


keras_model, report = my_model_builder(my_model)
print(report.summary)
print("\n".join(line for line in str(report).splitlines() if not line.startswith("loaded")))

# %% [markdown]
# A training builds its net by the model's `network` method. So this is where the two lines belong in a model file.


# %%
class MyTransferModel(MyModel):
    def network(self):
        return my_model_builder(self)[0]


changed = {name: getattr(my_model, name) for name in (
    "description", "epochs", "steps_per_epoch", "validation_windows", "lr_schedule", "classes",
    "unknown_class_percentage",
)}  # fmt: skip
my_model = MyTransferModel().with_settings(**changed)

# %% [markdown]
# ## Train the model
#
# In a shell: `python -m mltk_like train keyword_spotting_with_transfer_learning`, for the model file that ships.

# %%
result = mltk.train(my_model, test=SMALL, workers=0 if SMALL else None, evaluate=False, progress=False)
shown = {name: result.history[name] for name in ("loss", "val_loss", "accuracy", "val_accuracy", "val_misses")}
Image(plot_history(shown, best_epoch=result.best_epoch))

# %% [markdown]
# ## Test the model
#
# The voice that speaks now has not been heard in this training. In a shell, with a microphone or a board:
#
# ```
# python -m mltk_like classify_audio keyword_spotting_with_transfer_learning
# python -m mltk_like classify_audio keyword_spotting_with_transfer_learning --device auto
# ```

# %%
numbers = spoken("one", "two", "three", voice="pico" if SMALL else "kokoro:en")
listen_on_a_board(result.archive, numbers)

# %% [markdown]
# How far it is to a model that people can use: three quick voices are not people, and this net heard only a few hundred clips. `evaluate` with recordings of people says how good it is. [docs/transfer_learning.md](../docs/transfer_learning.md) has such figures of the model that ships, and [docs/people.md](../docs/people.md) tells what makes a model hear people.
