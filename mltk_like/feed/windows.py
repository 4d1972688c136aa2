"""From a place in the plan to a spectrogram window. Runs in worker processes; TensorFlow stays out."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.frontend import Frontend
from mltk_like.data.clip import Clip
from mltk_like.data.noise_bank import NoiseBank
from mltk_like.data.skipped import Skipped
from mltk_like.errors import DataError, MltkLikeError, SettingError, ToolError
from mltk_like.feed.heard import Heard
from mltk_like.feed.mined import load_mined
from mltk_like.feed.plan import EpochPlan, Kind, Recipe, plan_cuts, plan_epoch, unknown_class
from mltk_like.feed.room_sounds import open_noise_bank
from mltk_like.feed.scene import Samples, Stage, compose, cut_excerpt, cut_mined, cut_out, cut_part, trim_silence
from mltk_like.feed.store import ClipStore
from mltk_like.mixins import AudioDatasetMixin, TrainMixin
from mltk_like.model import Model

# Of long speech so many times the stage is augmented: more than can be heard, also when it is sped up.
_EXCERPT = 1.5


@dataclass(frozen=True, kw_only=True)
class SplitFiles:
    """One split as files that a worker opens: paths of clip stores; label, name, family and weight of each clip,
    whether an engine said it, and which companion word it holds (-1: none).

    `mined` is what `save_mined` wrote: windows of these clips that the model took for a keyword. `streams` are clips
    that no window is made of: they are heard as streams, from their own files. `skipped` are those that cannot be read.
    `features` is a file of ready windows, in place of sound.
    With `embedding`, the two files of the speech embedding, windows are what that hears of them.
    """

    speech: Path
    labels: tuple[str, ...]
    names: tuple[str, ...]
    families: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    synthetic: tuple[bool, ...] = ()
    companions: tuple[int, ...] = ()
    ambience: Path | None = None
    microphone: Path | None = None
    babble: Path | None = None
    rooms: Path | None = None
    mined: Path | None = None
    embedding: tuple[Path, Path] | None = None
    features: Path | None = None
    streams: tuple[Clip, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def open_noise_bank(self) -> NoiseBank:
        """The split's noise and rooms, memory-mapped."""
        return open_noise_bank(ambience=self.ambience, microphone=self.microphone, babble=self.babble, rooms=self.rooms)


