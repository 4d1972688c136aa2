"""Debian packages with recordings of people: which files of each are speech, of whom, in what language, how licensed.

Patterns match paths below `usr/share/`, in which an archive counts as a folder; `*` also crosses '/'. What is left out
on purpose: effects, synthetic voices, and every line in which somebody says "computer", which is a wake word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

RawFormat = tuple[str, int]
"""libsndfile's subtype and the sample rate in Hz of files without a header."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Recordings of one language and licence in a package.

    Attributes:
        language: ISO 639-1; "mul" for several.
        licence: SPDX name or a short text.
        files: patterns of the recordings.
        without: patterns of files among them that are none.
        archive: pattern of the archive that holds them, if one does.
        speaker: regular expression; its one pair of parentheses, searched in the path, is who speaks. Where it finds
            nothing, or is empty, all are one group.
        raw: format of files that have no header.
        text: whether the file's name is what is said.
        clips: how many there are in the version that the patterns were made for.
    """

    language: str
    licence: str
    files: tuple[str, ...]
    without: tuple[str, ...] = ()
    archive: str = ""
    speaker: str = ""
    raw: RawFormat | None = None
    text: bool = False
    clips: int


@dataclass(frozen=True, kw_only=True)
class Package:
    """A Debian package.

    Attributes:
        name: as apt has it.
        version: that the patterns were made for.
        size_bytes: of the download.
        parts: its recordings.
    """

    name: str
    version: str
    size_bytes: int
    parts: tuple[Part, ...]


_NL_COMPUTER = (
    "disk-v-viry", "disk-v-pozor", "war-v-pohadka", "war-v-prozradit", "sec-m-program", "poc-m-myslis",
    "poc-v-multimed", "poc-v-napad", "z-m-oblicej", "pz-m-pocitace", "ob-m-strach",
)  # fmt: skip
_SKY_COMPUTER = (
    50765, 50878, 51018, 51132, 51574, 52636, 52799, 52943, 52949, 52950, 52993, 53120, 53135, 53144, 53146, 54694,
    54703, 54801, 54814, 54986, 55002, 55011,
)  # fmt: skip
# Animals and machines among the units of the game.
_NO_PEOPLE = (
    "bull", "thunderbird", "*dragon*", "genie", "behemoth", "chicken", "wild_sow", "elephant", "eagle_pillar",
    "battle_machine", "airship", "ornithopter", "snake_basket", "mummy", "anubis_warrior", "flying_carpet",
    "ghost_armor",
)  # fmt: skip
_WARZONE = ("memressp", "tutorial", "taunts", "vtoltalk", "trnsppil", "countdown", "nexus", "proxmessages")
# Sounds and silence among the prompts, monkeys, and a prompt of 73 s, far longer than all others.
_NO_SPEECH = ("*/silence/*", "*/beep*", "*/*cending-2tone*", "*/tt-monkeys.*", "*/demo-instruct.*")
# The two fish of the game, each an actor; the others are heard now and then.
_FISH = r"-([mv])-[^/]*$"


def _one(name: str, version: str, size_bytes: int, *parts: Part) -> Package:
    return Package(name=name, version=version, size_bytes=size_bytes, parts=parts)


_ALL = (
    _one(
        "fillets-ng-data-cs", "1.0.1-1.1", 39_042_172,
        Part(language="cs", licence="GPL-2.0", files=("*/sound/*/cs/*.ogg",), speaker=_FISH, clips=1874),
    ),
    _one(
        "fillets-ng-data-nl", "1.0.1-1.1", 32_593_580,
        Part(
            language="nl", licence="GPL-2.0", files=("*/sound/*/nl/*.ogg",),
            without=tuple(f"*/{name}.ogg" for name in _NL_COMPUTER), speaker=_FISH, clips=1603,
        ),
    ),
    _one(
        "flight-of-the-amazon-queen", "1.0.0-9", 34_859_620,
        Part(
            language="en", licence="FOTAQ licence (free, not sold alone)", archive="*/queen.1c",
            files=("*/queen.1c/??????[JP]?.SB", "*/queen.1c/JOE*.SB", "*/queen.1c/C*.SB"), clips=6553,
        ),
    ),
    _one(
        "beneath-a-steel-sky", "0.0372-8", 66_024_312,
        Part(
            language="en", licence="BASS licence (free, not sold alone)", archive="*/sky.dsk", files=("*.sky",),
            without=tuple(f"*/{number}.sky" for number in _SKY_COMPUTER), raw=("PCM_U8", 11025), clips=3469,
        ),
    ),
    _one(
        "drascula", "1.0+ds4-2", 26_302_044,
        Part(
            language="en", licence="Drascula licence (free, not sold alone)", files=("*/en/*.ALS",),
            without=("*/S*.ALS",), raw=("PCM_U8", 11025), clips=768,
        ),
    ),
    _one(
        "drascula-spanish", "1.0+ds4-2", 13_286_564,
        Part(
            language="es", licence="Drascula licence (free, not sold alone)", files=("*/es/*.ALS",),
            without=("*/S*.ALS",), raw=("PCM_U8", 11025), clips=765,
        ),
    ),
    _one(
        "festvox-ru", "0.5+dfsg-6", 178_728_512,
        Part(language="ru", licence="BSD-like", files=("*/wav/*.wav",), clips=620),
    ),
    _one(
        "gcin-voice", "0~20170223-3", 7_740_240,
        Part(
            language="zh", licence="GPL-3.0 or LGPL-3.0", files=("*/ogg/*/3.ogg",), speaker=r"/(3)\.ogg$", clips=1194,
        ),
        Part(language="zh", licence="CC-BY-3.0", files=("*/ogg/*/5.ogg",), speaker=r"/(5)\.ogg$", clips=1156),
    ),
    _one(
        "asterisk-core-sounds-en-g722", "1.6.1-1", 10_565_860,
        Part(
            language="en", licence="CC-BY-SA-3.0", files=("*/en_US_f_Allison/*.g722",), without=_NO_SPEECH, clips=552,
        ),
    ),
    _one(
        "asterisk-core-sounds-fr-g722", "1.6.1-1", 10_822_860,
        Part(
            language="fr", licence="CC-BY-SA-3.0", files=("*/fr_CA_f_June/*.g722",), without=_NO_SPEECH, clips=545,
        ),
    ),
    _one(
        "asterisk-prompt-es-co", "0.20070403-2.1", 992_708,
        Part(
            language="es", licence="GPL-2.0", files=("*.gsm",), without=("*/beep*.gsm",), raw=("GSM610", 8000),
            clips=278,
        ),
    ),
    _one(
        "asterisk-prompt-fr-armelle", "20070613-2.2", 1_496_780,
        Part(language="fr", licence="BSD-like", files=("*.gsm",), raw=("GSM610", 8000), clips=327),
    ),
    _one(
        "kajongg", "4:22.12.3-1", 4_713_320,
        Part(
            language="de", licence="GPL-2.0-or-later", files=("*/voices/de/*.ogg",),
            speaker=r"/voices/(de/\w+)/", clips=162,
        ),
        Part(
            language="en", licence="GPL-2.0-or-later", files=("*/voices/*male?/*.ogg",), without=("*/de/*",),
            speaker=r"/voices/(\w+)/", clips=155,
        ),
    ),
    # Its other languages look like synthetic speech: 24 kHz and digital silence.
    _one(
        "qabcs-data", "1.0.2-6", 33_637_556,
        Part(
            language="en", licence="GPL-3.0-or-later", files=("*/abcs/en/sounds/*.ogg",), text=True, clips=156,
        ),
    ),
    _one(
        "warzone2100-data", "4.3.3-3", 142_612_240,
        Part(
            language="en", licence="GPL-2.0-or-later", archive="*/base.wz",
            files=tuple(f"*/base.wz/audio/{folder}/*.ogg" for folder in _WARZONE),
            without=("*/pcv361.ogg",), speaker=r"/audio/(taunts/\w+|nexus|trnsppil|vtoltalk)/", clips=383,
        ),
    ),
    _one(
        "megaglest-data", "3.13.0-3", 242_024_888,
        Part(
            language="mul", licence="CC-BY-SA-3.0",
            files=("*/factions/*/units/*/sounds/*_select*.wav", "*/factions/*/units/*/sounds/*_ack*.wav"),
            without=tuple(f"*/{unit}/*" for unit in _NO_PEOPLE), speaker=r"/([a-z_]+?)_(?:select|ack)[^/]*$", clips=301,
        ),
    ),
    _one(
        "planetblupi-common", "1.14.2-3", 22_256_360,
        *(
            Part(
                language=language, licence="GPL-3.0-or-later", files=(f"*/sound/{folder}/*.wav",),
                speaker=rf"/sound/({folder})/", clips=clips,
            )
            for language, folder, clips in (
                ("en", "en_US", 34), ("fr", "fr", 34), ("de", "de", 30), ("it", "it", 34), ("he", "he", 34),
            )
        ),
    ),
    _one(
        "nexuiz-data", "2.5.2-12", 266_586_504,
        Part(
            language="en", licence="GPL-2.0", archive="*/data.pk3",
            files=("*/sound/player/*/coms/*.*", "*/sound/announcer/male/*.*"),
            speaker=r"/sound/(player/[^/]+|announcer)/", clips=158,
        ),
    ),
    _one(
        "trigger-rally-data", "0.6.6.1-3", 118_703_688,
        Part(
            language="en", licence="GPL-2.0-or-later", archive="*/data.zip", files=("*sounds/codriver/*.wav",),
            speaker=r"/codriver/(\w+)/", clips=129,
        ),
    ),
    _one(
        "codec2-examples", "1.0.5-1", 11_362_712,
        Part(
            language="en", licence="LGPL-2.1",
            files=("*/raw/cq_ref.raw", "*/raw/hts.raw", "*/raw/kristoff.raw", "*/raw/g3plx.raw", "*/wav/*.wav"),
            without=(
                "*/wav/all.wav", "*/wav/hts?a.wav", "*/wav/david4.wav", "*/wav/vk2tpm_004.wav", "*/wav/mmt1.wav",
            ),
            raw=("PCM_16", 8000), clips=13,
        ),
    ),
    _one(
        "pocketsphinx-testdata", "0.8+5prealpha+1-15", 1_822_580,
        Part(
            language="en", licence="BSD-2-Clause",
            files=("*/librivox/*.wav", "*/cards/*.wav", "*/data/*.raw", "*/tidigits/*.raw"),
            speaker=r"/(librivox|cards|tidigits)/", raw=("PCM_16", 16000), clips=14,
        ),
    ),
    _one(
        "saytime", "1.0-35+b1", 148_804,
        Part(language="en", licence="MIT-like", files=("saytime/*.au",), raw=("ULAW", 8000), text=True, clips=36),
    ),
    _one(
        "alsa-utils", "1.2.8-1", 1_097_864,
        Part(
            language="en", licence="GPL-2.0", files=("*/alsa/*.wav",), without=("*/Noise.wav",), text=True, clips=8,
        ),
    ),
)  # fmt: skip

PACKAGES: Mapping[str, Package] = MappingProxyType({package.name: package for package in _ALL})
"""What there is, by the package's name."""

# 627 MB for ten minutes of speech.
_LITTLE_FOR_THEIR_SIZE = ("megaglest-data", "nexuiz-data", "trigger-rally-data")

DEBIAN_SPEECH = tuple(name for name in PACKAGES if name not in _LITTLE_FOR_THEIR_SIZE)
"""The packages that `debian_speech` takes."""

DEBIAN_SPEECH_ALL = tuple(PACKAGES)
"""And those that hold little speech for their size."""
