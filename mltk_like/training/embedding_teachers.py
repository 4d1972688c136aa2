"""Teachers that hear more than the net: small heads on Google's speech embedding, and what they say of each window.

A small head on an embedding that was learned on very many people tells a keyword from other speech far better than a
net for a microcontroller that heard some hours (J. Lin et al., arXiv:2002.01322, section 4). It is too large to run
there, but the net can learn its answers, and with `embedding_features` the embedding itself. Embeddings cost several
times what the front end does, so they are made once, of a stock of windows that the net's training then goes through
again and again.
"""

import io
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import DataError, SettingError
from mltk_like.feed.heard import check_heard
from mltk_like.feed.pool import BatchSource, Task
from mltk_like.feed.windows import Batch
from mltk_like.paths import write_bytes
from mltk_like.training.heads import HEARD_NUMBERS
from mltk_like.training.teachers import Teachers

ANSWERS = "answers.npy"
"""What the heads say of each window of the stock, and what the embedding hears in it where the net learns that too, in
the run's folder of checkpoints."""
STOCK = "heard"
"""Folder of embeddings there, until the heads have answered."""

_COLUMNS = ("heard", "labels", "origins")
_BLOCK = 50  # batches in a file of the stock
_PASSES = 6  # of the heads over the stock
_BATCH, _RATE, _WEIGHT_DECAY, _MOMENTUM = 100, 1e-3, 1e-2, 0.999
_UNITS = (64, 32)
_CONFUSION = 0.3
_DIRECTIONS_OF, _BLOCK_ROWS = 32_500, 5000  # windows whose principal components are sought; that are turned at once


