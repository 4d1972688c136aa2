"""How a text is said in many ways, and which voices say it."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk_like.data.speech import SpeechSource, Variation, find_alikes, open_engine, say, say_sound_alikes
from mltk_like.data.speech.texts import Said
from mltk_like.data.speech.words import NEAR_HOMOPHONE, word_parts
from mltk_like.errors import SettingError

pytest.importorskip("hibari", reason="the lexicon is hibari's")

NONE = (("", 1.0),)


def lines(variation: Variation, text: str, phonemes: str, count: int = 200) -> list[Any]:
    return [variation.line(text, phonemes, np.random.default_rng(seed)) for seed in range(count)]


def test_the_usual_variation_changes_no_clip_of_before() -> None:
    # The key of a clip that trained models name in their manifests.
    first = say("alexa", label="a", count=3, engines=ENGINES).plan()
    assert [said.key()[:8] for said in first] == ["f2cf0367", "50e35728", "90f180c2"]
    again = say("alexa", label="a", count=3, engines=ENGINES, variation=Variation()).plan()
    assert again == first


ENGINES = ("hibari", "espeak:de")


def test_nothing_varies_where_nothing_may() -> None:
    fixed = Variation(pronunciations=False, endings=NONE)
    assert {(line.text, line.phonemes) for line in lines(fixed, "alexa", "əlˈɛksə")} == {("alexa", "əlˈɛksə")}


def test_shares_of_careful_and_hurried_clips_leave_the_others_as_they_were() -> None:
    given = {"text": "bicycle", "phonemes": "bˈIsəkəl", "count": 600}
    before = lines(Variation(pronunciations=False), **given)
    after = lines(Variation(pronunciations=False, careful=0.4, hurried=0.5), **given)
    changed = [line.phonemes.rstrip(".,!?…") for line, was in zip(after, before, strict=True) if line != was]
    hurried = sum(said in ("bˈIskəl", "bˈIsəkl") for said in changed)
    assert 0.25 < hurried / 600 < 0.35  # half of what is not careful
    assert 0.35 < (len(changed) - hurried) / 600 < 0.45
    # Accents, which "bicycle" has none of, take nothing from the others.
    assert lines(Variation(pronunciations=False, careful=0.4, hurried=0.5, accents=1.0), **given) == after
    r = lines(Variation(pronunciations=False, accents=0.5), "marvin", "mˈɑɹvɪn", 600)
    assert 0.36 < sum("ɹ" not in line.phonemes for line in r) / 600 < 0.49
    # Engines that read text say it as before, in the same tones.
    assert [line.text for line in after] == [line.text for line in before]
    fixed = Variation(careful=0.2).line("alexa", "əlˈɛksə", np.random.default_rng(3))
    assert fixed == Variation(careful=0.2).line("alexa", "əlˈɛksə", np.random.default_rng(3))


def test_endings_have_their_shares_in_text_and_phonemes() -> None:
    found = lines(Variation(pronunciations=False, endings=(("!", 3.0), ("?", 1.0))), "alexa", "əlˈɛksə", 400)
    counts = Counter(line.text[-1] for line in found)
    assert set(counts) == {"!", "?"}
    assert 0.68 < counts["!"] / 400 < 0.82
    assert all(line.text[-1] == line.phonemes[-1] for line in found)


def test_emphasis_is_long_loud_and_slow() -> None:
    found = lines(Variation(pronunciations=False, emphasis=1.0), "alexa", "əlˈɛksə")
    assert {line.phonemes for line in found} == {"əlˈɛːksə!", "əlˈɛːksə?"}
    espeak, rng = open_engine("espeak"), np.random.default_rng
    plain, strong = (Variation().manner(espeak, line, rng(1)) for line in (replace(found[0], emphasis=False), found[0]))
    assert strong.speed == pytest.approx(0.9 * plain.speed, abs=0.001)
    assert dict(strong.extra)["range"] == 100 > dict(plain.extra)["range"]
    assert dict(strong.extra)["pitch"] == dict(plain.extra)["pitch"]


def test_a_pause_stands_at_one_place_in_text_and_phonemes() -> None:
    found = lines(Variation(pronunciations=False, endings=NONE, pauses=1.0), "hey big computer", "hA bɪɡ kəm")
    assert {(line.text, line.phonemes) for line in found} == {
        ("hey, big computer", "hA, bɪɡ kəm"),
        ("hey big, computer", "hA bɪɡ, kəm"),
    }
    assert lines(Variation(pauses=1.0, endings=NONE), "alexa", "ə", 1)[0].text == "alexa"


@pytest.mark.parametrize("engine", ["hibari", "kokoro", "espeak", "command:say {rate} {text}"])
def test_rate_and_pitch_stay_in_their_ranges(engine: str) -> None:
    variation = Variation(speed=(1.1, 1.2), pitch=(0.9, 1.0))
    plan = say("alexa", label="a", count=40, engines=[engine], variation=variation).plan()
    assert all(1.1 <= said.speed <= 1.2 and 0.9 <= said.shift <= 1.0 for said in plan)


@pytest.mark.parametrize(
    "wrong",
    [{"careful": 2.0}, {"hurried": -1.0}, {"accents": 1.1},
     {"emphasis": 1.5}, {"pauses": -0.1}, {"endings": ()}, {"endings": (("!", 0.0),)}, {"speed": (2.0, 1.0)},
     {"speed": (0.0, 1.0)}, {"pitch": (0.5, 9.0)}],
)  # fmt: skip
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        Variation(**wrong)


def test_voices_are_chosen_by_name_or_full_name() -> None:
    for pattern, wanted in (("de+f?", {"f1", "f2", "f3", "f4", "f5"}), ("ESPEAK:*+andy", {"Andy"})):
        plan = say("alexa", label="a", count=60, engines=["espeak:de", "kokoro"], voices=pattern).plan()
        assert {said.voice.partition("+")[2] for said in plan} == wanted
        assert {said.engine for said in plan} == {"espeak:de"}


def test_no_voice_that_matches_is_an_error() -> None:
    with pytest.raises(SettingError, match=r"no voice of kokoro, hibari matches nobody"):
        say("alexa", label="a", count=3, engines=["kokoro", "hibari"], voices=["nobody"]).plan()


def test_texts_in_shuffled_turns_are_even_and_keep_to_no_voice() -> None:
    texts = tuple(f"w{number}" for number in range(5))
    shuffled = Said(texts)
    assert Counter(shuffled.text(number) for number in range(15)) == dict.fromkeys(texts, 3)
    source = SpeechSource(name="n", label="l", texts=shuffled, count=100, engines=(("espeak:de+f?,de", 1.0),))
    assert source.count == 100
    assert len({shuffled.text(number) for number in range(0, 100, 5)}) > 1


@pytest.mark.parametrize("word", ["alexa", "hey computer", "snorfleblat"])
def test_alikes_come_with_distances_words_and_phrases(word: str) -> None:
    found = find_alikes(word, 60)
    assert [alike.distance for alike in found] == sorted(alike.distance for alike in found)
    assert found[0].distance >= NEAR_HOMOPHONE
    assert any(" " in alike.phrase for alike in found)
    assert word not in {alike.phrase for alike in found}


def test_the_nearest_alone_are_said() -> None:
    plan = say_sound_alikes("alexa", label="u", count=30, nearest=4).plan()
    nearest = {alike.phrase for alike in find_alikes("alexa", 4)}
    assert {said.text.rstrip(".!?,…") for said in plan} == nearest


def test_words_of_a_keyword_alone() -> None:
    assert word_parts("hey computer") == ("computer", "hey")
    assert word_parts("ok big computer") == ("big computer", "computer", "ok big", "big", "ok")
    assert word_parts("alexa") == ()


def test_details_say_how_a_clip_was_made(tmp_path: Path) -> None:
    said = say("alexa", label="a", count=1, engines=["espeak:de"]).plan()[0]
    details = said.details()
    assert details["voice_id"] == said.group == f"espeak:{details['voice']}"
    assert details["speed"] == f"{said.speed:g}"
    assert details["espeak_pitch"] == f"{dict(said.extra)['pitch']:g}"
    assert all(isinstance(value, str) for value in details.values())
