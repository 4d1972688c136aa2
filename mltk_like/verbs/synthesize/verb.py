"""Speak words into WAV files, and with them what sounds like them."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mltk_like.cluster import Workers
from mltk_like.data.speech.batches import Batch, Filled, fill
from mltk_like.data.speech.catalogue import LISTED, list_voices
from mltk_like.data.speech.engines import shared_engine
from mltk_like.data.speech.export import RATES_HZ, folder_name, read_manifest, update_manifest
from mltk_like.data.speech.finish import SAMPLE_RATE
from mltk_like.data.speech.source import SpeechSource
from mltk_like.data.speech.spoken import ALIKE_ENGINES, KEYWORD_ENGINES, Engines, Voices
from mltk_like.data.speech.texts import Parts, Said, SoundAlikes, Texts
from mltk_like.data.speech.variation import USUAL, Variation
from mltk_like.data.speech.word_list import WordList
from mltk_like.data.speech.words import find_alikes, word_parts
from mltk_like.errors import DataError, SettingError
from mltk_like.verbs.synthesize.result import SynthesizeResult, VoiceList, engine_lines

ALIKE_FOLDER = "_unknown_"
"""Folder, and so label, of what sounds like a word: a model's class of everything else."""

VARIATION = Variation(emphasis=0.15, pauses=0.15)
"""That of `synthesize`, where none is given."""


@dataclass(frozen=True, kw_only=True)
class _Voice:
    """Who speaks: engines with their shares, patterns of voices, seed."""

    engines: Mapping[str, float]
    voices: tuple[str, ...]
    seed: int

    def readers(self) -> "_Voice":
        """Those alone that read phonemes."""
        return replace(self, engines={k: v for k, v in self.engines.items() if shared_engine(k).reads_phonemes})

    def source(self, texts: Texts, count: int, variation: Variation = USUAL) -> SpeechSource:
        """So many clips of some texts."""
        return SpeechSource(
            name="speech", label="", texts=texts, count=count, engines=tuple(self.engines.items()), seed=self.seed,
            voices=self.voices, variation=variation,
        )  # fmt: skip


def synthesize(
    *words: str,
    out: Path | str,
    count: int = 100,
    engines: Engines = (),
    voices: Voices = (),
    language: str = "en",
    sound_alikes: int = 0,
    lexicon: Path | str = "",
    variation: Variation = VARIATION,
    rate_hz: int = SAMPLE_RATE,
    seed: int = 0,
    workers: Workers = None,
    dry_run: bool = False,
    progress: bool = True,
) -> SynthesizeResult:
    """Speak words into `out/<word>/<engine>_<voice>_<text>_<parameters>_<key>.wav`, with a manifest beside.

    What is there already is not made again, so that a call that was broken off goes on; more words, or a larger count,
    add to the folder. What has been made is kept in the cache too, for models and other folders.

    Args:
        words, count: words or phrases, and clips of each.
        out: the folder.
        engines, voices, variation, seed: as of `say`. No engines: its own, or espeak in another language than English.
        language: as espeak-ng calls it: 'en', 'de', 'pt-br'.
        sound_alikes: so many of the words and phrases that sound most like a word are spoken too, and parts and splices
            of it, `count` clips in all; they go to the folder `_unknown_`. 0: none.
        lexicon: where those are looked for: a list of words of the language; none: the English lexicon.
        rate_hz: sampling rate, 8,000 to 48,000; there is nothing above 8 kHz in the sound.
        workers: processes; none: one a core; 0: this process; or a cluster.
        dry_run: only find the sound-alikes.
        progress: show a bar.

    Raises:
        SettingError: no word, no engine for the language, no such voice, a count or rate out of range.
        ToolError: an engine's package or program is missing.
        DataError: an engine failed, nothing came out right, or a file cannot be written.
    """
    start = time.perf_counter()
    _check(words, count, sound_alikes, rate_hz)
    lists = _word_list(lexicon, language) if sound_alikes else None
    alikes = {word: find_alikes(word, sound_alikes, lists) for word in words} if sound_alikes else {}
    if dry_run:
        return SynthesizeResult(folder=None, labels={}, engines=(), made=0, missing=0, seconds=0.0, alikes=alikes)
    spoken = _engines(engines, language)
    voice = _Voice(engines=spoken or KEYWORD_ENGINES, voices=_patterns(voices), seed=seed)
    other = replace(voice, engines=spoken or ALIKE_ENGINES)
    batches = [_keywords(words, count, voice, variation)]
    batches += [batch for word in alikes for batch in _negatives(word, count, sound_alikes, lists, other)]
    done = _fill(batches, Path(out), rate_hz, workers, progress)
    return SynthesizeResult(
        folder=Path(out), labels=dict(Counter(row["label"] for row in done.rows)), engines=engine_lines(done.rows),
        made=done.made, missing=done.missing, seconds=time.perf_counter() - start, alikes=alikes,
    )  # fmt: skip


