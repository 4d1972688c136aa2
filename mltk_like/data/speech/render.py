"""Making the clips that are missing, in processes of their own."""

import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Never

import numpy as np
import numpy.typing as npt

from mltk_like.audio.wav import read_audio
from mltk_like.cluster import Cluster, Workers
from mltk_like.data.speech.engines import shared_engine
from mltk_like.data.speech.finish import SAMPLE_RATE, fault, finish, letters, wav_bytes
from mltk_like.data.speech.lexicon import pronounce
from mltk_like.data.speech.morph import Morph, Voice, analyse, speak_as
from mltk_like.data.speech.phonemes import phones
from mltk_like.data.speech.utterance import Utterance
from mltk_like.errors import DataError, MltkLikeError
from mltk_like.paths import write_bytes
from mltk_like.processes import usable_cores
from mltk_like.signals import serve_parent, workers_start
from mltk_like.terminal import make_printable

if TYPE_CHECKING:
    from tqdm.auto import tqdm

REJECTED = ".rejected"
"""Suffix of the empty file that stands for an utterance that no draw made sound right."""

_DRAWS = 4
_CHUNK = 8  # clips of one task: small enough that a stop is quick, large enough that the queue costs nothing
_MOST_WORKERS = 8  # each holds up to 0.5 GB of models

Job = tuple[Utterance, str]
"""What to say, and the file to write."""


def make_clips(jobs: Sequence[Job], *, name: str, workers: Workers, progress: bool) -> None:
    """Speak what is missing and write each clip atomically; what exists already must not be among the jobs.

    Args:
        jobs: utterances and their files.
        name: shown at the progress bar.
        workers: processes; None for one a core, 0 to work in this process. Or a cluster, whose nodes speak the same
            clips, byte for byte; they are written here.
        progress: show a bar.

    Raises:
        ToolError: an engine's package is missing, or the cluster is lost.
        DataError: an engine failed, a worker was killed, or the disk is full.
    """
    for engine in sorted({utterance.engine for utterance, _ in jobs}):
        shared_engine(engine).check()
    ordered = _in_order(jobs)
    chunks = [ordered[at : at + _CHUNK] for at in range(0, len(ordered), _CHUNK)]
    from tqdm.auto import tqdm

    with tqdm(total=len(jobs), desc=name, unit="clip", disable=not progress) as bar:
        if isinstance(workers, Cluster):
            rejected = _on_cluster(chunks, workers, bar)
        elif workers == 0:
            rejected = 0
            for chunk in chunks:
                rejected += speak(chunk)
                bar.update(len(chunk))
        else:
            count = min(workers or _cores(), len(chunks))
            rejected = _in_processes(chunks, count, bar)
    if rejected:
        logging.getLogger(__name__).warning(
            "%s: %d of %d clips came out wrong and are left out", name, rejected, len(jobs)
        )


def speak(jobs: Sequence[Job]) -> int:
    """Speak and write some clips in this process; returns how many had to be rejected.

    A clip that `finish.fault` refuses is drawn again with the next seed, three times at most; then an empty file with
    the suffix `REJECTED` keeps it from being tried in every run.

    Raises:
        MltkLikeError: as it was, when an engine raises one; any other failure is a DataError that names the utterance.
    """
    rejected = 0
    for target, data in _spoken(jobs):
        rejected += not data
        _write(target, data)
    return rejected


def _write(target: str, data: bytes) -> None:
    write_bytes(Path(target if data else target + REJECTED), data)


def _spoken(jobs: Sequence[Job]) -> Iterator[tuple[str, bytes]]:
    """(file, content) of each clip; no content: rejected."""
    for utterance, target in jobs:
        try:
            yield target, _render(utterance)
        except MltkLikeError:
            raise
        except Exception as error:
            said = f"'{utterance.text or utterance.phonemes}' by {utterance.group}"
            raise DataError(
                f"cannot speak {said}: {type(error).__name__}: {error}", f"the whole utterance: {utterance}"
            ) from error


