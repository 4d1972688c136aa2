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
# # A word of your own in five minutes
#
# Three steps lead from a word to something that listens for it: write a model file, train it, listen. In a shell they are three commands:
#
# ```
# python -m mltk_like new hey_gecko --keywords "hey gecko" --quick
# python -m mltk_like train hey_gecko
# python -m mltk_like classify_audio hey_gecko
# ```
#
# Here each is a Python statement. Change the word in the first cell to one of yours.

# %%
from pathlib import Path

import numpy as np
from IPython.display import Audio, Image

import mltk_like as mltk
from mltk_like.audio import Detection
from mltk_like.audio.live import Step
from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.metrics.plots import plot_history, plot_stream
from mltk_like.verbs.new import new

# %% tags=["parameters"]
SMALL = False  # True runs every cell on little data, in seconds, to see that all is installed.
WORD = "hey gecko"
NAME = "hey_gecko"

# %% [markdown]
# ## Write a model file
#
# The file is plain Python, with comments that say what each part does. `quick=True` makes it a toy that is trained in minutes. Without it the file is one to train in earnest, which takes hours.
#
# If something speaks against your word, the next lines say so. Short words and common words make poor wake words, because people say them all day.

# %%
model_file = Path("models", f"{NAME}.py")
if not model_file.exists():  # it is never written over
    for note in new(NAME, [WORD], quick=True).advice:
        print("note:", note)
print("\n".join(model_file.read_text().splitlines()[:24]))

# %% [markdown]
# ## Train it
#
# The training says the word in many synthetic voices. It also says words that sound like it, which the net must not take for it. Then it mixes in noise, trains a small net, and converts it to eight-bit numbers.
#
# A bar shows how far it is. In a notebook it is a widget.

# %%
result = mltk.train(NAME, test=SMALL, workers=0 if SMALL else None, evaluate=False, publish=False)

# %% [markdown]
# The curves show the training. The loss should go down. "Misses" is the share of validation windows with the word that are missed when the threshold is so high that false alarms are rare. Most of these windows are noisy, and a toy misses many of them. A clear word in a quiet room, as below, is easier.

# %%
shown = {name: result.history[name] for name in ("loss", "val_loss", "accuracy", "val_accuracy", "val_misses")}
Image(plot_history(shown, best_epoch=result.best_epoch))

# %% [markdown]
# ## Listen
#
# `python -m mltk_like classify_audio hey_gecko` listens to the microphone. Here a recording is made: the word, another phrase, and the word again, with pauses between. The voice is synthetic, so this shows that everything works, and not how well people are heard.

# %%
RATE = 16000
OTHER = "good morning"
mltk.synthesize(WORD, OTHER, out="spoken", count=1, engines=("pico" if SMALL else "kokoro:en",), progress=False)
clips = {path.parent.name: read_audio(path, RATE) for path in sorted(Path("spoken").glob("*/*.wav"))}
word, other = (clips[text.replace(" ", "_")] for text in (WORD, OTHER))
quiet = np.random.default_rng(1).normal(0, 30, 2 * RATE).astype(np.int16)
recording = np.concatenate([quiet, word, quiet, other, quiet, word, quiet])
write_wav("recording.wav", recording, RATE)
Audio(word, rate=RATE)

# %%
events = list(mltk.classify_audio(result.folder, input="recording.wav"))
detections = [event for event in events if isinstance(event, Detection)]
for found in detections:
    print(f"{found.time_ms / 1000:.1f} s: {found.label}, score {found.score}")
print(len(detections), "detections")

# %% [markdown]
# The picture shows the net's score for the word over time. What was said is shaded. The recogniser takes the mean of several scores, and detects the word when that is above the threshold.

# %%
steps = [event for event in events if isinstance(event, Step) and event.scores is not None]
spans, place = [], len(quiet)
for text, clip in ((WORD, word), (OTHER, other), (WORD, word)):
    spans.append((place / RATE, (place + len(clip)) / RATE, text))
    place += len(clip) + len(quiet)
times = np.array([step.time_ms for step in steps])
scores = np.array([step.scores[0] for step in steps], np.uint8)
Image(plot_stream(times, scores, words=spans, detections=detections))

# %% [markdown]
# ## And now in earnest
#
# This was a toy. To go on:
#
# - Write the file without `quick=True`, and train it overnight.
# - Record the word as often as you can, by as many people as you can: `python -m mltk_like record hey_gecko`. Then `train hey_gecko --positives recordings/` learns from them.
# - Judge it with recordings that were not trained on: `python -m mltk_like report hey_gecko --positives DIR --negatives DIR`. The notebook [reading_a_report](reading_a_report.ipynb) explains the page.
# - Bring it to a board: [docs/export.md](../docs/export.md).
