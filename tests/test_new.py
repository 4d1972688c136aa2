"""`new`: model files that load and train as they are, and names and words that are refused or warned of."""

import datetime
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mltk_like.audio.wav import read_audio, write_wav
from mltk_like.cli import main
from mltk_like.data.clip import Clip
from mltk_like.data.manifest import read_manifest, splits_of
from mltk_like.data.speech.advice import advise
from mltk_like.data.speech.frequent import FREQUENT_WORDS
from mltk_like.errors import ModelError, SettingError, ToolError
from mltk_like.loader import load_model
from mltk_like.settings import declared
from mltk_like.verbs.new import TEMPLATES, new

RATE = 16_000
NAME = "zz_gecko"
# Two words of two syllables each: 400 phrases, of which each day has another.
FIRST = (
    "purple", "silver", "gentle", "silent", "golden", "crooked", "muddy", "velvet", "rusty", "hollow",
    "frozen", "copper", "lucid", "nimble", "misty", "crimson", "yonder", "tidy", "amber", "dusty",
)  # fmt: skip
SECOND = (
    "walrus", "badger", "falcon", "lizard", "pigeon", "turtle", "walnut", "pumpkin", "lantern", "teapot",
    "anvil", "compass", "harbour", "trumpet", "goblin", "wizard", "comet", "canyon", "meadow", "acorn",
)  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in the test's own folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLTK_LIKE_MODELS", raising=False)


