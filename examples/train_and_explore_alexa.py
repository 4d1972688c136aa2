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
# # Train and explore "alexa"
#
# This notebook shows how keyword spotting works, with the model `keyword_spotting_alexa_small`. The first half looks into the trained model that comes with the package. The second half trains a miniature of it.
#
# A keyword spotter is a chain:
#
# 1. The **front end** turns the last second and a half of sound into a picture.
# 2. The **net** looks at the picture and says how much it looks like the word: a score from 0 to 255.
# 3. The **recogniser** takes the mean of several scores in a row, and decides.
#
# The chain runs again and again, here every 60 ms.

# %%
from pathlib import Path

import numpy as np
from IPython.display import Audio, Image

import mltk_like as mltk
from mltk_like import data
from mltk_like.audio import Detection, Frontend
from mltk_like.audio.live import Step
from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.metrics.dataset_plots import plot_window
from mltk_like.metrics.plots import plot_history, plot_stream
from mltk_like.models.keyword_spotting_alexa_small import KeywordSpottingAlexaSmall, my_model
from mltk_like.nets import mixed_net

# %% tags=["parameters"]
SMALL = False  # True runs every cell on little data, in seconds, to see that all is installed.

# %% [markdown]
# ## Some words to listen to
#
# Speech engines say the word and a few others. The voices are synthetic; all of them run on this machine.

# %%
RATE = 16000
WORDS = ("alexa", "election", "a lexus")
mltk.synthesize(*WORDS, out="spoken", count=1, engines=("pico",), progress=False)
clips = [read_audio(next(Path("spoken", word.replace(" ", "_")).glob("*.wav")), RATE) for word in WORDS]
Audio(clips[0], rate=RATE)

# %% [markdown]
# ## What the net sees
#
# The front end cuts the sound into frames of 30 ms, one every 10 ms. A Fourier transform says which frequencies are in a frame. They are summed up in 40 bands, which are narrow where the ear is fine, and wide elsewhere. Noise that goes on is taken away, and the loudness is evened out.
#
# The result is a picture. Time goes from left to right, pitch from bottom to top. The vowels of "alexa" are the bright stripes, and the "x" is the patch at the top. At the left edge there is noise, until the noise reduction has learnt what to take away.

# %%
settings = my_model.frontend
quiet = np.random.default_rng(0).normal(0, 30, RATE).astype(np.int16)
window = np.concatenate([quiet, clips[0], quiet])[: RATE * settings.sample_length_ms // 1000 + RATE // 2]
picture = Frontend(settings)(window)
print("picture:", picture.shape, "from", picture.min(), "to", picture.max())
Image(plot_window(picture, "alexa"))

# %% [markdown]
# ## The net
#
# The picture goes through layers. This table lists what the device computes. A MAC is one multiplication and one addition; their number says how long an inference takes. `python -m mltk_like summarize keyword_spotting_alexa_small --tflite` prints the same with all details.

# %%
summary = mltk.summarize("keyword_spotting_alexa_small", tflite=True)
kinds = {}
for layer in summary.layers:
    count, macs = kinds.get(layer.opcode, (0, 0))
    kinds[layer.opcode] = (count + 1, macs + layer.macs)
for kind, (count, macs) in sorted(kinds.items(), key=lambda item: -item[1][1]):
    print(f"{count:3} x {kind:18} {macs:7} MACs")
print(f"the model takes {summary.flash_bytes} bytes of flash memory")

# %% [markdown]
# ## Listening
#
# Now a stream: quiet, "alexa", quiet, "election", quiet, "a lexus". The first must be detected, and the others must not, though they sound much like it.

# %%
pauses = [np.random.default_rng(n).normal(0, 30, 2 * RATE).astype(np.int16) for n in range(4)]
stream = np.concatenate([part for pair in zip(pauses, [*clips, clips[0][:0]], strict=True) for part in pair])
write_wav("stream.wav", stream, RATE)


def listen(model):
    """What a model hears in the stream, as a picture."""
    events = list(mltk.classify_audio(model, input="stream.wav"))
    steps = [event for event in events if isinstance(event, Step) and event.scores is not None]
    spans, place = [], 0
    for word, clip in zip(WORDS, clips, strict=True):
        place += 2 * RATE
        spans.append((place / RATE, (place + len(clip)) / RATE, word))
        place += len(clip)
    found = [event for event in events if isinstance(event, Detection)]
    print([f"{event.label} at {event.time_ms / 1000:.1f} s" for event in found])
    times = np.array([step.time_ms for step in steps])
    return Image(plot_stream(times, np.array([s.scores[0] for s in steps], np.uint8), words=spans, detections=found))


listen("keyword_spotting_alexa_small")

# %% [markdown]
# The score rises at the other two as well, since they sound so much alike. What tells them apart is how high it rises and for how long. This is why the recogniser takes a mean, and why the threshold of this model is high.
#
# ## What it was trained on
#
# These are the sources of the model's data. "alexa" is said by synthetic voices; most of the rest is people who say something else, since a detector must above all learn what to pass over. `python -m mltk_like data keyword_spotting_alexa_small` says how many clips each source has here, and `--fetch` gets what is missing.

# %%
for source in my_model.sources():
    print(f"{source.label or '(several)':12} {source.name}")

# %% [markdown]
# ## A miniature
#
# The real training takes about an hour, after the data is there:
#
# ```
# python -m mltk_like train keyword_spotting_alexa_small
# ```
#
# The miniature below keeps its front end and its recogniser. It has fewer clips, by the voices that speak quickest, and a smaller net, without teachers. It shows every stage of a training, and is of no other use.


# %%
class AlexaMiniature(KeywordSpottingAlexaSmall):
    steps_per_epoch = 40
    learning_rate_steps = ((40, 1e-3), (240, 4e-3), (80, 1e-3))
    average_weights = 0.95
    embedding_teachers = 0
    companion_words = ()
    domain_confusion = 0.0
    batch_size = 64
    validation_windows = 400
    babble_minutes = 0.3
    evaluate_hours = 0.1
    split_fractions = (0.6, 0.2, 0.2)
    _clips = 8 if SMALL else 120

    def sources(self):
        voices = ("hibari", "piper", "pico")
        return [
            data.say("alexa", label="alexa", count=self._clips, engines=voices, morph=0.5),
            data.say_sound_alikes("alexa", label="_unknown_", count=self._clips, engines=voices, morph=0.5),
            data.say_random(label="_unknown_", count=2 * self._clips, avoid=("alexa",), engines=voices),
            data.generated_noise(minutes=1),
        ]

    def network(self):
        return mixed_net(self.input_shape, self.n_classes, blocks=((32, (5,)), (32, (7, 11)), (32, (15,))))


miniature = AlexaMiniature()
result = mltk.train(miniature, test=SMALL, workers=0 if SMALL else None, evaluate=False, progress=False)
shown = {name: result.history[name] for name in ("loss", "val_loss", "accuracy", "val_accuracy", "val_misses")}
Image(plot_history(shown, best_epoch=result.best_epoch))

# %% [markdown]
# This is the same stream, heard by the miniature. Compare it with the picture above: what the large data set and the long training have brought is above all the calm between the words.

# %%
listen(result.folder)

# %% [markdown]
# ## Where to go on
#
# - [a_word_of_your_own](a_word_of_your_own.ipynb) trains another word.
# - [reading_a_report](reading_a_report.ipynb) tells how good this model is, and how one knows.
# - [docs/keyword_spotting_alexa.md](../docs/keyword_spotting_alexa.md) has the recipe and the figures.
# - [docs/people.md](../docs/people.md) tells what makes a model that hears people.
