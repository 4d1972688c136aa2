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
# # Reading a report
#
# A detector makes two kinds of mistakes. It misses the word, and it hears the word where nobody said it. The second is a false accept. One is bought with the other, so no single number says how good a detector is.
#
# This notebook opens the report of a model that ships, and reads it from top to bottom. Nothing is trained and nothing is downloaded.

# %%
import json
from pathlib import Path

from IPython.display import Image

import mltk_like as mltk
from mltk_like.artifact import open_artifact
from mltk_like.metrics.intervals import wilson_interval

# %% tags=["parameters"]
SMALL = False  # Nothing here takes long: this notebook does the same with True.
MODEL = "keyword_spotting_alexa_small"

# %% [markdown]
# ## Write the report
#
# In a shell: `python -m mltk_like report keyword_spotting_alexa_small`. It writes one HTML page, which needs nothing beside it, and its pictures as files. Open the page in a browser, or send it to whoever decides.
#
# The report is made from what the training stored. `evaluate=True` would judge the model again, and `recordings=` would judge it on recordings of yours.

# %%
report = mltk.report(MODEL, output=Path("report"), progress=False)
print("pictures:", *report.pictures, sep="\n  ")

# %% [markdown]
# ## Read the warnings first
#
# They stand on top of the page, because they say what the figures are worth. Here they say that the word was spoken by synthetic voices alone. Real people are missed more often.

# %%
for warning in report.warnings:
    print("-", warning, "\n")

# %% [markdown]
# ## The curve
#
# Each point of the curve is a threshold between 0 and 255. A high threshold is on the left: few false accepts an hour, many misses. A low one is on the right. The lower the curve lies, the better the detector.
#
# There is one curve for a quiet room and one for noise. The noise is 10 dB softer than the voice, which is about a running tap beside you.
#
# Where a curve is grey, less than one event was heard. The hours that the model listened to cannot tell how rare so rare an event is.

# %%
Image((report.page.parent / "det.png").read_bytes())

# %% [markdown]
# ## The same as a table
#
# You choose a row by what your users bear. One false accept an hour is much for a lamp in the bedroom, and little for a toy. The next cell takes the figures of the int8 model, which is the one that runs on the device.

# %%
results = json.loads(open_artifact(MODEL).read("eval/tflite/eval-results.json"))
print("condition  target/h  threshold  misses          false accepts")
for condition, stream in results["streams"].items():
    for row in stream["operating_points"]:
        target, threshold = row["false_accepts_per_hour_target"], row["threshold"]
        missed = f"{row['misses']} of {row['positives']} ({100 * row['misses_fraction']:.0f} %)"
        print(f"{condition:9}  {target:8}  {threshold:9}  {missed:15} {row['false_accepts']} in {row['hours']:.1f} h")

# %% [markdown]
# ## How sure is that?
#
# A share of few trials is uncertain. The interval says where the true share lies with 95 % probability. It was computed by Wilson's formula. With ten words a model that missed none may still miss a quarter; with a thousand words that is settled.

# %%
for misses, words in ((0, 10), (0, 100), (0, 1000), (29, 112)):
    low, high = wilson_interval(misses, words)
    print(f"{misses} of {words} missed: between {100 * low:.1f} % and {100 * high:.1f} %")

# %% [markdown]
# The rate of false accepts is uncertain too. Two events in 6.5 hours are 0.3 an hour, but the interval reaches from 0.04 to 1.1. To know a rate of one in ten hours, let the model listen to a hundred hours.

# %%
point = next(row for row in results["streams"]["clean"]["operating_points"] if row["false_accepts"] > 0)
low, high = point["false_accepts_per_hour_interval_95"]
print(f"{point['false_accepts']} in {point['hours']:.1f} h: {point['false_accepts_per_hour']:.2f} an hour, "
      f"between {low:.2f} and {high:.2f}")  # fmt: skip

# %% [markdown]
# ## Who is missed?
#
# The breakdown says which voices the misses belong to. When all of them belong to two voices, the model does not have a general problem: it has one with these two. Listen to them. The page has players for the worst ones, as long as the recordings are on the machine.

# %%
groups = [row for row in results["misses_by"] if row["by"] == "group" and row["condition"] == "clean"]
groups.sort(key=lambda row: -row["misses"])
for row in groups[:6]:
    print(f"{row['name']:22} {row['misses']} of {row['positives']} missed")
print("in", sum(row["misses"] > 0 for row in groups), "of", len(groups), "voices anything was missed")

# %% [markdown]
# ## What sets it off?
#
# The list of the loudest false accepts is the most useful part of a report. If they sound like the word, train with more words that sound like it. If they are doors and dogs, train with more noise. `python -m mltk_like mine MODEL --negatives DIR` finds such places in recordings of yours, and cuts them out for the next training.

# %%
for event in results["loudest_false_accepts"][:5]:
    print(f"score {event['score']}  {event['group']}, source: {event['source']}")

# %% [markdown]
# ## The traps
#
# - A false accept is counted for each hour of what was heard. An hour of silence makes no false accepts, so ask what the hours were. Here they were talk.
# - Test voices must not be training voices. This package keeps each voice in one of the three splits.
# - A figure that you have tuned for is no longer a test. If you try ten recipes and take the best one, judge it on recordings that chose nothing.
# - Windows are not events. "99 % accuracy" of single windows says little, because a device hears a window every few hundredths of a second.
#
# ## The next step
#
# Judge the model on people that you know, in your room:
#
# ```
# python -m mltk_like report keyword_spotting_alexa_small --positives my_alexas/ --negatives my_room/
# ```
#
# [docs/evaluation.md](../docs/evaluation.md) explains each figure.
