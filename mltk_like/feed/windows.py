"""From a place in the plan to a spectrogram window. Runs in worker processes; TensorFlow stays out."""

import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.frontend import Frontend
from mltk_like.data.noise_bank import NoiseBank
from mltk_like.errors import DataError, MltkLikeError
from mltk_like.feed.plan import EpochPlan, Kind, Recipe, plan_epoch, unknown_class
from mltk_like.feed.scene import Samples, Stage, compose, trim_silence
from mltk_like.feed.store import ClipStore
from mltk_like.mixins import AudioDatasetMixin, TrainMixin
from mltk_like.model import Model


@dataclass(frozen=True, kw_only=True)
class SplitFiles:
    """One split as files that a worker process opens: paths of clip stores; label, name and family of each clip."""

    speech: Path
    labels: tuple[str, ...]
    names: tuple[str, ...]
    families: tuple[str, ...] = ()
    ambience: Path | None = None
    microphone: Path | None = None
    babble: Path | None = None
    rooms: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Windows with their classes.

    Attributes:
        features: int8 (windows, time, 1, bands).
        labels: int64 (windows,): class index.
        seconds: CPU seconds spent, by stage ('decode', 'augment', 'frontend').
    """

    features: NDArray[np.int8]
    labels: NDArray[np.int64]
    seconds: dict[str, float] = field(default_factory=dict)


class WindowMaker:
    """Makes any window of one split; window i is a pure function of the settings, the clips and i.

    Args:
        model: a model with AudioDatasetMixin and TrainMixin.
        files: the split.
    """

    def __init__(self, model: Any, files: SplitFiles) -> None:
        if not (isinstance(model, Model) and isinstance(model, AudioDatasetMixin) and isinstance(model, TrainMixin)):
            raise MltkLikeError(f"{type(model).__name__} lacks AudioDatasetMixin or TrainMixin", "add it to the bases")
        settings = model.frontend
        self._model = model
        self._files = files
        self._speech = ClipStore(files.speech)
        self._sounds = open_noise_bank(files)
        self._frontend = Frontend(settings, "int8")
        self._time, self._bands = settings.spectrogram_shape
        self._unknown = unknown_class(model.classes)
        self._unknown_clips = np.flatnonzero([label == "_unknown_" for label in files.labels])
        self._recipe = Recipe(
            classes=model.classes,
            unknown_multiplier=model.unknown_multiplier,
            silence_fraction=model.silence_fraction,
            cropped_fraction=model.cropped_fraction,
            seed=model.seed,
        )
        self._stage = Stage(
            warm_up=model.warm_up_ms * settings.sample_rate_hz // 1000,
            window=settings.sample_length,
            sample_rate_hz=settings.sample_rate_hz,
            lead_in_fraction=model.lead_in_fraction,
        )
        self._plans: dict[int, EpochPlan] = {}

    def __len__(self) -> int:
        """Windows in one pass over the keyword clips."""
        return len(self._plan(0))

    def class_counts(self) -> NDArray[np.int64]:
        """Windows of each class in one pass: int64 (classes,)."""
        return np.bincount(self._plan(0).labels, minlength=len(self._recipe.classes))

    def batch(self, first: int, count: int) -> Batch:
        """Windows `first` to `first + count`, counted over all passes.

        Raises:
            DataError: a clip could not be used; names the clip and carries the traceback. Or there is no clip at all.
        """
        if not len(self):
            raise DataError(
                "a split has no clip of any class", "give sources() more voices, or mend the classes' names"
            )
        scenes = np.empty((count, self._stage.length), dtype=np.float32)
        labels = np.empty(count, dtype=np.int64)
        began = time.process_time()
        decode = 0.0
        for row in range(count):
            number, place = divmod(first + row, len(self))
            plan = self._plan(number)
            labels[row] = plan.labels[place]
            try:
                scenes[row], spent = self._scene(plan, number, place)
            except Exception as error:
                raise self._failure(plan, number, place, error) from error
            decode += spent
        made = time.process_time()
        features = self._frontend(scenes, last=self._time)
        seconds = {"decode": decode, "augment": made - began - decode, "frontend": time.process_time() - made}
        return Batch(features=features.reshape(count, self._time, 1, self._bands), labels=labels, seconds=seconds)

    def _plan(self, number: int) -> EpochPlan:
        """The plan of a pass; the first stays and the two latest, since batches cross from one pass to the next."""
        if number not in self._plans:
            self._plans[number] = self._draw(number)
            for old in [key for key in self._plans if 0 < key < number - 1]:
                del self._plans[old]
        return self._plans[number]

    def _draw(self, number: int) -> EpochPlan:
        return plan_epoch(self._recipe, self._files.labels, self._speech.lengths, number, self._files.families)

    def _scene(self, plan: EpochPlan, number: int, place: int) -> tuple[Samples, float]:
        rng = np.random.default_rng(np.random.SeedSequence([self._recipe.seed, number, place]))
        kind = Kind(int(plan.kinds[place]))
        began = time.process_time()
        clip = self._clip(int(plan.clips[place])) if kind is not Kind.SILENCE else np.zeros(0, np.float32)
        decode = time.process_time() - began
        if kind is not Kind.SILENCE:
            clip = _checked("augment_clip", self._model.augment_clip(trim_silence(clip), rng, self._sounds))
        is_keyword = kind is Kind.WHOLE and plan.labels[place] != self._unknown
        scene = compose(self._stage, kind, is_keyword, clip, lambda: self._other(rng), rng)
        scene = _checked("augment", self._model.augment(scene, rng, self._sounds))
        if len(scene) != self._stage.length:
            raise DataError(
                f"augment returned {len(scene)} samples for {self._stage.length}", "return as many as it is given"
            )
        return scene, decode

    def _clip(self, index: int) -> Samples:
        return self._speech[index].astype(np.float32) * np.float32(1 / 32768)

    def _other(self, rng: np.random.Generator) -> Samples | None:
        if not len(self._unknown_clips):
            return None
        return self._clip(int(rng.choice(self._unknown_clips)))

    def _failure(self, plan: EpochPlan, number: int, place: int, error: Exception) -> DataError:
        clip = int(plan.clips[place])
        name = self._files.names[clip] if clip >= 0 else "a window of silence"
        trace = "".join(traceback.format_exception(error))
        return DataError(
            f"augmenting {name} failed (pass {number}, window {place})\n{trace}", "see the traceback above"
        )


def _checked(method: str, samples: Any) -> Samples:
    """What an author's method returned; a forgotten `return` would otherwise train on silence."""
    if not isinstance(samples, np.ndarray) or samples.ndim != 1 or not np.isfinite(samples).all():
        what = f"an array of shape {samples.shape}" if isinstance(samples, np.ndarray) else type(samples).__name__
        raise DataError(f"{method} returned {what}", "return finite float32 (samples,)")
    return samples


def open_noise_bank(files: SplitFiles) -> NoiseBank:
    """The noise and rooms of a split, memory-mapped."""

    def recordings(path: Path | None) -> list[NDArray[np.int16]]:
        if path is None:
            return []
        store = ClipStore(path)
        return [store[index] for index in range(len(store))]

    rooms: list[Samples] = []
    if files.rooms is not None:
        with np.load(files.rooms) as archive:
            rooms = [archive[name] for name in archive.files]
    return NoiseBank(
        ambience=recordings(files.ambience),
        microphone=recordings(files.microphone),
        babble=recordings(files.babble),
        rooms=rooms,
    )