def _speak_on_node(jobs: Sequence[Job]) -> list[tuple[str, bytes]]:
    return list(_spoken(jobs))


def _on_cluster(chunks: Sequence[Sequence[Job]], cluster: Cluster, bar: "tqdm[Never]") -> int:
    rejected = 0
    for _, clips in cluster.run(_speak_on_node, chunks):
        for target, data in clips:
            rejected += not data
            _write(target, data)
        bar.update(len(clips))
    return rejected


def _render(utterance: Utterance) -> bytes:
    morph = Morph.of(utterance)
    clip = _morphed(utterance, morph) if morph else _clip(utterance)
    return wav_bytes(clip) if clip.size else b""


def _clip(utterance: Utterance) -> npt.NDArray[np.int16]:
    """A clip as its engine says it; empty where no draw sounds right."""
    engine = shared_engine(utterance.engine)
    phonemes = _phonemes(utterance)
    for draw in range(_DRAWS):
        audio, rate = engine.render(utterance, phonemes, utterance.seed + draw)
        clip = finish(audio, rate, utterance.shift)
        if not fault(clip, _sounds(utterance, phonemes), utterance.speed):
            return clip
    return np.zeros(0, np.int16)


# What was taken apart last serves all morphs of it: they follow each other.
@lru_cache(maxsize=4)
def _voice(utterance: Utterance) -> Voice | None:
    path = utterance.path()
    clip = read_audio(path, SAMPLE_RATE) if path.exists() else _clip(utterance)
    return analyse(clip.astype(np.float32) / np.float32(32768), SAMPLE_RATE) if clip.size else None


def _morphed(utterance: Utterance, morph: Morph) -> npt.NDArray[np.int16]:
    voice = _voice(utterance.base)
    if voice is None:
        return np.zeros(0, np.int16)
    clip = finish(speak_as(voice, morph), SAMPLE_RATE)
    wrong = fault(clip, _sounds(utterance, _phonemes(utterance)), utterance.speed * morph.tempo)
    return clip[:0] if wrong else clip


def _phonemes(utterance: Utterance) -> str:
    reads = shared_engine(utterance.engine).reads_phonemes
    return utterance.phonemes or (pronounce(utterance.text) if reads else "")


def _sounds(utterance: Utterance, phonemes: str) -> int:
    return len(phones(phonemes)) if phonemes else letters(utterance.text)


def _in_order(jobs: Sequence[Job]) -> list[Job]:
    """Jobs of one engine go together, for a worker then seldom holds more than one model at a time; and the morphs of
    a clip follow it, so that one worker says it once."""
    first: dict[Utterance, int] = {}
    for utterance, _ in jobs:
        first.setdefault(utterance.base, len(first))
    return sorted(jobs, key=lambda job: (job[0].engine, first[job[0].base], job[0] != job[0].base))


def _in_processes(chunks: Sequence[Sequence[Job]], count: int, bar: "tqdm[Never]") -> int:
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with workers_start():
        pool = ProcessPoolExecutor(count, mp_context=context, initializer=_start_worker)
    rejected = 0
    try:
        with workers_start():
            tasks: dict[Future[int], int] = {pool.submit(_speak_in_worker, chunk): len(chunk) for chunk in chunks}
        for done in as_completed(tasks):
            rejected += done.result()
            bar.update(tasks[done])
    except BrokenProcessPool as error:
        hint = "start again to go on where it stopped; with fewer workers if memory ran out"
        raise DataError("a speech worker was killed", hint) from error
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return rejected


def _speak_in_worker(jobs: Sequence[Job]) -> int:
    try:
        return speak(jobs)
    except SystemExit:
        # The pool's own loop would report it as this task's result and go on with the next.
        os._exit(1)


def _start_worker() -> None:
    """A termination runs the clean-up of a half-written file."""
    make_printable()
    serve_parent()
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _cores() -> int:
    return min(usable_cores(), _MOST_WORKERS)
