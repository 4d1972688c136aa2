"""Speech by every engine that can be had."""

import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest

from mltk_like.data import COMPANIONS, companion_speech, keyword_speech, other_speech, say
from mltk_like.data.speech import SpeechSource, everyone
from mltk_like.errors import DataError

FOUND = ("pico", "flite", "pico:de")


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two engines of other makes are installed, and the vocoder."""
    monkeypatch.setattr(everyone, "_speaks", lambda name: name in FOUND)
    monkeypatch.setattr(everyone, "find_spec", lambda name: sys)


def shares(sources: Sequence[SpeechSource]) -> dict[str, float]:
    """Clips of each engine."""
    clips: dict[str, float] = {}
    for source in sources:
        total = sum(share for _, share in source.engines)
        for name, share in source.engines:
            clips[name] = clips.get(name, 0) + source.count * share / total
    return clips


def test_a_keyword_is_said_by_all_that_are_found_and_most_by_kokoro() -> None:
    by = shares(keyword_speech("alexa", label="alexa", count=1000))
    kokoro = ("kokoro:en", "kokoro:accents")
    assert set(by) == {*kokoro, "hibari", "piper", "piper:libritts_r", "pico", "flite"}
    assert sum(by[name] for name in kokoro) == pytest.approx(0.78 * 750, abs=1)
    assert sum(by.values()) == 1250


def test_where_voices_cannot_be_fetched_others_speak_with_the_same_share() -> None:
    sources = [
        *keyword_speech("alexa", label="alexa", count=1000),
        *other_speech("alexa", label="_unknown_", count=1000),
        *companion_speech(["cat"], label="_unknown_", count=10),
    ]
    for source in sources:
        fetched = {name for name, _ in source.engines if name.startswith("kokoro:")}
        assert bool(source.instead) == bool(fetched), source.name
        if fetched:
            total = sum(share for name, share in source.engines if name in fetched)
            assert dict(source.instead)["kokoro"] == pytest.approx(total)
            assert {name for name, _ in source.instead} == {name for name, _ in source.engines} - fetched | {"kokoro"}


def test_a_source_whose_voices_cannot_be_fetched_speaks_with_those_that_are_there(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hibari")
    source = say("on", label="on", count=2, engines={"kokoro:en": 1.0})
    with pytest.raises(DataError, match="af_alloy"):
        source.collect(workers=0, progress=False)
    clips = replace(source, instead=(("hibari", 1.0),)).collect(workers=0, progress=False)
    assert [clip.group for clip in clips] == ["hibari:heart"] * 2
    assert "hibari speak instead" in caplog.text


def test_others_are_as_many_as_asked_for_and_one_in_seven_sounds_like_the_keyword() -> None:
    sources = other_speech("alexa", label="_unknown_", count=10_000)
    assert {source.label for source in sources} == {"_unknown_"}
    assert sum(source.count for source in sources) == pytest.approx(10_000, rel=0.02)
    assert len({source.name for source in sources}) == len(sources)
    alike = sum(source.count for source in sources if "sound-alikes" in source.name)
    assert alike == pytest.approx(1500, abs=20)


def test_without_other_makes_and_vocoder_there_are_the_usual_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everyone, "_speaks", lambda name: False)
    monkeypatch.setattr(everyone, "find_spec", lambda name: None)
    sources = [
        *keyword_speech("alexa", label="alexa", count=100),
        *other_speech("alexa", label="_unknown_", count=100),
        *companion_speech(["cat"], label="_unknown_", count=10),
    ]
    assert not any(source.morph for source in sources)
    assert not {"pico", "flite"} & set(shares(sources))


def test_companions_are_said_as_they_are_and_the_keyword_is_none_of_them() -> None:
    sources = companion_speech(label="_unknown_", count=20, avoid=("jarvis",))
    texts = {getattr(source.texts, "texts") for source in sources}  # noqa: B009
    assert texts == {(word,) for word in COMPANIONS if word != "jarvis"}
    assert sum(source.count for source in sources) == 20 * (len(COMPANIONS) - 1)


def test_quick_speech_takes_little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everyone, "_speaks", lambda name: name in ("hibari", "piper", "flite"))
    keyword = keyword_speech("hey gecko", label="hey_gecko", count=400, quick=True)
    others = other_speech("hey gecko", label="_unknown_", count=1000, quick=True)
    assert sum(source.count for source in keyword) == 400
    assert sum(source.count for source in others) == pytest.approx(1000, abs=4)
    assert set(shares(keyword)) == {"hibari", "piper", "flite", "kokoro:en"}
    # Kokoro takes half a second a word: it says no sentences.
    assert sum(count for name, count in shares([*keyword, *others]).items() if name == "kokoro:en") < 250
    # Its English voices are a download; its Japanese ones do not say English words as people do.
    assert all("kokoro:en" not in dict(source.instead) for source in [*keyword, *others])
    assert all(source.instead for source in keyword)


def test_quick_speech_with_nothing_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everyone, "_speaks", lambda _: False)
    monkeypatch.setattr(everyone, "find_spec", lambda _: None)
    (source,) = keyword_speech("hey gecko", label="hey_gecko", count=400, quick=True)
    assert source.engines == (("hibari", 1.0),)


@pytest.mark.parametrize("quick", [False, True])
def test_the_other_keywords_of_a_model_are_in_no_random_speech(quick: bool) -> None:
    sources = other_speech("left", label="_unknown_", count=1000, avoid=("left", "right"), quick=quick)
    random = [source.texts for source in sources if "random" in source.name or "pseudo" in source.name]
    assert len(random) >= 2
    assert all(set(texts.avoid) == {"left", "right"} for texts in random)  # type: ignore[attr-defined]
