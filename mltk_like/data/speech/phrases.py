"""Random words and sentences of ordinary English: what is said in a room where nobody says the keyword."""

import numpy as np

from mltk_like.data.speech.lexicon import ordinary_words


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(","))


WAKE_WORDS = _list(
    "computer, hey computer, hey jarvis, jarvis, okay google, hey google, hey siri, alexa, echo, amazon, ok nabu, "
    "okay nabu, hey mycroft, hey rhasspy, hey cortana, hi bixby, smart mirror, snowboy, porcupine, bumblebee, "
    "terminator, grasshopper, blueberry, hey portal, hey gecko, view glass"
)
"""Wake words in public use: what other people's devices are called by."""

_DIGITS = _list(
    "zero, one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, twenty, thirty, fifty, hundred"
)
_SHORT = _list(
    "yes, no, on, off, up, down, left, right, stop, go, start, back, forward, next, previous, cat, dog, bird, "
    "bed, house, tree, happy, wow, please, thanks, hello, goodbye, okay, sure, maybe, never, always, again, now, "
    "later, what, who, where, when, why, how, hey, oh, ah, um"
)
_THINGS = _list(
    "the light, the kitchen lights, the radio, the television, the heating, the fan, my alarm, the timer, the "
    "door, the window, a song, some music, the news, the weather, your coat, this letter, a taxi, the car, the "
    "table, her sister, the children, dinner, an electric heater, a lecture, the election, a lesson, his address, "
    "the exam, a relaxing bath, the next exit, some extra sauce"
)
_DOINGS = _list(
    "turn on, turn off, switch on, switch off, play, stop, find, open, close, bring, call, remember, look at, "
    "wait for, ask about"
)
_TEMPLATES = (
    "{do} {thing}", "{do} {thing} please", "could you {do} {thing}", "{number} {number} {number}", "{number} {number}",
    "what time is it", "how are you today", "I have never seen {thing}", "where is {thing}", "did you {do} {thing}",
    "set a timer for {number} minutes", "it costs {number} dollars", "{word} {word}", "we need {thing} and {thing}",
    "do you like {word}", "she said {word}", "{wake} {do} {thing}", "{wake}", "{short}", "{short} {short}", "{number}",
    "the {word} is {word}", "I'm not sure about {thing}", "that's {word} enough", "let's see", "come in and sit down",
    "he asked for {word} again", "my phone number is {number} {number} {number} {number}", "see you on {word} {number}",
    "what's the weather like", "tell me a joke", "thank you very much", "they were {word} by {thing}", "oh really",
)  # fmt: skip


def random_phrase(rng: np.random.Generator) -> str:
    """One to twelve words: half of the time words of the lexicon (short ones more often), else a sentence."""
    if rng.random() < 0.5:
        count = 1 + int(rng.choice(6, p=(0.35, 0.25, 0.16, 0.1, 0.08, 0.06)))
        text = " ".join(_word(rng) for _ in range(count))
    else:
        text = _fill(_pick(_TEMPLATES, rng), rng)
    return text + str(rng.choice(["", ".", "?", "!"], p=(0.4, 0.35, 0.15, 0.1)))


def _fill(template: str, rng: np.random.Generator) -> str:
    pools = {"do": _DOINGS, "thing": _THINGS, "number": _DIGITS, "wake": WAKE_WORDS, "short": _SHORT}
    words = []
    for piece in template.split(" "):
        slot = piece.strip("{}")
        if slot == piece:
            words.append(piece)
        else:
            words.append(_word(rng) if slot == "word" else _pick(pools[slot], rng))
    return " ".join(words)


def _word(rng: np.random.Generator) -> str:
    """A word of the lexicon; of three drawn the shortest, for frequent words are short (Zipf 1935)."""
    words = ordinary_words()
    return min((words[int(at * len(words))] for at in rng.random(3)), key=len)


def _pick(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