def voice_list(engines: Sequence[str] = (), voices: Sequence[str] = (), language: str = "en") -> VoiceList:
    """The voices of engines (none: the built-in ones) that match one of the patterns (none: all).

    Raises:
        SettingError: there is no such engine.
    """
    chosen = tuple(_engines(engines, language) or LISTED)
    return VoiceList(engines=list_voices(chosen, voices), names=bool(engines or voices))


def _check(words: Sequence[str], count: int, sound_alikes: int, rate_hz: int) -> None:
    if not words:
        raise SettingError("there is no word to say", "give one, such as: synthesize alexa --out clips")
    if count < 1 or sound_alikes < 0:
        raise SettingError(f"{count} clips and {sound_alikes} sound-alikes are no numbers of clips", "give 1 or more")
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise SettingError(f"a rate of {rate_hz} Hz is out of range", f"give {RATES_HZ[0]} to {RATES_HZ[1]}")


def _word_list(lexicon: Path | str, language: str) -> WordList | None:
    if lexicon:
        return WordList(path=str(lexicon), language=language)
    if _is_english(language):
        return None
    raise SettingError(f"the lexicon is English, not {language!r}", "give a list of words: --lexicon FILE")


def _engines(engines: Engines, language: str) -> dict[str, float]:
    """Engines for a language with their shares; empty where the usual ones will do."""
    shares = dict(engines) if isinstance(engines, Mapping) else dict.fromkeys(engines, 1.0)
    if language == "en":
        return shares
    shares = shares or {"espeak": 1.0}
    spoken = {f"espeak:{language}" if engine == "espeak" else engine: share for engine, share in shares.items()}
    for engine in spoken:
        if not _is_english(language) and shared_engine(engine).reads_phonemes:
            hint = f"use espeak, or a Piper voice of that language, such as piper:de_DE-thorsten-medium for {'de'!r}"
            raise SettingError(f"{engine} speaks English, not {language!r}", hint)
    return spoken


def _patterns(voices: Voices) -> tuple[str, ...]:
    return (voices,) if isinstance(voices, str) else tuple(voices)


def _is_english(language: str) -> bool:
    return language == "en" or language.startswith("en-")


def _keywords(words: Sequence[str], count: int, voice: _Voice, variation: Variation) -> Batch:
    folders = {text: folder_name(text) for text in (word.strip() for word in words)}
    texts = Said(tuple(folders), variation)
    return Batch(source=voice.source(texts, count * len(folders), variation), folders=folders)


def _fill(batches: Sequence[Batch], folder: Path, rate_hz: int, workers: Workers, progress: bool) -> Filled:
    read_manifest(folder)
    for batch in batches:
        batch.source.check()
    done = fill(batches, folder, rate_hz=rate_hz, workers=workers, progress=progress)
    if not done.rows:
        raise DataError("no clip came out right", "try other engines or voices: --list-voices shows them")
    update_manifest(folder, done.rows)
    return done


def _negatives(word: str, count: int, nearest: int, lists: WordList | None, voice: _Voice) -> list[Batch]:
    """Sound-alikes; a quarter of them parts and splices, where an engine reads phonemes; an eighth single words of a
    keyword of several."""
    runs, readers = word_parts(word), voice.readers()
    n_runs, n_parts = count // 8 if runs else 0, count // 4 if readers.engines else 0
    sources = [voice.source(SoundAlikes(word, nearest, lists), count - n_runs - n_parts)]
    if n_parts:
        sources.append(readers.source(Parts(word), n_parts))
    if n_runs:
        sources.append(voice.source(Said(runs), n_runs))
    return [Batch(source=source, folder=ALIKE_FOLDER) for source in sources]
