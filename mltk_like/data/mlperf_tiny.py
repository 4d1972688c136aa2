"""The stream of MLPerf Tiny's streaming wake word: 20 minutes made of Speech Commands and MUSAN by a public recipe.

The recipe is `long_wav_spec.json` of mlcommons/tiny (Apache-2.0), `benchmark/training/streaming_wakeword`, and how the
scripts beside it read it: which file goes where, how loud, and how words are trimmed. Nothing of it is kept here; the
three downloads are declared and fetched.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.wav import Int16, read_audio
from mltk_like.data.fetch import url_file_name
from mltk_like.data.published import speech_commands_v2
from mltk_like.data.remote import RemoteFile
from mltk_like.data.tables import read_text
from mltk_like.errors import DataError

_REPOSITORY = "https://raw.githubusercontent.com/mlcommons/tiny"
# Of version 1.3: the recipe was another one before, and each gives another stream.
_COMMIT = "31c82f0744a08fe86e9c617e610ff82c75fa45d5"
_TRIMMED_BELOW = 0.05
_BLOCK_S = 10

_Second = Annotated[float, msgspec.Meta(ge=0, le=7200)]
_Level = Annotated[float, msgspec.Meta(ge=0, le=1e6)]


@dataclass(frozen=True, kw_only=True)
class StreamWord:
    """A word in the stream.

    Attributes:
        file: that it was taken from, as the recipe calls it.
        start_s, end_s: where it stands, trimmed, in seconds of the stream.
    """

    file: str
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True, eq=False)
class WakeWordStream:
    """Words over background sound.

    Attributes:
        samples: int16 (samples,).
        sample_rate_hz: in Hz.
        words: by time.
    """

    samples: Int16 = field(repr=False)
    sample_rate_hz: int
    words: tuple[StreamWord, ...]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate_hz

    def blocks(self, sample_rate_hz: int) -> Iterator[Int16]:
        """The samples at another rate (or the same), in blocks of 10 s: int16 (samples,)."""
        samples = self.samples
        if sample_rate_hz != self.sample_rate_hz:
            import soxr

            samples = soxr.resample(samples, self.sample_rate_hz, sample_rate_hz)
        size = _BLOCK_S * sample_rate_hz
        for first in range(0, len(samples), size):
            yield samples[first : first + size]


@dataclass(frozen=True, kw_only=True)
class RecipeFile(RemoteFile):
    """A recipe on the network; attributes as of `RemoteFile`."""

    def check(self, fetched: Path) -> None:
        """Raises DataError for a file that is no recipe, so that a web page in its place is not kept."""
        _read(fetched)


@dataclass(frozen=True, kw_only=True)
class WakeWordBenchmark:
    """What the stream is made of.

    Attributes:
        recipe: a JSON file; see `compose`.
        speech_commands: Speech Commands, version 0.02.
        musan: MUSAN, in a folder `musan` of its archive.
    """

    recipe: RecipeFile
    speech_commands: RemoteFile
    musan: RemoteFile

    def get(self, *, progress: bool = True) -> WakeWordStream:
        """The stream; what is not in the cache is fetched first, the small recipe before the two large archives.

        Args:
            progress: show bars for the downloads.

        Raises:
            DataError: something cannot be had, or is not what the recipe says.
        """
        parts = (self.recipe, self.speech_commands, self.musan)
        try:
            recipe, commands, musan = (part.get(progress=progress) for part in parts)
        except DataError as error:
            missing = ", ".join(_described(part) for part in parts if not part.is_cached())
            raise DataError(
                f"the stream of MLPerf Tiny cannot be made: {error.message}",
                f"it needs, once and with a network: {missing}",
            ) from error
        file = recipe / url_file_name(self.recipe.url)
        return compose(file, {"speech_commands_path": commands, "musan_path": musan / "musan"})


def streaming_wake_word() -> WakeWordBenchmark:
    """The three downloads of the streaming wake word in version 1.3, the word "marvin": 13.5 GB, 16 GB on disk.

    Of MUSAN its publishers give an MD5 alone, so that it is not checked: a damaged archive is found when it is
    extracted. D. Snyder, G. Chen, D. Povey, "MUSAN: A Music, Speech, and Noise Corpus", arXiv:1510.08484.
    """
    return WakeWordBenchmark(
        recipe=RecipeFile(
            url=f"{_REPOSITORY}/{_COMMIT}/benchmark/training/streaming_wakeword/long_wav_spec.json",
            licence="Apache-2.0",
            size_bytes=9_514,
            name="long_wav_spec.json of mlcommons/tiny",
        ),
        speech_commands=speech_commands_v2(),
        musan=RemoteFile(
            url="https://www.openslr.org/resources/17/musan.tar.gz",
            mirrors=(
                "https://openslr.trmal.net/resources/17/musan.tar.gz",
                "https://openslr.elda.org/resources/17/musan.tar.gz",
            ),
            licence="CC-BY-4.0",
            size_bytes=11_086_114_085,
            name="MUSAN",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Recipe:
    """`long_wav_spec.json`: (file, begin s, end s, level), (file, begin s, level)."""

    configs_background: tuple[tuple[str, _Second, _Second, _Level], ...]
    configs_wakeword: tuple[tuple[str, _Second, _Level], ...]
    length_sec: Annotated[float, msgspec.Meta(gt=0, le=7200)]
    sample_rate: Annotated[int, msgspec.Meta(ge=4000, le=48_000)]


def compose(recipe: Path, folders: Mapping[str, Path]) -> WakeWordStream:
    """Make the stream that a recipe describes.

    A background is the beginning of its file, scaled so that its standard deviation is its level. A word is cut to what
    lies between the first and the last sample above 0.05 of its highest, and scaled in the same way. All are added up,
    the sum is divided by its peak and stored as int16: `build_long_wav.py` of the benchmark does the same.

    Args:
        recipe: JSON with `configs_background`, `configs_wakeword`, `length_sec` and `sample_rate`.
        folders: what `{speech_commands_path}` and the like stand for at the beginning of a file's name.

    Raises:
        DataError: the recipe cannot be read, names a file outside of the folders, or a file is missing or too short.
    """
    wanted = _read(recipe)
    rate = wanted.sample_rate
    total = np.zeros(int(wanted.length_sec * rate), dtype=np.float32)
    for name, begin_s, end_s, level in wanted.configs_background:
        length = int((end_s - begin_s) * rate)
        sound = read_audio(_file(name, folders, recipe), rate)[: max(length, 0)]
        _add(total, int(begin_s * rate), _scaled(sound, level, name), length, name)
    words = []
    for name, begin_s, level in wanted.configs_wakeword:
        word = _trimmed(read_audio(_file(name, folders, recipe), rate))
        _add(total, int(begin_s * rate), _scaled(word, level, name), len(word), name)
        words.append(StreamWord(file=name, start_s=begin_s, end_s=begin_s + len(word) / rate))
    peak = np.max(np.abs(total))
    if peak == 0:
        raise DataError(f"the stream of {recipe} is silent")
    # Rounded towards zero, as the benchmark does; but its highest sample, +1, would become -1 there.
    samples = np.minimum(total / peak * np.float32(2**15), 2**15 - 1).astype(np.int16)
    return WakeWordStream(
        samples=samples, sample_rate_hz=rate, words=tuple(sorted(words, key=lambda word: word.start_s))
    )


def _read(recipe: Path) -> _Recipe:
    try:
        return msgspec.json.decode(read_text(recipe), type=_Recipe)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(
            f"{recipe} is no recipe of a stream: {error}", "the address may lead to a web page instead"
        ) from error


def _file(name: str, folders: Mapping[str, Path], recipe: Path) -> Path:
    """The file that `{folder}/name` stands for; a recipe comes from the network and must not lead elsewhere."""
    parts = re.fullmatch(r"\{(\w+)\}/*(.+)", name)
    inside = PurePosixPath(parts[2]) if parts else PurePosixPath("..")
    if parts is None or parts[1] not in folders or ".." in inside.parts:
        known = " or ".join(f"{{{folder}}}" for folder in folders)
        raise DataError(f"{recipe} asks for the file {name!r}", f"files must lie below {known}")
    return folders[parts[1]] / inside


def _trimmed(word: Int16) -> Int16:
    """What lies between the first and the last sample that is above 0.05 of the highest; the last is left out."""
    above = np.flatnonzero(word > word.max() * _TRIMMED_BELOW)
    return word[above[0] : above[-1]] if len(above) else word[:0]


def _scaled(sound: Int16, level: float, name: str) -> NDArray[np.float64]:
    deviation = float(np.std(sound)) if len(sound) else 0.0
    if deviation == 0:
        raise DataError(f"{name} is silent, or too short", "the data set is not the one of the recipe")
    return level * (sound / deviation)


def _add(total: NDArray[np.float32], first: int, sound: NDArray[np.float64], length: int, name: str) -> None:
    if len(sound) < length or first + length > len(total):
        raise DataError(
            f"{name} has {len(sound):,} samples where {length:,} of {len(total):,} are to be filled from {first:,} on",
            "the data set is not the one of the recipe",
        )
    total[first : first + length] += sound


def _described(part: RemoteFile) -> str:
    size = f" ({part.size_bytes / 1e9:.1f} GB)" if part.size_bytes > 1e8 else ""
    return f"{part.name}{size} from {part.url}"