class Origin(IntEnum):
    """What is heard in a window: unknown speech of an engine or of people, or something else."""

    OTHER = -1
    SYNTHETIC = 0
    RECORDED = 1


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Windows with their classes.

    Attributes:
        features: int8 (windows, time, 1, bands); where the split has an `embedding`:
            float32 (windows, 2, steps, 96), as `Heard` gives them.
        labels: int64 (windows,): class index.
        first: index of the first window, counted over all passes.
        origins: int64 (windows,): an `Origin`; empty where nobody asks for them.
        words: int64 (windows,): class index, or number of classes + index of the companion word; empty likewise.
        told: float32 (windows, classes + numbers): what teachers say of them, as logarithms of probabilities, and what
            the speech embedding hears in them, where the net learns that too; empty likewise.
        seconds: CPU seconds spent, by stage ('decode', 'augment', 'frontend').
    """

    features: NDArray[Any]
    labels: NDArray[np.int64]
    first: int = 0
    origins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    words: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    told: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Window:
    """One window, as it is heard and as the net sees it.

    Attributes:
        scene: float32 (samples,): warm-up and window together, augmented.
        features: int8 (time, 1, bands).
        label: class index.
        clip: the clip's name, or 'a window of silence'.
        number: the pass, from 0.
        place: where it stands in the pass.
    """

    scene: Samples
    features: NDArray[np.int8]
    label: int
    clip: str
    number: int
    place: int


class WindowMaker:
    """Makes any window of one split; window i is a pure function of the settings, the clips and i.

    Args:
        model: a model with AudioDatasetMixin and TrainMixin.
        files: the split.
    """

    def __init__(self, model: Any, files: SplitFiles) -> None:
        self._prepare(model, files)
        settings = model.frontend
        self._speech = ClipStore(files.speech)
        self._sounds = files.open_noise_bank()
        self._unknown_clips = np.flatnonzero([label == "_unknown_" for label in files.labels])
        # One more entry for windows without a clip, whose index is -1.
        self._companions = np.array([*(files.companions or [-1] * len(files.labels)), -1], dtype=np.int64)
        self._mined = None if files.mined is None else load_mined(files.mined)
        self._stride = model.window_stride_ms * settings.sample_rate_hz // 1000
        self._stage = Stage(
            warm_up=model.warm_up_ms * settings.sample_rate_hz // 1000,
            window=settings.sample_length,
            sample_rate_hz=settings.sample_rate_hz,
            lead_in_fraction=model.lead_in_fraction,
            keyword_end=_samples(model.keyword_end_ms, settings.sample_rate_hz),
        )
        self._excerpt = int(_EXCERPT * self._stage.length)
        self._frontend = Frontend(settings, "int8")
        rate, length = settings.sample_rate_hz, self._stage.length
        self._heard = None if files.embedding is None else Heard(files.embedding, rate, length)

    def _prepare(self, model: Any, files: SplitFiles) -> None:
        """What windows of any kind need of a model and a split."""
        if not (isinstance(model, Model) and isinstance(model, AudioDatasetMixin) and isinstance(model, TrainMixin)):
            raise MltkLikeError(f"{type(model).__name__} lacks AudioDatasetMixin or TrainMixin", "add it to the bases")
        self._model = model
        self._files = files
        self._unknown = unknown_class(model.classes)
        self._companions = np.full(len(files.labels) + 1, -1, dtype=np.int64)
        # One more entry for windows without a clip, whose index is -1.
        origins = [Origin.SYNTHETIC if flag else Origin.RECORDED for flag in files.synthetic]
        self._origins = np.array([*(origins or [Origin.OTHER] * len(files.labels)), Origin.OTHER], dtype=np.int64)
        multiplier, silence = model.unknown_shares
        self._recipe = Recipe(
            classes=model.classes,
            unknown_multiplier=multiplier,
            silence_fraction=silence,
            cropped_fraction=model.cropped_fraction,
            seed=model.seed,
            undersample=model.undersample,
            mined_fraction=model.mined_fraction,
            companion_fraction=model.companion_fraction,
        )
        self._time, self._bands = model.frontend.spectrogram_shape
        self._masks = type(model).augment_features is not AudioDatasetMixin.augment_features
        self._plans: dict[int, EpochPlan] = {}

    def __len__(self) -> int:
        """Windows in one pass over the keyword clips."""
        return len(self._plan(0))

    @property
    def window_bytes(self) -> int:
        """Memory that the features of one window take."""
        silence = np.zeros((1, self._stage.length), dtype=np.float32)
        return int(self._frontend(silence, last=self._time).nbytes)

    def class_counts(self) -> NDArray[np.int64]:
        """Windows of each class in one pass: int64 (classes,)."""
        return np.bincount(self._plan(0).labels, minlength=len(self._recipe.classes))

    def labels(self, number: int) -> NDArray[np.int64]:
        """Class index of each window of a pass: int64 (windows,)."""
        return self._plan(number).labels

    def origins(self, number: int) -> NDArray[np.int64]:
        """The `Origin` of each window of a pass: int64 (windows,)."""
        return self._origins_of(self._plan(number), slice(None))

    def mined(self, count: int) -> NDArray[np.bool_]:
        """Which of the first `count` windows, over all passes, are mined ones: (count,)."""
        passes = range(-(-count // max(len(self), 1)))
        kinds = [self._plan(number).kinds for number in passes]
        marked: NDArray[np.bool_] = np.concatenate([np.zeros(0, np.int8), *kinds])[:count] == Kind.MINED
        return marked

    def name(self, index: int) -> str:
        """What window `index` shows, in words: its clip, its pass, its place there."""
        number, place = divmod(index, len(self))
        return f"{self.clip_name(index)} (pass {number}, window {place})"

    def clip_name(self, index: int) -> str:
        """The clip that window `index` shows, or 'a window of silence'."""
        return self._clip_name(*divmod(index, len(self)))

    def window(self, index: int) -> Window:
        """One window with the sound that it was made from. Raises as `batch` does."""
        number, place = divmod(index, len(self))
        batch = self.batch(index, 1)
        scene = self._scene(self._plan(number), number, place)[0]
        return Window(
            scene=scene, features=batch.features[0], label=int(batch.labels[0]), clip=self._clip_name(number, place),
            number=number, place=place,
        )  # fmt: skip

    def batch(self, first: int, count: int, begun: Callable[[int], None] | None = None) -> Batch:
        """Windows `first` to `first + count`, counted over all passes.

        Args:
            first: index of the first window.
            count: number of windows.
            begun: called with the index of each window before it is made.

        Raises:
            DataError: a clip could not be used; names the clip and carries the traceback. Or there is no clip at all.
        """
        self._check_not_empty()
        scenes = np.empty((count, self._stage.length), dtype=np.float32)
        quiet = np.empty_like(scenes)
        labels = np.empty(count, dtype=np.int64)
        origins, words = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        began = time.process_time()
        decode = 0.0
        for row in range(count):
            number, place = divmod(first + row, len(self))
            plan = self._plan(number)
            labels[row] = plan.labels[place]
            origins[row] = self._origins_of(plan, slice(place, place + 1))[0]
            words[row] = self._words_of(plan, slice(place, place + 1))[0]
            if begun is not None:
                begun(first + row)
            try:
                scenes[row], quiet[row], spent = self._scene(plan, number, place)
            except Exception as error:
                raise self._failure(first + row, error) from error
            decode += spent
        made = time.process_time()
        features = self._spectrograms(scenes) if self._heard is None else self._heard(scenes, quiet)
        seen = time.process_time()
        if self._masks and self._heard is None:
            self._mask(features, first)
        masked = time.process_time() - seen
        seconds = {"decode": decode, "augment": made - began - decode + masked, "frontend": seen - made}
        return Batch(features=features, labels=labels, first=first, origins=origins, words=words, seconds=seconds)

    def _check_not_empty(self) -> None:
        if not len(self):
            raise DataError(
                "a split has no clip of any class", "give sources() more voices, or mend the classes' names"
            )

    def _plan(self, number: int) -> EpochPlan:
        """The plan of a pass; the first stays and the two latest, since batches cross from one pass to the next."""
        if number not in self._plans:
            self._plans[number] = self._draw(number)
            for old in [key for key in self._plans if 0 < key < number - 1]:
                del self._plans[old]
        return self._plans[number]

    def _draw(self, number: int) -> EpochPlan:
        files, lengths = self._files, self._speech.lengths
        if self._stride:
            size = self._stage.window
            return plan_cuts(
                self._recipe, files.labels, lengths, number, window=size, stride=self._stride, weights=files.weights
            )
        given = (files.labels, lengths, number, files.families, files.weights)
        return plan_epoch(self._recipe, *given, mined=self._mined, companions=self._companions[:-1])

    def words(self, number: int) -> NDArray[np.int64]:
        """Class, or number of classes + companion word, of each window of a pass: int64 (windows,)."""
        return self._words_of(self._plan(number), slice(None))

    def _words_of(self, plan: EpochPlan, places: slice) -> NDArray[np.int64]:
        """A companion word counts where all of it is heard: not where it was mined, or cut to an excerpt."""
        companion = np.where(plan.kinds[places] == Kind.COMPANION, self._companions[plan.clips[places]], -1)
        return np.where(companion >= 0, len(self._recipe.classes) + companion, plan.labels[places])

    def _origins_of(self, plan: EpochPlan, places: slice) -> NDArray[np.int64]:
        origins = self._origins[plan.clips[places]]
        origins[(plan.labels[places] != self._unknown) | (plan.kinds[places] == Kind.CROPPED)] = Origin.OTHER
        return origins

    def _chance(self, *place: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence([self._recipe.seed, *place]))

    def _spectrograms(self, scenes: Samples) -> NDArray[np.int8]:
        windows: NDArray[np.int8] = self._frontend(scenes, last=self._time)
        return windows.reshape(len(scenes), self._time, 1, self._bands)

    def _scene(self, plan: EpochPlan, number: int, place: int) -> tuple[Samples, Samples, float]:
        """A window's sound, the same before noise and rooms, and the CPU seconds that reading the clip took."""
        rng = self._chance(number, place)
        began = time.process_time()
        if plan.starts is not None:
            scene = cut_out(self._stage, self._speech[int(plan.clips[place])], int(plan.starts[place]))
            decode = time.process_time() - began
            return self._surrounded(scene, rng), scene, decode
        kind = Kind(int(plan.kinds[place]))
        is_keyword = kind is Kind.WHOLE and plan.labels[place] != self._unknown
        # A companion word is placed as keywords are.
        clip, alone = np.zeros(0, np.float32), kind is Kind.COMPANION
        if kind is not Kind.SILENCE:
            samples = np.asarray(self._speech[int(plan.clips[place])])
            if kind is Kind.MINED and plan.ends is not None:
                samples = cut_mined(self._stage, samples, int(plan.ends[place]))
            elif kind is Kind.WHOLE and not is_keyword:
                share = self._model.excerpt_fraction
                alone = share > 0 and rng.random() < share
                rate = self._stage.sample_rate_hz
                samples = cut_excerpt(samples, rate, rng) if alone else cut_part(samples, self._excerpt, rng)
            clip = _floats(samples)
        decode = time.process_time() - began
        if kind is not Kind.SILENCE:
            trimmed = clip if kind is Kind.MINED else trim_silence(clip)
            clip = _checked("augment_clip", self._model.augment_clip(trimmed, rng, self._sounds))
        scene = compose(self._stage, kind, is_keyword or alone, clip, lambda before: self._other(rng, before), rng)
        return self._surrounded(scene, rng), scene, decode

    def _surrounded(self, scene: Samples, rng: np.random.Generator) -> Samples:
        """The scene with what the author's `augment` adds to it; the scene itself stays as it is."""
        given = scene if self._heard is None else scene.copy()
        scene = _checked("augment", self._model.augment(given, rng, self._sounds))
        if len(scene) != self._stage.length:
            raise DataError(
                f"augment returned {len(scene)} samples for {self._stage.length}", "return as many as it is given"
            )
        return scene

    def _other(self, rng: np.random.Generator, before: bool) -> Samples | None:
        """Another unknown clip: as much of its end as can be heard before a clip, or of its start after one."""
        if not len(self._unknown_clips):
            return None
        samples = np.asarray(self._speech[int(rng.choice(self._unknown_clips))])
        return _floats(samples[-self._stage.length :] if before else samples[: self._stage.length])

    def _mask(self, features: NDArray[Any], first: int) -> None:
        for row, window in enumerate(features):
            number, place = divmod(first + row, len(self))
            try:
                masked = self._model.augment_features(window, self._chance(number, place, 1))
                if not isinstance(masked, np.ndarray) or (masked.shape, masked.dtype) != (window.shape, window.dtype):
                    raise DataError("augment_features returned another shape or type", "return an array as it is given")
            except Exception as error:
                raise self._failure(first + row, error) from error
            features[row] = masked

    def _clip_name(self, number: int, place: int) -> str:
        clip = int(self._plan(number).clips[place])
        return self._files.names[clip] if clip >= 0 else "a window of silence"

    def _failure(self, index: int, error: Exception) -> MltkLikeError:
        if isinstance(error, ToolError | SettingError):
            return error  # a package that is missing, a name that is unknown: no clip's fault
        trace = "".join(traceback.format_exception(error))
        clip, _, where = self.name(index).rpartition(" (")
        return DataError(f"augmenting {clip} failed ({where}\n{trace}", "see the traceback above")


def _samples(span_ms: tuple[int, int] | None, rate: int) -> tuple[int, int] | None:
    return None if span_ms is None else (span_ms[0] * rate // 1000, span_ms[1] * rate // 1000)


def _floats(samples: NDArray[np.int16]) -> Samples:
    floats = samples.astype(np.float32)
    floats *= np.float32(1 / 32768)
    return floats


def _checked(method: str, samples: Any) -> Samples:
    """What an author's method returned; a forgotten `return` would otherwise train on silence."""
    if not isinstance(samples, np.ndarray) or samples.ndim != 1 or not np.isfinite(samples).all():
        what = f"an array of shape {samples.shape}" if isinstance(samples, np.ndarray) else type(samples).__name__
        raise DataError(f"{method} returned {what}", "return finite float32 (samples,)")
    return samples
