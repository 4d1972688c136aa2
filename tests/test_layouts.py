"""Speech Commands and Multilingual Spoken Words as they lie on disk."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mltk_like.audio.wav import write_wav
from mltk_like.data import multilingual_spoken_words, speech_commands
from mltk_like.data.source import Source
from mltk_like.data.split import split_by_group
from mltk_like.errors import DataError


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".opus"):
            soundfile.write(root / name, np.ones(4800) / 9, 48_000, format="OGG", subtype="OPUS")
        else:
            write_wav(root / name, np.ones(1600, np.int16), 16_000)


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    for word in ("yes", "no", "cat"):
        make(
            tmp_path,
            *(f"{word}/{who}_nohash_{take}.wav" for who in ("aa11", "bb22", "cc33", "dd44") for take in (0, 1)),
        )
    make(tmp_path, "_background_noise_/pink_noise.wav", "_background_noise_/dude_miaowing.wav")
    (tmp_path / "_background_noise_" / "README.md").write_text("x")
    (tmp_path / "validation_list.txt").write_text("yes/bb22_nohash_0.wav\ncat/bb22_nohash_1.wav\n")
    (tmp_path / "testing_list.txt").write_text("no/cc33_nohash_0.wav\nno/gone_nohash_0.wav\n\n")
    return tmp_path


def test_speech_commands(commands: Path) -> None:
    source = speech_commands(commands, labels=("yes", "no"))
    assert isinstance(source, Source)
    assert pickle.loads(pickle.dumps(source)) == source
    clips = source.collect()
    labels = [(clip.label, clip.text) for clip in clips]
    assert {pair: labels.count(pair) for pair in labels} == {
        ("yes", "yes"): 8,
        ("no", "no"): 8,
        ("_unknown_", "cat"): 8,
        ("_noise_", ""): 2,
    }
    splits = {clip.group: clip.split for clip in clips}
    assert splits == {
        "speech_commands/aa11": "training",
        "speech_commands/bb22": "validation",
        "speech_commands/cc33": "test",
        "speech_commands/dd44": "training",
        "speech_commands noise/dude_miaowing": "",
        "speech_commands noise/pink_noise": "",
    }
    assert {clip.licence for clip in clips} == {"CC-BY-4.0"}
    assert {clip.group for clip in split_by_group(clips).test} >= {"speech_commands/cc33"}


def test_speech_commands_all_words_and_none_but_the_named(commands: Path) -> None:
    assert {clip.label for clip in speech_commands(commands).collect()} == {"yes", "no", "cat", "_noise_"}
    named = speech_commands(commands, labels=["yes"], other="")
    assert {clip.label for clip in named.collect()} == {"yes", "_noise_"}
    assert len(named.collect(limit=3)) == 3


def test_a_speaker_of_both_lists_is_heard_in_the_test_alone(commands: Path) -> None:
    with (commands / "testing_list.txt").open("a") as file:
        file.write("yes/bb22_nohash_1.wav\n")
    clips = speech_commands(commands).collect()
    assert {clip.split for clip in clips if clip.group.endswith("bb22")} == {"test"}


def test_without_both_lists_the_rest_is_free(commands: Path) -> None:
    (commands / "validation_list.txt").unlink()
    clips = speech_commands(commands).collect()
    assert {clip.split for clip in clips if clip.group.endswith("cc33")} == {"test"}
    assert {clip.split for clip in clips if not clip.group.endswith("cc33")} == {""}


def test_speech_commands_names_what_is_wrong(commands: Path, tmp_path: Path) -> None:
    (commands / "yes" / "ee55_nohash_0.wav").write_text("no audio")
    assert [item.path.name for item in speech_commands(commands).collect().skipped] == ["ee55_nohash_0.wav"]
    with pytest.raises(DataError, match="1 of"):
        speech_commands(commands, strict=True).collect()
    with pytest.raises(DataError, match="no folder"):
        speech_commands(tmp_path / "none").collect()


TABLE = """SET,LINK,WORD,VALID,SPEAKER,GENDER
TRAIN,yes/common_voice_xx_1.opus,yes,True,s1,MALE
DEV,yes/common_voice_xx_2.opus,yes,True,s2,FEMALE
TEST,no/common_voice_xx_3.opus,no,True,s3,NAN
TRAIN,no/common_voice_xx_4.opus,no,False,s4,NAN
TRAIN,no/common_voice_xx_5.opus,no,True,s3,NAN
TEST,maybe/common_voice_xx_6.opus,maybe,True,s3,NAN
TEST,no/absent.opus,no,True,s9,NAN
TRAIN,no/common_voice_xx_7.opus,no,True,NA,NAN
"""


@pytest.mark.parametrize("suffix", ["opus", "wav"])
@pytest.mark.parametrize("language", ["", "xx"])
def test_spoken_words(suffix: str, language: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / language
    words = {"yes": (1, 2), "no": (3, 4, 5, 7, 8), "maybe": (6,)}
    make(root, *(f"clips/{word}/common_voice_xx_{n}.{suffix}" for word, numbers in words.items() for n in numbers))
    (root / "xx_splits.csv").write_text(TABLE)
    source = multilingual_spoken_words(tmp_path, language=language, labels=("yes", "no"), other="_unknown_")
    clips = source.collect()
    assert {clip.path.stem[-1]: (clip.label, clip.text, clip.group, clip.split) for clip in clips} == {
        "1": ("yes", "yes", "common_voice/s1", "training"),
        "2": ("yes", "yes", "common_voice/s2", "validation"),
        "3": ("no", "no", "common_voice/s3", "test"),
        "5": ("no", "no", "common_voice/s3", "test"),
        "6": ("_unknown_", "maybe", "common_voice/s3", "test"),
        "7": ("no", "no", "common_voice/no/common_voice_xx_7", "training"),
        "8": ("no", "no", "common_voice/no/common_voice_xx_8", ""),
    }
    assert [(item.path.stem[-1], item.reason) for item in clips.skipped] == [("4", "the corpus marks it as not valid")]
    assert "1 of 7 clips change their split" in caplog.text
    split_by_group(clips)


def test_spoken_words_without_a_table(tmp_path: Path) -> None:
    make(tmp_path, "clips/yes/a.wav", "clips/no/a.wav")
    clips = multilingual_spoken_words(tmp_path).collect()
    assert [(clip.label, clip.group, clip.split) for clip in clips] == [
        ("no", "common_voice/no/a", ""),
        ("yes", "common_voice/yes/a", ""),
    ]
    assert {clip.label for clip in multilingual_spoken_words(tmp_path, labels=("yes",)).collect()} == {"yes"}