@pytest.mark.parametrize("quick", [False, True], ids=["earnest", "quick"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_gives_a_model_file_that_loads(template: str, quick: bool) -> None:
    words = ["doorbell"] if template == "event" else ["hey gecko", "don't panic"]
    # A name that nobody who tries `new` in the project's folder gives.
    made = new(NAME, words, template=template, quick=quick)
    assert made.path == Path(f"models/{NAME}.py")
    model = load_model(NAME)
    labels = ("doorbell",) if template == "event" else ("hey_gecko", "dont_panic")
    assert model.classes == (*labels, "_unknown_")
    sources = model.sources()  # type: ignore[attr-defined]
    given = {source.label for source in sources} | ({"doorbell"} if template == "event" else set())
    if template != "recordings":
        assert set(labels) <= given
    text = made.path.read_text()
    assert max(map(len, text.splitlines())) <= 120
    assert "$" not in text
    assert made.commands[-2:] == (f"python -m mltk_like train {NAME}", f"python -m mltk_like classify_audio {NAME}")


def test_a_toy_is_smaller() -> None:
    new("small", ["hey gecko"], quick=True)
    new("large", ["hey gecko"])
    clips = {
        name: sum(getattr(source, "count", 0) for source in load_model(name).sources())  # type: ignore[attr-defined]
        for name in ("small", "large")
    }
    assert 0 < clips["small"] < clips["large"] / 5


def test_in_earnest_it_is_the_recipe_of_the_model_that_ships() -> None:
    new("gecko", ["hey gecko"])
    ours, shipped = (load_model(name) for name in ("gecko", "keyword_spotting_alexa_small"))
    own = {"name", "version", "description", "classes"}
    differing = [
        name for name in declared(type(shipped)) if name not in own and getattr(ours, name) != getattr(shipped, name)
    ]
    assert not differing


def test_random_speech_holds_none_of_the_keywords() -> None:
    new("both", ["hey gecko", "stop it"], quick=True)
    for source in load_model("both").sources():  # type: ignore[attr-defined]
        if source.name.startswith("random"):
            assert set(source.texts.avoid) == {"hey gecko", "stop it"}


def test_a_long_phrase_has_a_longer_window() -> None:
    new("short", ["hey gecko"])
    new("long", ["open the garage door tonight"])
    short, long = (load_model(name).frontend.sample_length_ms for name in ("short", "long"))  # type: ignore[attr-defined]
    assert short == 1530
    assert long > 2500


def test_the_verb_prints_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "my/place/stopper.py", "-k", "stop it"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "written: my/place/stopper.py"
    assert lines[1].startswith("note: 'stop it' is common")
    assert lines[-2:] == [
        "  python -m mltk_like train my/place/stopper.py",
        "  python -m mltk_like classify_audio my/place/stopper.py",
    ]


def test_nothing_is_written_over() -> None:
    path = Path("models/gecko.py")
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(ModelError, match=r"models/gecko\.py exists"):
        new("gecko", ["hey gecko"])
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("_gecko", "no verb would find"),
        ("hey gecko", "is no name for a model"),
        ("1gecko", "is no name for a model"),
        ("gecko-test", "asks for the dry run"),
        ("random", "would hide the module 'random'"),
        ("numpy", "would hide the module 'numpy'"),
        ("keyword_spotting_alexa", "there is a model 'keyword_spotting_alexa' already"),
        ("models/keyword_spotting_alexa.py", "there is a model 'keyword_spotting_alexa' already"),
        ("here", "there is a file or folder 'here'"),
    ],
)
def test_names_that_would_not_be_found_or_hide_something(name: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    with pytest.raises(ModelError, match=why):
        new(name, ["hey gecko"])
    assert not (tmp_path / "models").exists()


def test_a_file_elsewhere_hides_nothing() -> None:
    assert new("apart/keyword_spotting_alexa.py", ["alexa"]).path.is_file()


@pytest.mark.parametrize(
    ("word", "doubt"),
    [
        ("go", "'go' is short: 1 syllable, 2 sounds"),
        ("gecko", "'gecko' is short: 2 syllables, 4 sounds"),
        ("stop it", "'stop it' is common"),
        ("computer", "'computer' is common"),
        ("rite", "sounds much like everyday words: 'right', 'write'"),
        ("hey computer", "sounds much like everyday words: 'say computer'"),
    ],
)
def test_poor_wake_words_are_told(word: str, doubt: str) -> None:
    assert any(doubt in sentence for sentence in advise([word])), advise([word])


@pytest.mark.parametrize("word", ["alexa", "purple walrus", "yellow submarine", "hey gecko"])
def test_good_wake_words_are_not_doubted(word: str) -> None:
    assert advise([word]) == ()


def test_keywords_that_are_confused_with_one_another() -> None:
    assert any("each will be taken for the other" in sentence for sentence in advise(["banana", "bandana"]))
    assert any("'gecko' is heard in 'hey gecko'" in sentence for sentence in advise(["hey gecko", "gecko"]))
    with pytest.raises(SettingError, match="pronounced the same"):
        advise(["night", "knight"])
    with pytest.raises(SettingError, match="nothing of the keyword"):
        advise(["..."])


def test_the_frequent_words_are_words() -> None:
    assert len(set(FREQUENT_WORDS)) == len(FREQUENT_WORDS) > 500
    assert all(word == word.lower() and word.replace("'", "").isalpha() for word in FREQUENT_WORDS)


def test_another_language_is_spoken_by_espeak(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader")
    words = tmp_path / "words.txt"
    words.write_text("hallo\nwelle\nhalle\nwelt\nwald\n", encoding="utf-8")
    made = new("hallo", ["hallo welt"], language="de", lexicon=str(words))
    assert "only English words" in made.advice[0]
    sources = load_model("hallo").sources()  # type: ignore[attr-defined]
    engines = {name for source in sources if source.label == "hallo_welt" for name, _ in source.engines}
    assert engines == {"espeak:de"}
    assert sum("sound-alikes" in source.name for source in sources) == 1


def test_another_language_needs_espeak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltk_like.data.speech.lexicon.find_spec", lambda _: None)
    with pytest.raises(ToolError, match="need the voices of espeak-ng") as caught:
        new("hallo", ["hallo welt"], language="de")
    assert "speech-gpl" in caught.value.hint
    assert not Path("models").exists()
    with pytest.raises(SettingError, match="knows English alone"):
        new("hallo", ["hallo welt"], language="de", template="transfer")


def test_without_a_lexicon_the_file_is_written_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> str:
        raise ToolError("synthetic speech needs the package 'hibari'", "pip install 'mltk_like[speech]'")

    monkeypatch.setattr("mltk_like.data.speech.advice.pronounce", missing)
    made = new("gecko", ["hey gecko"])
    assert made.path.is_file()
    assert "cannot be told here" in made.advice[0]


def words_in_a_row(path: Path, clips: Sequence[Clip]) -> Path:
    """A WAV of clips with pauses between, in a little noise."""
    noise = np.random.default_rng(0).normal(0, 20, RATE)
    pause = np.asarray(noise, np.int16)
    parts = [part for clip in clips for part in (read_audio(clip.path, RATE), pause)]
    write_wav(path, np.concatenate([pause, *parts]), RATE)
    return path


def heard(name: str, path: Path) -> int:
    """How many detections `classify_audio` reports in a file."""
    command = [sys.executable, "-m", "mltk_like", "classify_audio", name, "--input", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return sum(json.loads(line)["event"] == "detection" for line in done.stdout.splitlines())


@pytest.mark.slow
def test_a_word_that_nobody_used_before_from_new_to_a_detection(tmp_path: Path) -> None:
    """The first minutes of a newcomer: `new --quick`, `train`, and a file with the word in a voice never trained on."""
    day = datetime.datetime.now(datetime.UTC).date().toordinal()
    phrase = f"{FIRST[day % len(FIRST)]} {SECOND[day * 7 % 400 // len(FIRST)]}"
    label = phrase.replace(" ", "_")
    assert main(["new", "mine", "-k", phrase, "--quick"]) == 0
    # In a process of its own: warnings of TensorFlow are no errors there.
    subprocess.run([sys.executable, "-m", "mltk_like", "train", "mine"], check=False, capture_output=True)
    test = splits_of(read_manifest(tmp_path / "runs" / "mine" / "1" / "manifest.jsonl")).test
    spoken = [clip for clip in test if not any(name.startswith("morph") for name in clip.details)]
    said = [clip for clip in spoken if clip.label == label]
    voices = [[clip for clip in said if clip.group == voice][:8] for voice in sorted({clip.group for clip in said})]
    others = [clip for clip in spoken if clip.label == "_unknown_" and clip.source.startswith("random")][:10]
    assert said, phrase
    assert others
    # Bounds that a toy keeps whatever the phrase of the day is: it hears the word by one of the voices, and it tells it
    # from others.
    hits = max(heard("mine", words_in_a_row(tmp_path / "said.wav", clips)) / len(clips) for clips in voices)
    alarms = heard("mine", words_in_a_row(tmp_path / "others.wav", others)) / len(others)
    assert hits >= 1 / 3, phrase
    assert alarms <= hits / 2, phrase
