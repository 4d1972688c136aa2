"""How a front end's windows are given to a `.tflite`: as they are, or row by row to one that keeps its own state."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.errors import ModelError
from mltk_like.tflite.parameters import read_parameters
from mltk_like.tflite.summary import summarize_tflite

STREAMING_ROWS = "streaming.rows"
"""Parameter of a `.tflite` that keeps its own state: how many rows each inference takes. Others lack it."""


class NetInput:
    """What a `.tflite` must be run on, in order, for its scores of windows.

    A model that takes whole windows is run on those. One that keeps its own state (`streaming.rows` in its parameters)
    is run on the rows that are new since the window before, so many at a time. Its output depends on the latest window
    of rows and on nothing older, since its net has no loop. So the window that was given last is all that has to be
    known of its state: where a window continues it, the new rows do; at the start of a stream, and after a pause, all
    rows of the window go in, and what was there before is forgotten. The scores are the same to the bit in each case.

    Args:
        model: content of the `.tflite`.

    Attributes:
        rows: new rows that each inference takes; 0: whole windows.
        shape: of the model's input, without batch.

    Raises:
        ModelError: the file is damaged, or its `streaming.rows` are not those of its input.
    """

    def __init__(self, model: bytes) -> None:
        inputs = summarize_tflite(model).inputs
        if not inputs:
            raise ModelError("the model has no input", "give a model that takes the front end's windows")
        self.shape = tuple(inputs[0].shape[1:])
        rows = read_parameters(model).get(STREAMING_ROWS, 0)
        if not isinstance(rows, int) or (rows and self.shape[:1] != (rows,)):
            raise ModelError(
                f"the parameter {STREAMING_ROWS} is {rows!r}, the net takes {self.shape}", "convert the model again"
            )
        self.rows = int(rows)
        self._last: NDArray[Any] | None = None

    def check(self, window: tuple[int, ...]) -> None:
        """Raise ModelError where the model cannot be given windows of this shape, (time, bands)."""
        whole = not self.rows and prod(self.shape) == prod(window)
        by_rows = self.rows and prod(self.shape) * window[0] == prod(window) * self.rows and not window[0] % self.rows
        if not whole and not by_rows:
            raise ModelError(
                f"the net takes {self.shape}, the front end gives {tuple(window)}",
                "the parameters in the .tflite are those of another net",
            )

    def forget(self) -> None:
        """The model begins anew, as in another process: the next window is given as a whole."""
        self._last = None

    def __call__(self, windows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
        """Inputs (m, *shape) to run the model on, in order, and (n,) which of their outputs are those of the windows.

        Args:
            windows: (n, time, bands) or (n, time, 1, bands); those that follow each other in a stream cost least.

        Raises:
            ModelError: see `check`.
        """
        self.check(windows.shape[1:])
        if not self.rows or not len(windows):
            return windows.reshape(-1, *self.shape), np.arange(len(windows))
        windows = windows.reshape(len(windows), windows.shape[1], -1)
        new = self._new_rows(windows)
        self._last = windows[-1].copy()
        rows = np.concatenate([window[-count:] for window, count in zip(windows, new.tolist(), strict=True)])
        return rows.reshape(-1, *self.shape), np.cumsum(new // self.rows) - 1

    def _new_rows(self, windows: NDArray[Any]) -> NDArray[np.intp]:
        """How many rows at the end of each window go in: the fewest behind which it is the end of the one before."""
        time = windows.shape[1]
        before = np.concatenate([windows[:1] if self._last is None else self._last[np.newaxis], windows[:-1]])
        new = np.full(len(windows), time, np.intp)
        open_ = np.arange(1 if self._last is None else 0, len(windows))
        for count in range(self.rows, time, self.rows):
            if not len(open_):
                break
            same = (windows[open_, :-count] == before[open_, count:]).all(axis=(1, 2))
            new[open_[same]] = count
            open_ = open_[~same]
        return new
