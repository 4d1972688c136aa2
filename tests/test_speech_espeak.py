"""espeak-ng's languages and variants: which there are, and how a pattern names them."""

from importlib.util import find_spec

import pytest

from mltk_like.data.speech import open_engine
from mltk_like.data.speech.espeak_client import EspeakProcess, espeak_codes, espeak_languages, espeak_variants
from mltk_like.errors import SettingError

NEEDS_ESPEAK = pytest.mark.skipif(find_spec("espeakng_loader") is None, reason="espeakng_loader is not installed")


def test_languages_take_turns_in_the_variants_of_people() -> None:
    voices = open_engine("espeak:de,fr").voices()
    assert voices[:4] == ("de+f1", "fr+f1", "de+f2", "fr+f2")
    assert open_engine("espeak:de+whisper").voices() == ("de+whisper",)


@NEEDS_ESPEAK
def test_all_languages_and_variants_are_there() -> None:
    assert len(espeak_languages()) > 100
    assert {"de", "en-us", "pt-br", "cmn", "sw"} <= set(espeak_languages())
    assert {"en", "fr", "zh"} <= set(espeak_codes())
    assert {"f1", "m8", "whisper", "klatt"} <= set(espeak_variants())


@NEEDS_ESPEAK
@pytest.mark.parametrize(
    ("argument", "voice", "least"),
    [("*", "sw+f2", 5000), ("de+*", "de+whisper", 80), ("en-*+m?", "en-us+m3", 20), ("de+whisper*,fr", "fr+f1", 50)],
)
def test_wildcards_name_many(argument: str, voice: str, least: int) -> None:
    engine = open_engine(f"espeak:{argument}")
    engine.check()
    assert voice in engine.voices()
    assert len(engine.voices()) >= least


@NEEDS_ESPEAK
@pytest.mark.parametrize("argument", ["xx", "de,xx", "de+nobody", "xx-*"])
def test_what_is_not_there_is_named(argument: str) -> None:
    with pytest.raises(SettingError, match="espeak-ng has"):
        open_engine(f"espeak:{argument}").check()


@NEEDS_ESPEAK
def test_default_accents_are_known() -> None:
    open_engine("espeak").check()


@NEEDS_ESPEAK
def test_one_process_speaks_and_reads_by_turns() -> None:
    process = EspeakProcess()
    first, rate = process.speak({"voice": "de", "text": "gut", "rate": 175})
    assert process.phonemes("de", "schön") == "ʃˈøːn"
    assert process.phonemes("nobody", "gut") == ""
    again, _ = process.speak({"voice": "de", "text": "gut", "rate": 175})
    assert rate == 22_050
    assert first.size > 2000
    assert first.tobytes() == again.tobytes()
