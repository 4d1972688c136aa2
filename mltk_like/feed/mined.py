"""Windows that a model in training takes for a keyword and that hold none: where they are in which clips."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import DataError, ModelError
from mltk_like.opening import read_npz
from mltk_like.paths import write_bytes


@dataclass(frozen=True, kw_only=True)
class Mined:
    """Arrays of equal length, one entry a window, the most mistaken first.

    Attributes:
        clips: int64, index of the clip in its split.
        ends: int64, sample of the clip at which the window ends; up to a window beyond the clip's own end.
        scores: float32, what the model gave it for its likeliest keyword, 0..1.
    """

    clips: NDArray[np.int64]
    ends: NDArray[np.int64]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.clips)


def save_mined(path: Path, mined: Mined) -> None:
    """Write atomically. Raises DataError where it cannot be written."""
    buffer = io.BytesIO()
    np.savez(buffer, clips=mined.clips, ends=mined.ends, scores=mined.scores)
    write_bytes(path, buffer.getvalue())


def load_mined(path: Path) -> Mined:
    """Read what `save_mined` wrote. Raises DataError where it is missing or damaged, ModelError beyond a limit."""
    try:
        file = read_npz(path, path)
        mined = Mined(clips=file["clips"], ends=file["ends"], scores=file["scores"])
        if not len(mined.clips) == len(mined.ends) == len(mined.scores):
            raise ValueError("arrays of unequal length")
    except ModelError:
        raise  # beyond a limit, which its hint says how to raise
    except Exception as error:  # whatever NumPy and its decompressors make of damaged bytes
        raise DataError(f"cannot read the mined windows {path}: {error}", "train again without --resume") from error
    return mined
