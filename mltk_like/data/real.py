"""Real speech and real noise that others have published, declared; and both as one list for a model's `sources()`.

Common Voice is not among them, for its downloads are behind a form: unpack a copy and use `Folder` or `RecordingList`.
GitHub packs its archives anew now and then, so that they have no hash that lasts.
"""

from collections.abc import Sequence
from types import MappingProxyType

from mltk_like.data.chosen import Chosen, Texts, digit_texts, folder_texts, librispeech_texts, prefix_texts
from mltk_like.data.debian.packages import DEBIAN_SPEECH
from mltk_like.data.debian.source import DebianSpeech, debian_speech
from mltk_like.data.download import Download
from mltk_like.data.published import speech_commands_v2
from mltk_like.data.recordings import Folder, GroupRule
from mltk_like.data.source import NOISE_LABEL, ROOM_LABEL, Source
from mltk_like.errors import SettingError

_GITHUB = "https://github.com"
_OPENSLR = (
    "https://www.openslr.org/resources",
    "https://us.openslr.org/resources",
    "https://openslr.elda.org/resources",
)
# One commit, so that all have the same files.
_PICOVOICE_COMMANDS = (
    f"{_GITHUB}/Picovoice/speech-to-intent-benchmark/archive/0a2397b26b4767ba6a655c4e351f73a264e62034.zip"
)
_MYCROFT = f"{_GITHUB}/MycroftAI/Precise-Community-Data"
_MYCROFT_LICENCE = "public domain for the most part, each contributor's own"
_MUSAN = "17/musan.tar.gz"
_MUSAN_BYTES = 11_086_114_085
# A file is named FOLD-RECORDING-TAKE, and takes of one recording sound alike.
_ESC_RECORDING = r"^\d-(\d+)-"
# (SHA-256 as torchaudio has it, size about)
_LIBRISPEECH = MappingProxyType(
    {
        "dev-clean": ("76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3", 337_000_000),
        "train-clean-100": ("d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2", 6_300_000_000),
    }
)


KEPT_FOR_TEST = ("fillets-ng-data-nl", "drascula-spanish")
"""Packages that `real_speech` keeps out of training: 2.3 hours of several actors in languages that it has no other
sentences of, or few, so that thresholds are set on people whom the net has not heard."""


def real_speech(label: str = "_unknown_", *, avoid: Sequence[str] = (), large: bool = False) -> list[Source]:
    """Sources of people's speech, for a detector to pass over: what Debian has and what can be downloaded.

    About 1.4 GB. Two packages of Debian's (`KEPT_FOR_TEST`) go to the test split, the rest is divided as ever. Those
    that cannot be had are left out of a training with a warning.

    Args:
        label: of all clips.
        avoid: the words that the detector listens for. Recordings of them are left out as far as it is known what is
            said: by folders and names of files, and by texts where a set has them.
        large: also Speech Commands (2.4 GB), 100 hours of LibriSpeech (6.3 GB) and 60 hours of MUSAN (11 GB).
    """
    words = tuple(avoid)
    sources: list[Source] = [
        debian_speech(label, packages=[name for name in DEBIAN_SPEECH if name not in KEPT_FOR_TEST], avoid=words),
        DebianSpeech(
            label=label, packages=KEPT_FOR_TEST, avoid=words, split="test", name="Debian speech kept for the test"
        ),
        picovoice_wake_words(label=label, avoid=words),
        picovoice_commands(label=label, avoid=words),
        mycroft_words(label=label, avoid=words),
        free_spoken_digits(label=label, avoid=words),
        librispeech(label=label, avoid=words),
    ]
    if large:
        sources += [
            spoken_commands(label=label, avoid=words),
            librispeech("train-clean-100", label=label, avoid=words),
            musan("speech", label=label),
        ]
    return sources


def real_noise(*, large: bool = False) -> list[Source]:
    """Sources of recorded noise, to be mixed into windows.

    Args:
        large: also the noise of MUSAN (11 GB, shared with its speech). ESC-50 is never among them, for it must not be
            used commercially: name it yourself.
    """
    return [esc_10(), mycroft_noise(), *([musan("noise")] if large else [])]


