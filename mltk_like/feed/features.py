"""Windows of ready features: rows of arrays, scaled once into a file that workers map."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.spectrum import SpectrumSettings
from mltk_like.data.arrays import read_array
from mltk_like.data.clip import Clip
from mltk_like.data.features import ARRAY, SCALE, Features, mixed
from mltk_like.data.source import checked_sources
from mltk_like.errors import DataError, SettingError
from mltk_like.feed.packs import pack_path
from mltk_like.feed.plan import EpochPlan, plan_cuts
from mltk_like.feed.windows import Batch, Origin, SplitFiles, Window, WindowMaker
from mltk_like.mixins import AudioDatasetMixin
from mltk_like.paths import atomic_path

_BLOCK_ROWS = 4096
# Settings that ask for sound, with the value that does not.
_NEED_SOUND = {"standardize": False, "mining_rounds": 0, "embedding_teachers": 0}


def open_windows(model: Any, files: SplitFiles) -> WindowMaker:
    """What makes the windows of a split: of sound, or of ready features."""
    return FeatureMaker(model, files) if files.features is not None else WindowMaker(model, files)


def feature_sources(model: AudioDatasetMixin) -> list[Features]:
    """The model's sources where they are ready features; none where they are sound.

    Raises:
        SettingError: some are features, others sound.
    """
    sources = checked_sources(model.sources())
    ready = [source for source in sources if isinstance(source, Features)]
    if ready and len(ready) < len(sources):
        raise mixed(next(source.name for source in sources if not isinstance(source, Features)))
    return ready


def check_features(model: Any, sources: Sequence[Features]) -> None:
    """Refuse ready features that do not fit a model, and settings that ask for sound.

    Args:
        model: a specification with AudioDatasetMixin and TrainMixin.
        sources: those of its sources that are ready features.

    Raises:
        SettingError: a setting needs sound.
        DataError: a file cannot be read, its shape is another than that of the front end, or its numbers need a scale.
    """
    for name, off in _NEED_SOUND.items():
        if sources and getattr(model, name, off) != off:
            raise SettingError(f"{name} needs sound, and the sources are ready features", f"set {name} = {off}")
    if sources and getattr(model, "rank_by", "") == "streams":
        raise SettingError("rank_by = 'streams' needs sound, and the sources are ready features", "use 'accuracy'")
    for source in sources:
        source.check(model.input_shape, scaled=isinstance(model.frontend, SpectrumSettings))


def note_on_features(model: Any) -> str:
    """What a training on ready features leaves out, in one sentence."""
    cls = type(model)
    hooks = [name for name in ("augment_clip", "augment") if getattr(cls, name) is not getattr(AudioDatasetMixin, name)]
    left = f"{' and '.join(hooks)} {'is' if len(hooks) == 1 else 'are'} not called, and " if hooks else ""
    return f"ready features have no sound: {left}the model is judged by single windows alone"


def open_features(model: Any, clips: Sequence[Clip]) -> SplitFiles:
    """A split of ready features as a file of int8 rows, which is kept in the cache.

    Raises:
        DataError: a file cannot be read, a row is of another shape or no number, or the cache cannot be written.
    """
    path = pack_path(f"{_fingerprint(model, clips)}.npy")
    if not path.is_file():
        _pack(model, clips, path)
    return SplitFiles(
        speech=path,
        features=path,
        labels=tuple(clip.label for clip in clips),
        names=tuple(clip.name for clip in clips),
        weights=tuple(clip.weight for clip in clips),
    )


def quantised(values: NDArray[Any], scale: tuple[float, float] | None) -> NDArray[np.int8]:
    """Numbers as int8: int8 as they are, uint8 less 128, others by their scale; see `data.Features`.

    Raises:
        DataError: there is no scale for them, or one is no number.
    """
    if values.dtype == np.int8:
        return np.asarray(values, dtype=np.int8)
    if values.dtype == np.uint8:
        return (values.astype(np.int16) - 128).astype(np.int8)
    if scale is None:
        raise DataError(f"features of {values.dtype} need a scale", "data.Features(scale=(low, high))")
    low, high = scale
    floats = values.astype(np.float64)
    if not np.isfinite(floats).all():
        raise DataError("features hold what is no number (NaN or infinity)", "leave out those rows, or replace them")
    levels = np.clip(np.rint((floats - low) / (high - low) * 255), 0, 255) - 128
    return levels.astype(np.int8)


class FeatureMaker(WindowMaker):
    """Every row of each class once a pass, shuffled; `augment_features` changes it where the model has that.

    Args:
        model: a model with AudioDatasetMixin and TrainMixin.
        files: a split that `open_features` opened.
        masks: whether `augment_features` is called.
    """

    def __init__(self, model: Any, files: SplitFiles, *, masks: bool = True) -> None:
        assert files.features is not None
        self._prepare(model, files)
        self._masks &= masks
        self._rows: NDArray[np.int8] = np.load(files.features, mmap_mode="r")

    @property
    def window_bytes(self) -> int:
        """Memory that the features of one window take."""
        return self._time * self._bands

    def window(self, index: int) -> Window:
        """Raises DataError: a row of features has no sound."""
        raise DataError("ready features have no sound that could be heard or shown", "look at them with NumPy")

    def batch(self, first: int, count: int, begun: Callable[[int], None] | None = None) -> Batch:
        """Windows `first` to `first + count`, counted over all passes; see `WindowMaker.batch`."""
        self._check_not_empty()
        rows, labels = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        for at in range(count):
            number, place = divmod(first + at, len(self))
            plan = self._plan(number)
            rows[at], labels[at] = plan.clips[place], plan.labels[place]
            if begun is not None:
                begun(first + at)
        features = np.asarray(self._rows[rows]).reshape(count, self._time, 1, self._bands)
        if self._masks:
            self._mask(features, first)
        origins = np.full(count, Origin.OTHER, dtype=np.int64)
        return Batch(features=features, labels=labels, first=first, origins=origins, words=labels)

    def _draw(self, number: int) -> EpochPlan:
        ones = np.ones(len(self._files.labels), dtype=np.int64)
        files = self._files
        return plan_cuts(self._recipe, files.labels, ones, number, window=1, stride=1, weights=files.weights)


def _pack(model: Any, clips: Sequence[Clip], path: Path) -> None:
    time, _, bands = model.input_shape
    by_file: dict[tuple[Path, str, str], list[int]] = {}
    for at, clip in enumerate(clips):
        by_file.setdefault((clip.path, clip.details.get(ARRAY, ""), clip.details.get(SCALE, "")), []).append(at)
    with atomic_path(path) as temporary:
        packed = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.int8, shape=(len(clips), time, bands))
        for (file, name, scale), places in by_file.items():
            values = read_array(file, name)
            rows = np.array([clips[at].row for at in places], dtype=np.int64)
            fits = values.shape[1:] in ((time, bands), (time, 1, bands), (time, bands, 1))
            if not fits or (len(rows) and rows.max() >= len(values)):
                raise DataError(f"{file} has the shape {values.shape}", f"the model takes rows of ({time}, {bands})")
            for first in range(0, len(rows), _BLOCK_ROWS):
                block = np.asarray(values[rows[first : first + _BLOCK_ROWS]])
                into = np.array(places[first : first + _BLOCK_ROWS])
                packed[into] = quantised(block, _scale(model, scale)).reshape(len(block), time, bands)
        packed.flush()
        del packed


def _scale(model: Any, stored: str) -> tuple[float, float] | None:
    if stored:
        low, high = map(float, stored.split())
        return low, high
    settings = model.frontend
    return (settings.scale_minimum, settings.scale_maximum) if isinstance(settings, SpectrumSettings) else None


def _fingerprint(model: Any, clips: Sequence[Clip]) -> str:
    """Changes with the files, the rows that are taken, the shape, and the scale."""
    digest = hashlib.sha1(f"features 1 {model.input_shape} {_scale(model, '')}".encode())
    for path in sorted({clip.path for clip in clips}):
        status = path.stat() if path.is_file() else None
        digest.update(f"{path}\0{status and (status.st_size, status.st_mtime_ns)}\n".encode())
    for clip in clips:
        digest.update(f"{clip.path}\0{clip.row}\0{clip.details.get(ARRAY)}\0{clip.details.get(SCALE)}\n".encode())
    return digest.hexdigest()[:20]
