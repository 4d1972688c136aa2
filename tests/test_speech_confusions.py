"""What is taken for a keyword of several words."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.data import SpeechSource, other_speech, say_confusions, speech_negatives
from mltk_like.data.speech import confusion_of, everyone, pronounce, sound_alikes
from mltk_like.data.speech.phonemes import ALPHABET
from mltk_like.data.speech.pronunciation import contains
from mltk_like.errors import DataError, SettingError

pytest.importorskip("hibari", reason="the lexicon is hibari's")

PHRASES = st.sampled_from(["hey gecko", "okay nabu", "hey rhasspy", "okay big computer", "gecko gecko"])
SEEDS = st.integers(0, 2**32 - 1)


def texts(source: SpeechSource) -> set[str]:
    return {said.text.rstrip(".?!,…") for said in source.plan()}


def confusions(sources: list[SpeechSource]) -> list[SpeechSource]:
    return [source for source in sources if source.name.startswith("confusions")]


@given(PHRASES, SEEDS)
@settings(deadline=None, max_examples=80)
def test_no_confusion_says_the_phrase_and_each_has_a_word_of_it(phrase: str, seed: int) -> None:
    text = confusion_of(phrase, np.random.default_rng(seed))
    said = " ".join(pronounce(word) for word in text.split())
    assert not contains(said, pronounce(phrase)), text
    assert set(text.split()) & set(phrase.split()), text


def test_all_kinds_of_confusions_are_said() -> None:
    found = texts(say_confusions("hey gecko", label="u", count=600, engines=["hibari"]))
    assert {"hey", "gecko", "gecko hey", "hey hey", "hey computer", "hey there", "the gecko", "my gecko"} <= found
    assert not {"hey gecko", "hay gecko"} & found
    assert {text.removeprefix("hey ") for text in found} & set(sound_alikes("gecko", 20))
    assert {text.removesuffix(" gecko") for text in found} & set(sound_alikes("hey", 20))
    assert any(len(text.split()) > 4 for text in found)


def test_runs_of_words_stay_together() -> None:
    found = texts(say_confusions("okay big computer", label="u", count=300, engines=["hibari"]))
    assert {"okay", "big", "computer", "okay big", "big computer"} <= found
    for begin, end in (("okay big ", ""), ("", " big computer"), ("okay ", ""), ("", " computer")):
        assert sum(text.startswith(begin) and text.endswith(end) for text in found) > 8


def test_every_engine_can_say_them_by_sounds_or_by_text() -> None:
    for said in say_confusions("hey gecko", label="u", count=40, engines=["hibari", "flite"]).plan():
        assert said.text
        assert bool(said.phonemes) == (said.engine == "hibari")
        assert set(said.phonemes) <= ALPHABET


def test_a_larger_count_begins_with_the_smaller_ones() -> None:
    many, few = (say_confusions("hey gecko", label="u", count=count, engines=["hibari"]).plan() for count in (60, 20))
    assert many[:20] == few


def test_a_tenth_of_the_negatives_of_a_phrase_and_none_of_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everyone, "_speaks", lambda name: name in {"pico", "flite"})
    monkeypatch.setattr(everyone, "find_spec", lambda name: sys)
    for make in (other_speech, speech_negatives):
        word, phrase = (make(keyword, label="u", count=10_000) for keyword in ("gecko", "hey gecko"))
        assert not confusions(word)
        assert sum(source.count for source in confusions(phrase)) == 1000
        assert sum(source.count for source in phrase) == sum(source.count for source in word)
        assert len({source.name for source in phrase}) == len(phrase)
        assert all(source.count >= 1 for source in make("hey gecko", label="u", count=1))


def test_one_word_has_none() -> None:
    with pytest.raises(SettingError, match="one word, 'alexa'"):
        say_confusions("alexa", label="u", count=3)
    with pytest.raises(DataError, match="'alexa' is one word"):
        confusion_of("alexa", np.random.default_rng(0))
