"""What synthetic speech says: pronunciations, sound-alikes, parts, phrases, pseudo-words."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.data.speech import (
    part_of,
    pronounce,
    pseudo_word,
    random_phrase,
    say,
    say_parts,
    say_pseudo_words,
    say_random,
    say_sound_alikes,
    sound_alikes,
    speech_negatives,
    variants,
)
from mltk_like.data.speech.lexicon import load_lexicon
from mltk_like.data.speech.phonemes import ALPHABET, PHONES, distances, encode, phones, units
from mltk_like.data.speech.pronunciation import (
    contains,
    draw_accent,
    draw_careful,
    draw_hurried,
    draw_variant,
    spoken_forms,
)
from mltk_like.data.speech.word_list import WordList
from mltk_like.errors import DataError, SettingError

pytest.importorskip("hibari", reason="the lexicon is hibari's")

WORDS = st.sampled_from(["alexa", "computer", "jarvis", "marvin", "hello", "seven", "snowboy", "electric", "okay nabu"])
SEEDS = st.integers(0, 2**32 - 1)
SOUNDS = st.text(alphabet=PHONES, min_size=1, max_size=8)


def said(phrase: str) -> str:
    return " ".join(load_lexicon()[word] for word in phrase.split())


def test_a_lexicon_word_and_an_unknown_one_are_pronounced() -> None:
    assert pronounce("Alexa") == pronounce("alexa") == "əlˈɛksə"
    assert set(pronounce("snorfleblat")) <= ALPHABET
    assert len(phones(pronounce("snorfleblat"))) > 6


def test_phones_forget_stress_length_and_reduced_vowels() -> None:
    assert phones("ɐlˈɛːksʌ!") == phones("əlˈɛksə")
    assert phones("hˈI") == "haɪ"
    assert units("əlˈɛːks ə") == ["ə", "l", "ˈɛː", "k", "s", " ", "ə"]


def test_variants_begin_with_the_word_and_keep_its_frame() -> None:
    found = variants("əlˈɛksə")
    assert found[0] == "əlˈɛksə"
    assert len(set(found)) == len(found) > 50
    assert {"ɐlˈɛksə", "əlˈɛksɑ", "əlˈɛɡzə"} <= set(found)
    assert all(set(variant) <= ALPHABET for variant in found)
    assert phones("lˈɛksə") not in spoken_forms("əlˈɛksə")


@given(WORDS, SEEDS)
@settings(deadline=None, max_examples=40)
def test_a_drawn_variant_counts_as_the_keyword(word: str, seed: int) -> None:
    assert contains(draw_variant(pronounce(word), np.random.default_rng(seed)), pronounce(word))


@given(WORDS, SEEDS)
@settings(deadline=None, max_examples=40)
def test_a_careful_a_hurried_and_a_foreign_one_count_as_the_keyword(word: str, seed: int) -> None:
    said, rng = pronounce(word), np.random.default_rng(seed)
    careful = draw_careful(said, word, rng)
    for drawn in (careful, draw_hurried(said, rng), draw_accent(said, rng), draw_accent(careful, rng)):
        assert set(drawn) <= ALPHABET
        assert contains(drawn, said), drawn


def test_with_care_weak_vowels_are_full_as_they_are_spelt() -> None:
    found = {draw_careful("kəmpjˈuɾəɹ", "computer", np.random.default_rng(seed)) for seed in range(200)}
    sounds = {phones(one) for one in found}
    # A first vowel of an "o", a stop in place of the tap; what stands before r may stay weak.
    assert {"kɔmpjutəɹ", "kɑmpjutɜɹ", "koʊmpjudɛɹ"} <= sounds
    assert all(one.startswith(("kɔm", "kɑm", "koʊm")) and "ɾ" not in one for one in sounds)
    assert any("kʰ" in one for one in found)
    assert any("ˈuː" in one for one in found)
    assert any(one.startswith(("kˈ", "kˌ")) for one in found)
    # The last "a" is never that of "say".
    ends = {draw_careful("əlˈɛksə", "alexa", np.random.default_rng(seed))[-1] for seed in range(50)}
    assert ends == {"ɑ", "æ"}
    # "Bicycle" has as many vowels as letters for them, "ml" has none: any full vowel may stand there.
    assert phones(draw_careful("bˈIsəkəl", "bicycle", np.random.default_rng(1)))[4] in "ɪi"
    drawn = (draw_careful("ˈɛməl", "ml", np.random.default_rng(seed)) for seed in range(300))
    assert len({phones(one)[2:-1] for one in drawn}) == 12


def test_in_haste_a_weak_vowel_between_consonants_is_left_out() -> None:
    assert draw_hurried("bˈIsəkəl", np.random.default_rng(0)) in {"bˈIskəl", "bˈIsəkl"}
    # Without its first sound the word would be another, and a stressed vowel is never left out.
    assert draw_hurried("əlˈɛksə", np.random.default_rng(0)) == "əlˈɛksə"
    assert draw_hurried("hˈA ɡˈɛkO", np.random.default_rng(0)) == "hˈA ɡˈɛkO"


def test_an_r_after_a_vowel_is_silent_in_some_accents() -> None:
    def accents(said: str) -> set[str]:
        return {draw_accent(said, np.random.default_rng(seed)) for seed in range(60)}

    assert accents("mˈɑɹvɪn") == {"mˈɑɹvɪn", "mˈɑːvɪn"}
    assert {"kəmpjˈuɾə", "kəmpjˈuɾɑ", "kəmpiˈuɾɐ", "kəmpiˈuɾəɹ"} <= accents("kəmpjˈuɾəɹ")
    # Between vowels and before them it is always said.
    assert accents("wˈɔɹi") == {"wˈɔɹi"}
    assert accents("ɹˈɛd əlˈɛksə") == {"ɹˈɛd əlˈɛksə"}
    assert accents("fˈɑɹ əwˈA") == {"fˈɑɹ əwˈA", "fˈɑː əwˈA"}
    assert contains("ə kəmpiˈuɾɑ sˈɛd", "kəmpjˈuɾəɹ")
    # A name that goes on with another vowel is another word.
    assert not contains("əlˈɛksiə", "əlˈɛksə")
    assert contains("ælˈɛksɑ", "əlˈɛksə")


@given(SOUNDS, SOUNDS)
@settings(deadline=None, max_examples=60)
def test_distance_is_symmetric_and_zero_for_the_same(a: str, b: str) -> None:
    there = distances(encode(a), encode(b)[None])[0]
    assert there == pytest.approx(distances(encode(b), encode(a)[None])[0], abs=1e-4)
    assert distances(encode(a), encode(a)[None])[0] == 0
    assert (there == 0) == (a == b)


def test_distance_follows_articulation() -> None:
    def apart(a: str, b: str) -> float:
        return float(distances(encode(phones(a)), encode(phones(b))[None])[0])

    assert apart("bæd", "pæd") < apart("bæd", "sæd") < apart("bæd", "id")
    assert apart("bɛd", "bæd") < apart("bɛd", "bud")


@given(WORDS)
@settings(deadline=None, max_examples=9)
def test_no_sound_alike_is_the_word_or_holds_it(word: str) -> None:
    found = sound_alikes(word, 200)
    assert len(found) == len(set(found)) == 200
    forms = spoken_forms(pronounce(word))
    for phrase in found:
        assert not any(form in phones(said(phrase)) for form in forms), phrase


def test_sound_alikes_are_near_and_a_longer_list_extends_a_shorter() -> None:
    found = sound_alikes("alexa", 300)
    assert found[:40] == sound_alikes("alexa", 40)
    assert {"lex", "election", "elector"} <= set(found)
    assert not {"Alexa", "Alexis"} & set(found)


@given(WORDS, SEEDS)
@settings(deadline=None, max_examples=60)
def test_no_part_is_the_word(word: str, seed: int) -> None:
    part = part_of(word, np.random.default_rng(seed))
    assert part
    assert set(part) <= ALPHABET
    assert not contains(part, pronounce(word))


@given(SEEDS)
@settings(deadline=None, max_examples=100)
def test_pseudo_words_are_within_the_alphabet(seed: int) -> None:
    word = pseudo_word(np.random.default_rng(seed))
    assert set(word) <= ALPHABET
    assert "ˈ" in word


@given(SEEDS)
@settings(deadline=None, max_examples=50)
def test_random_phrases_are_plain_text(seed: int) -> None:
    phrase = random_phrase(np.random.default_rng(seed))
    assert 1 <= len(phrase.split()) <= 12
    assert "{" not in phrase


def test_random_speech_avoids_the_keyword() -> None:
    free = [line.text for line in say_random(label="unknown", count=3000).plan()]
    kept = [line.text for line in say_random(label="unknown", count=3000, avoid="alexa").plan()]
    assert any("alexa" in text for text in free)
    assert not any("alexa" in text for text in kept)


@pytest.mark.parametrize("keyword", ["jarvis", "hey rhasspy", "snowboy"])
def test_random_speech_avoids_keywords_that_no_lexicon_has(keyword: str) -> None:
    kept = [line.text for line in say_random(label="unknown", count=3000, avoid=keyword).plan()]
    assert not any(keyword.split()[-1] in text.lower() for text in kept)


def test_several_texts_keep_to_no_engine() -> None:
    plan = say("on", "off", label="switch", count=400, engines=("kokoro", "piper")).plan()
    counts = {(unit.engine, text): 0 for unit in plan for text in ("on", "off")}
    for unit in plan:
        counts[unit.engine, unit.text.strip(",.?!… ").lower()] += 1
    assert min(counts.values()) > 60


def test_no_sound_alikes_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("maus\n")
    words = WordList(path=tmp_path / "one.txt", language="de")
    with pytest.raises(DataError, match="no sound-alikes of 'maus'"):
        say_sound_alikes("maus", label="u", count=2, words=words).plan()


def test_positives_and_negatives_share_their_voices() -> None:
    sources = [say("alexa", label="alexa", count=200), *speech_negatives("alexa", label="unknown", count=800)]
    positive, *negative = [{u.group for u in s.plan() if u.engine == "kokoro"} for s in sources]
    assert len(positive) == 72
    assert all(len(voices & positive) >= 0.9 * min(len(voices), len(positive)) for voices in negative)


def test_plans_repeat_and_extend() -> None:
    for make in (say_sound_alikes, say_parts):
        assert make("alexa", label="x", count=60).plan()[:20] == make("alexa", label="x", count=20).plan()
    assert say_pseudo_words(label="x", count=60).plan()[:20] == say_pseudo_words(label="x", count=20).plan()
    assert sum(source.count for source in speech_negatives("alexa", label="x", count=8000)) == 8000


def test_a_source_without_text_refuses_an_engine_that_reads_text() -> None:
    with pytest.raises(SettingError, match="espeak reads text"):
        say_parts("alexa", label="x", count=3, engines=["espeak"])
    with pytest.raises(SettingError, match="no text"):
        say(label="x", count=3)
