"""Other voices out of clips: what a morph changes, and how a source of speech uses it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mltk_like.data.speech import Morph, SpeechSource, Utterance, morph_clip, say
from mltk_like.errors import SettingError, ToolError

FAKE = "fake_speech_engine:Beeper"
RATE = 16_000


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The fake engine importable, an empty cache; gives the engine's log."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "data" / "speech"))
    monkeypatch.setenv("MLTK_LIKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_SPEECH_LOG", str(tmp_path / "log"))
    (tmp_path / "log").touch()
    return tmp_path / "log"


def source(count: int, morph: float) -> SpeechSource:
    from fake_speech_engine import Beeps

    return SpeechSource(name="beeps", label="beep", engines=((FAKE, 1.0),), texts=Beeps("ɑ"), count=count, morph=morph)


def vowel(f0: float = 120.0, formant: float = 900.0) -> np.ndarray:
    """Half a second of pulses through one resonance."""
    pulses = np.zeros(RATE // 2)
    pulses[:: round(RATE / f0)] = 1
    time = np.arange(400) / RATE
    return np.convolve(pulses, np.exp(-300 * time) * np.sin(2 * np.pi * formant * time))[: RATE // 2].astype(np.float32)


def spectrum(clip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(hertz, power) of the middle of a clip."""
    middle = clip[clip.size // 2 - 2000 : clip.size // 2 + 2000] * np.hanning(4000)
    return np.fft.rfftfreq(4000, 1 / RATE), np.abs(np.fft.rfft(middle)) ** 2


def formant_of(clip: np.ndarray) -> float:
    hertz, power = spectrum(clip)
    near = (hertz > 500) & (hertz < 1500)
    return float((hertz * power)[near].sum() / power[near].sum())


def pitch_of(clip: np.ndarray) -> float:
    middle = clip[clip.size // 2 - 2000 : clip.size // 2 + 2000]
    alike = np.correlate(middle, middle, "full")[3999:]
    return RATE / (60 + int(np.argmax(alike[60:300])))


def test_vocal_tract_and_pitch_change_apart() -> None:
    pytest.importorskip("pyworld")
    plain = morph_clip(vowel(), RATE, Morph())
    shorter, higher = (morph_clip(vowel(), RATE, morph) for morph in (Morph(formants=1.2), Morph(pitch=1.5)))
    assert pitch_of(plain) == pytest.approx(pitch_of(vowel()), rel=0.03)
    assert pitch_of(shorter) == pytest.approx(pitch_of(plain), rel=0.03)
    assert pitch_of(higher) == pytest.approx(1.5 * pitch_of(plain), rel=0.04)
    assert formant_of(shorter) == pytest.approx(1.2 * formant_of(plain), rel=0.06)
    assert formant_of(higher) == pytest.approx(formant_of(plain), rel=0.06)


def test_breath_and_whisper_take_the_periods_away_and_tempo_the_time() -> None:
    pytest.importorskip("pyworld")

    def periodic(morph: Morph) -> float:
        """Share of the power between 2 and 6 kHz that lies at multiples of the pitch."""
        hertz, power = spectrum(morph_clip(vowel(), RATE, morph))
        high = (hertz > 2000) & (hertz < 6000)
        off = np.abs(hertz / pitch_of(vowel()) - np.round(hertz / pitch_of(vowel())))
        return float(power[high & (off < 0.15)].sum() / power[high].sum())

    assert periodic(Morph(whisper=1.0)) < periodic(Morph(breath=0.8)) < periodic(Morph())
    assert morph_clip(vowel(), RATE, Morph(tempo=1.25)).size == pytest.approx(0.8 * RATE / 2, abs=200)


def test_a_morph_out_of_range_is_refused_and_none_is_drawn() -> None:
    with pytest.raises(SettingError, match="formants=3 of a morph is out of range"):
        Morph(formants=3)
    drawn = [Morph.draw(np.random.default_rng(seed)) for seed in range(300)]
    assert 3 <= sum(morph.whisper for morph in drawn) <= 30
    assert np.std([morph.pitch / morph.formants for morph in drawn]) > 0.1


def test_an_utterance_keeps_its_morph_and_its_group() -> None:
    said = Utterance(engine="kokoro", version="1", voice="0001", text="go", extra=(("noise", 0.5),))
    morph = Morph.draw(np.random.default_rng(0))
    other = morph.applied(said)
    assert (Morph.of(said), Morph.of(other)) == (None, morph)
    assert (other.base, other.group) == (said, said.group)
    assert other.key() != said.key()
    assert Morph(pitch=1.1).applied(other).base == said
    details = other.details()
    assert details["morph_pitch"] == f"{morph.pitch:g}"
    assert details["kokoro_noise"] == "0.5"


def test_a_share_of_a_source_is_morphs_of_clips_before_them(fake: Path) -> None:
    for share in (0.25, 0.5, 0.8):
        plan = source(100, share).plan()
        assert plan[:37] == source(37, share).plan()
        morphs = [at for at, said in enumerate(plan) if Morph.of(said)]
        assert len(morphs) == round(100 * share)
        assert all(plan[at].base in plan[:at] for at in morphs)
        # By turns, so that no clip is all that is heard.
        assert max(sum(plan[at].base == said for at in morphs) for said in plan) <= 1 / (1 - share) + 1
    assert not any(Morph.of(said) for said in source(100, 0).plan())


def test_each_clip_is_spoken_once_however_many_morphs_it_has(fake: Path) -> None:
    pytest.importorskip("pyworld")
    clips = source(12, 0.75).collect(workers=0, progress=False)
    assert len(clips) == 12
    assert len(fake.read_text().splitlines()) == 3
    assert len({clip.path.read_bytes() for clip in clips}) == 12
    bytes_of = {clip.path: clip.path.read_bytes() for clip in clips}
    for clip in clips:
        clip.path.unlink()
    # A morph alone, as when another folder wants it, comes out as before.
    again = source(12, 0.75)
    morphed = [clip.path for clip in clips if "morph_pitch" in clip.details][-1]
    again.remake([morphed], progress=False)
    assert morphed.read_bytes() == bytes_of[morphed]


def test_without_the_vocoder_a_source_with_morphs_says_what_to_install(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mltk_like.data.speech.lexicon.find_spec", lambda name: None)
    with pytest.raises(ToolError) as caught:
        source(4, 0.5).collect(workers=0, progress=False)
    assert caught.value.hint == "pip install 'mltk_like[morph]'"
    assert fake.read_text() == ""


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_a_share_that_leaves_no_clip_to_morph_is_refused(share: float) -> None:
    with pytest.raises(SettingError, match="is no share"):
        say("go", label="go", count=4, engines="espeak", morph=share)
    assert replace(say("go", label="go", count=4, engines="espeak"), morph=0.5).morph == 0.5