def check_embedding(model: Any) -> None:
    """Raise SettingError where `embedding_teachers` does not go with the other settings."""
    if not model.embedding_teachers:
        return
    if model.mining_rounds > 1 or (model.mining_rounds and not model.teachers):
        problem = "with embedding_teachers there is one round of mining, by the teachers, before the net is trained"
        raise SettingError(problem, "set mining_rounds to 1 and teachers to 1 or more, or mining_rounds to 0")
    rate = model.frontend.sample_rate_hz
    check_heard(rate, (model.warm_up_ms + model.frontend.sample_length_ms) * rate // 1000)


class OpensFeed(Protocol):
    """Opens a feed of the training split."""

    def __call__(self) -> AbstractContextManager[BatchSource]:
        """The feed, whose batches are embeddings."""


def stock_size(model: Any) -> int:
    """Windows that are heard: a whole number of batches."""
    batch = int(model.batch_size)
    return max(int(model.embedding_windows) // batch, 1) * batch


def hear_and_answer(
    model: Any, folder: Path, open_feed: OpensFeed, *, mined: NDArray[np.bool_] | None = None, progress: bool = True
) -> NDArray[np.float32]:
    """What heads on the speech embedding say of the first windows of a training.

    What was heard before an interruption is not heard again; the answers stay in `answers.npy`.

    Args:
        model: a model with TrainMixin and AudioDatasetMixin, and `embedding_teachers`.
        folder: of the run's checkpoints.
        open_feed: opens the feed of the training split whose batches are embeddings.
        mined: which of the windows a net chose, (windows,). The heads answer for these, and do not learn from them:
            what they would learn is to say "not the word" wherever a net is in doubt.
        progress: show bars.

    Returns:
        float32 (windows, classes), or with `embedding_features` (windows, classes + 64). Logarithms of probabilities:
        the mean of all heads, over each window as it is heard with noise and without. Then the principal components of
        what is heard without noise, of a variance of 1 on average.

    Raises:
        DataError: a file cannot be written or read again; a clip cannot be used.
        ToolError: a worker process died.
    """
    path = folder / ANSWERS
    if not path.is_file():
        _hear(model, folder / STOCK, open_feed, progress)
        stock = _read_stock(folder / STOCK)
        answers = _answers(model, stock, mined, progress)
        if model.embedding_features:
            answers = np.concatenate([answers, principal_components(stock.heard[:, -1], HEARD_NUMBERS)], axis=1)
        buffer = io.BytesIO()
        np.save(buffer, answers)
        write_bytes(path, buffer.getvalue())
    shutil.rmtree(folder / STOCK, ignore_errors=True)
    try:
        found: NDArray[np.float32] = np.load(path, allow_pickle=False)
    except Exception as error:  # whatever NumPy and its decompressors make of damaged bytes
        raise DataError(f"cannot read the teachers' answers {path}: {error}", "delete the file and resume") from error
    if found.shape != (stock_size(model), model.n_classes + (HEARD_NUMBERS if model.embedding_features else 0)):
        raise DataError(f"{path} is of other windows: {found.shape}", "delete the file and resume")
    return found


@dataclass(frozen=True, kw_only=True)
class _Stock:
    """Windows that were heard: float16 (windows, 2, steps, 96), int64 (windows,) and int64 (windows,)."""

    heard: NDArray[np.float16]
    labels: NDArray[np.int64]
    origins: NDArray[np.int64]


def _hear(model: Any, folder: Path, open_feed: OpensFeed, progress: bool) -> None:
    """Embeddings of the stock, block by block, each in a file that is there whole or not at all."""
    from tqdm.auto import tqdm

    batch, total = model.batch_size, stock_size(model)
    size = _BLOCK * batch
    missing = [first for first in range(0, total, size) if not _block(folder, first).is_file()]
    if not missing:
        return
    tasks = (Task(first=at, count=batch) for first in missing for at in range(first, min(first + size, total), batch))
    with open_feed() as feed, tqdm(total=total, desc="hear", unit="window", disable=not progress) as bar:
        bar.update(total - sum(min(size, total - first) for first in missing))
        batches = feed.batches(tasks)
        for first in missing:
            block = []
            for _ in range(first, min(first + size, total), batch):
                block.append(next(batches))
                bar.update(batch)
            _write_block(_block(folder, first), block)


def _block(folder: Path, first: int) -> Path:
    return folder / f"windows-{first:07d}.npz"


def _write_block(path: Path, batches: list[Batch]) -> None:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        heard=np.concatenate([batch.features for batch in batches]).astype(np.float16),
        labels=np.concatenate([batch.labels for batch in batches]),
        origins=np.concatenate([batch.origins for batch in batches]),
    )
    write_bytes(path, buffer.getvalue())


def _read_stock(folder: Path) -> _Stock:
    blocks = [_read_block(path) for path in sorted(folder.glob("windows-*.npz"))]
    return _Stock(**{name: np.concatenate([block[name] for block in blocks]) for name in _COLUMNS})


def _read_block(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in _COLUMNS}
    except Exception as error:  # whatever NumPy and its decompressors make of damaged bytes
        raise DataError(f"cannot read {path}: {error}", "delete the file and resume") from error


def _answers(model: Any, stock: _Stock, mined: NDArray[np.bool_] | None, progress: bool) -> NDArray[np.float32]:
    """Train the heads on what is heard with noise, and let them answer for both."""
    from tqdm.auto import tqdm

    heads = _heads(model, stock.heard)
    rng = np.random.default_rng([model.seed, 0x4EAD])
    learnt = np.arange(len(stock.labels)) if mined is None else np.flatnonzero(~mined)
    size = min(_BATCH, len(learnt))
    steps = max(_PASSES * len(learnt) // size, 1)
    order = np.concatenate([rng.permutation(learnt) for _ in range(_PASSES)])
    for number in tqdm(range(steps), desc="heads", unit="step", disable=not progress):
        rows = order[number * size : (number + 1) * size]
        labels, origins = stock.labels[rows], stock.origins[rows]
        batch = Batch(features=stock.heard[rows, 0], labels=labels, origins=origins, words=labels)
        heads.step(batch, _rate(number, steps), number)
    heads.swap_mean()
    said = [heads.say(stock.heard[:, heard]) for heard in range(stock.heard.shape[1])]
    mean: NDArray[np.float32] = np.mean(said, axis=0, dtype=np.float32)
    return mean


def principal_components(heard: NDArray[np.float16], count: int) -> NDArray[np.float32]:
    """The directions in which windows differ most, of a variance of 1 on average.

    Directions come of at most 32,500 windows. Where there are fewer than `count` the rest is 0.

    Args:
        heard: float16 (windows, steps, numbers).
        count: how many.

    Returns:
        float32 (windows, count).
    """
    flat = heard.reshape(len(heard), -1)
    sample = flat[:: -(-len(flat) // _DIRECTIONS_OF)].astype(np.float32)
    mean = sample.mean(axis=0)
    sample -= mean
    variances, directions = np.linalg.eigh(sample.T @ sample / len(sample))
    variances, directions = variances[::-1][:count], directions[:, ::-1][:, :count]
    scale = np.sqrt(max(float(variances.sum()), 1e-12) / count)
    found = np.zeros((len(flat), count), np.float32)
    for first in range(0, len(flat), _BLOCK_ROWS):
        rows = slice(first, first + _BLOCK_ROWS)
        found[rows, : directions.shape[1]] = (flat[rows].astype(np.float32) - mean) @ directions / scale
    return found


def _rate(number: int, steps: int) -> float:
    """A short rise, then half a cosine down to almost nothing."""
    rise = min(1.0, (number + 1) / (0.08 * steps))
    return float(_RATE * rise * (0.5 * (1 + np.cos(np.pi * number / steps)) + 0.004))


def _heads(model: Any, heard: NDArray[np.float16]) -> Teachers:
    sample = heard[:: max(len(heard) // 5000, 1), 0].astype(np.float32)
    mean, variance = sample.mean(axis=(0, 1)), sample.var(axis=(0, 1)) + 1e-6

    def network() -> Any:
        import keras
        from keras import layers

        inputs = keras.Input(heard.shape[2:])
        x = layers.Flatten()(layers.Normalization(axis=-1, mean=mean, variance=variance)(inputs))
        x = layers.Dense(_UNITS[0], activation="relu")(layers.Dropout(0.1)(x))
        x = layers.Dense(_UNITS[1], activation="relu")(layers.Dropout(0.3)(x))
        return keras.Model(inputs, layers.Dense(model.n_classes, activation="softmax")(x))

    # The answers are for the classes alone: what companion words are worth, the embedding knows already.
    own = model.with_settings(
        companion_words=(), teachers=model.embedding_teachers, average_weights=_MOMENTUM,
        domain_confusion=_CONFUSION if model.domain_confusion else 0.0,
    )  # fmt: skip
    return Teachers(own, model.n_classes, network=network, weight_decay=_WEIGHT_DECAY)