def picovoice_wake_words(*, label: str = "_unknown_", avoid: Sequence[str] = ()) -> Download:
    """Wake words of Picovoice's benchmark, hundreds of clips of each, crowd-sourced from more than 50 people.

    They are alexa, computer, jarvis, smart mirror, snowboy and view glass, each in a folder of its name.

    Args:
        label: of all clips.
        avoid: words that are left out.
    """
    url = f"{_GITHUB}/Picovoice/wake-word-benchmark/archive/refs/heads/master.zip"
    return _chosen(
        "Picovoice wake words", url, "Apache-2.0", label, avoid, files=("*/audio/*",), depth=2, texts=folder_texts
    )


def picovoice_commands(*, label: str = "_unknown_", avoid: Sequence[str] = ()) -> Download:
    """Commands to a coffee machine of Picovoice's benchmark: 600 clips of more than 50 people.

    Args:
        label: of all clips.
        avoid: words that are left out; what is said is not known of any clip.
    """
    return _chosen(
        "Picovoice commands", _PICOVOICE_COMMANDS, "Apache-2.0", label, avoid, files=("*/data/speech/clean/*",),
        depth=4,
    )  # fmt: skip


def mycroft_words(*, label: str = "_unknown_", avoid: Sequence[str] = ()) -> Download:
    """Wake words and other words of Mycroft's community in several languages.

    Args:
        label: of all clips.
        avoid: words that are left out, by the names of folders and files.
    """
    return _chosen(
        "Mycroft community words", f"{_MYCROFT}/archive/refs/heads/master.zip", _MYCROFT_LICENCE, label, avoid,
        without=("*noise*",), texts=prefix_texts,
    )  # fmt: skip


def mycroft_noise() -> Download:
    """Noise of rooms that Mycroft's community recorded."""
    return Download(
        url=f"{_MYCROFT}/raw/master/not-wake-words/noises/bg_noise-20201215-jarbas.tar.gz", label=NOISE_LABEL,
        licence=_MYCROFT_LICENCE, name="Mycroft community noise",
    )  # fmt: skip


def free_spoken_digits(*, label: str = "_unknown_", avoid: Sequence[str] = ()) -> Download:
    """The Free Spoken Digit Dataset, version 1.0.9: English digits of a few speakers, recorded at 8 kHz.

    Args:
        label: of all clips.
        avoid: digits that are left out, such as "one".
    """
    url = f"{_GITHUB}/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz"
    return _chosen(
        "Free Spoken Digits", url, "CC-BY-SA-4.0", label, avoid, files=("*/recordings/*",), texts=digit_texts,
        group=r"^\d_([a-z]+)_", depth=2,
    )  # fmt: skip


def spoken_commands(*, label: str = "_unknown_", avoid: Sequence[str] = ()) -> Download:
    """The words of Speech Commands, version 0.02, as one label, without its noise; see `speech_commands_v2`.

    Args:
        label: of all clips.
        avoid: words that are left out.
    """
    given = speech_commands_v2()
    return _chosen(
        "Speech Commands v2 words", given.url, given.licence, label, avoid, without=("_background_noise_/*",),
        group=r"^([0-9a-f]+)_nohash_", speakers="speech_commands", mirrors=given.mirrors, sha1=given.sha1,
        sha256=given.sha256, size_bytes=given.size_bytes, depth=0,
        texts=folder_texts,
    )  # fmt: skip


def librispeech(part: str = "dev-clean", *, label: str = "_unknown_", avoid: Sequence[str] = ()) -> Download:
    """Sentences of audio books in English, with their texts.

    V. Panayotov and others, "Librispeech: an ASR corpus based on public domain audio books", ICASSP 2015.

    Args:
        part: "dev-clean" (5.4 hours of 40 readers, 337 MB) or "train-clean-100" (100 hours of 251 readers, 6.3 GB).
        label: of all clips.
        avoid: words and phrases; sentences with one are left out.

    Raises:
        SettingError: there is no such part.
    """
    if part not in _LIBRISPEECH:
        raise SettingError(f"there is no part {part!r} of LibriSpeech", f"use {', '.join(_LIBRISPEECH)}")
    sha256, size_bytes = _LIBRISPEECH[part]
    url, mirrors = _openslr(f"12/{part}.tar.gz")
    return _chosen(
        f"LibriSpeech {part}", url, "CC-BY-4.0", label, avoid, group=r"^(\d+)-", speakers="librispeech",
        texts=librispeech_texts, depth=2, mirrors=mirrors, sha256=sha256, size_bytes=size_bytes,
    )  # fmt: skip


