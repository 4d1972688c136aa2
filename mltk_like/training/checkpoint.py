"""The whole state of a training in one file, so that it goes on as if it had never been interrupted."""

import io
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.opening import read_npz
from mltk_like.paths import write_bytes

_META = "__meta__"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """State after a whole number of epochs.

    Attributes:
        step: batches done.
        best_score: of the best epoch so far, the lower the better: see `Rank.score`.
        best_epoch: epoch that had it, from 1.
        history: one list of figures a name, one entry an epoch.
        arrays: every variable of net, optimizer and running mean, by a name that says which.
        best_loss: validation loss of that epoch, which decides between equals.
        gained: last epoch that ranked better than all before, and not by its loss alone.
        hooks: what callbacks remember, see `Hooks.memory`.
        stopped: a callback has ended the training.
    """

    step: int
    best_score: float
    best_epoch: int
    history: dict[str, list[float]]
    arrays: dict[str, NDArray[Any]]
    best_loss: float = math.inf
    gained: int = 0
    hooks: dict[str, Any] = field(default_factory=dict)
    stopped: bool = False


def save_checkpoint(path: Path, state: Checkpoint) -> None:
    """Write atomically: a crash leaves the former checkpoint. Raises DataError where it cannot be written."""
    meta = {name: value for name, value in vars(state).items() if name != "arrays"}
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {_META: np.array(json.dumps(meta)), **state.arrays}
    np.savez(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote. Raises ModelError where the file is missing or damaged."""
    try:
        arrays = read_npz(path, path, kind="checkpoint")
        meta = json.loads(str(arrays.pop(_META)))
        # Files of earlier versions, which did not tell equals apart by their loss.
        return Checkpoint(arrays=arrays, **{"gained": meta["best_epoch"], **meta})
    except ModelError:
        raise  # beyond a limit, which its hint says how to raise
    except Exception as error:  # whatever NumPy and its decompressors make of damaged bytes
        raise ModelError(f"cannot read the checkpoint {path}: {error}", "train again without --resume") from error


def checkpoint_history(path: Path) -> dict[str, list[float]]:
    """The figures of each epoch alone, without the arrays beside them, as of a training that is under way.

    Raises:
        ModelError: the file is missing or damaged.
    """
    try:
        meta = json.loads(str(read_npz(path, path, kind="checkpoint", only=_META)[_META]))
        return {str(name): [float(value) for value in values] for name, values in meta["history"].items()}
    except ModelError:
        raise
    except Exception as error:  # whatever NumPy and its decompressors make of damaged bytes
        raise ModelError(f"cannot read the checkpoint {path}: {error}") from error
