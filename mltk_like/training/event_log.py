"""The figures of a training as TensorBoard reads them. Written by TensorFlow alone: TensorBoard need not be there."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FOLDER = "tensorboard"
"""In the folder of checkpoints."""


class EventLog:
    """Writes `train/` and `validation/` below a folder, so that the two curves of a figure lie over each other.

    The names are those of Keras: `epoch_loss`, `epoch_accuracy`, ... at epochs counted from 0. A training that goes on
    adds a file.

    Args:
        folder: is made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, Any] = {}

    def write(self, epoch: int, figures: Mapping[str, float]) -> None:
        """One epoch's figures; those with `val_` in front go to `validation/`."""
        import tensorflow as tf

        kind = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"})
        for name, value in figures.items():
            part = "validation" if name.startswith("val_") else "train"
            if part not in self._writers:
                self._writers[part] = tf.summary.create_file_writer(str(self._folder / part))
            with self._writers[part].as_default():
                tf.summary.write(f"epoch_{name.removeprefix('val_')}", tf.constant(value, tf.float32), epoch, kind)
        for writer in self._writers.values():
            writer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()