def musan(part: str = "noise", *, label: str = "") -> Download:
    """A part of MUSAN: 60 hours of speech, 42 of music or 6 of noise. One download of 11 GB has all three.

    D. Snyder, G. Chen and D. Povey, "MUSAN: A Music, Speech, and Noise Corpus", arXiv:1510.08484.

    Args:
        part: "speech", "music" or "noise".
        label: of all clips; empty: `_unknown_` for speech, else `_noise_`.

    Raises:
        SettingError: there is no such part.
    """
    if part not in ("speech", "music", "noise"):
        raise SettingError(f"there is no part {part!r} of MUSAN", "use speech, music or noise")
    url, mirrors = _openslr(_MUSAN)
    label = label or ("_unknown_" if part == "speech" else NOISE_LABEL)
    return _chosen(
        f"MUSAN {part}", url, "CC-BY-4.0 or public domain, by file", label, files=(f"*/{part}/*", f"{part}/*"),
        mirrors=mirrors, size_bytes=_MUSAN_BYTES,
    )  # fmt: skip


def esc_10(*, label: str = NOISE_LABEL) -> Download:
    """ESC-10: 400 recordings of 5 s of dog, rain, sea, baby, clock, sneeze, helicopter, chainsaw, rooster and fire.

    K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia 2015.

    Args:
        label: of all clips.
    """
    return Download(
        url=f"{_GITHUB}/karoldvl/ESC-10/archive/master.zip", label=label, licence="CC-BY-3.0", group=_ESC_RECORDING,
        speakers="ESC", name="ESC-10",
    )  # fmt: skip


def esc_50(*, label: str = NOISE_LABEL) -> Download:
    """ESC-50: 2,000 recordings of 5 s of 50 kinds of sound, coughs and laughs among them. Not for commercial use.

    Args:
        label: of all clips.
    """
    return Download(
        url=f"{_GITHUB}/karolpiczak/ESC-50/archive/master.zip", label=label, licence="CC-BY-NC-3.0",
        group=_ESC_RECORDING, speakers="ESC", size_bytes=645_695_005, name="ESC-50",
    )  # fmt: skip


def room_responses() -> Download:
    """Impulse responses of real rooms out of OpenSLR 28 (1.3 GB), for `sources()` to train in; see `impulse_responses`.

    T. Ko and others, "A study on data augmentation of reverberant speech for robust speech recognition", ICASSP 2017.
    Several channels are averaged, as with any recording.
    """
    url, mirrors = _openslr("28/rirs_noises.zip")
    return _chosen(
        "OpenSLR 28 rooms", url, "Apache-2.0", ROOM_LABEL, files=("*/real_rirs_isotropic_noises/*",),
        without=("*_noise_*",), mirrors=mirrors, size_bytes=1_300_000_000, min_duration_s=0.001,
    )  # fmt: skip


def _openslr(path: str) -> tuple[str, tuple[str, ...]]:
    """Address and mirrors of a file of openslr.org."""
    first, *others = (f"{site}/{path}" for site in _OPENSLR)
    return first, tuple(others)


def _chosen(
    name: str,
    url: str,
    licence: str,
    label: str,
    avoid: Sequence[str] = (),
    *,
    files: tuple[str, ...] = ("*",),
    without: tuple[str, ...] = (),
    group: GroupRule = "stem",
    speakers: str = "",
    depth: int = 1,
    texts: Texts | None = None,
    mirrors: tuple[str, ...] = (),
    sha1: str = "",
    sha256: str = "",
    size_bytes: int = 0,
    min_duration_s: float = 0.05,
) -> Download:
    """A download that is read as `Chosen`."""
    return Download(
        url=url, mirrors=mirrors, sha1=sha1, sha256=sha256, size_bytes=size_bytes, licence=licence, label=label,
        name=name, layout=lambda root: Chosen(
            recordings=Folder(
                path=root, label=label, group=group, speakers=speakers, licence=licence, name=name,
                min_duration_s=min_duration_s,
            ),
            files=files, without=without, avoid=tuple(avoid), depth=depth, texts=texts,
        ),
    )  # fmt: skip
