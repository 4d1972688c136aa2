"""The curves of a model's trainings, shown by TensorBoard."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from mltk_like.artifact import is_run_folder
from mltk_like.errors import ModelError, ToolError
from mltk_like.loader import find_model
from mltk_like.paths import portable, runs_dir
from mltk_like.training.event_log import FOLDER

_HOST = "127.0.0.1"


def curves_of(model: str | Path) -> Path:
    """The folder in which TensorBoard finds the curves of a model.

    Args:
        model: a name or model file (all runs of its name), or one run folder.

    Raises:
        ModelError: there is no such model, or no training has left curves.
    """
    if is_run_folder(model):
        folder = Path(model)
    else:
        found = find_model(model)
        folder = runs_dir() / (f"{found.path.stem}-test" if found.test else found.path.stem)
    if not any(folder.glob(f"**/{FOLDER}/*/events*")):
        raise ModelError(
            f"there are no curves in {portable(folder)}", "they come with a training, and are in no archive"
        )
    return folder


def tensorboard(model: str | Path, *, port: int | None = None) -> int:
    """Run TensorBoard on 127.0.0.1 until Ctrl-C, in a process of its own.

    Args:
        model: a name, model file, or run folder.
        port: none: 6006, or the next one that is free.

    Returns:
        TensorBoard's exit code.

    Raises:
        ModelError: as `curves_of`.
        ToolError: TensorBoard is not installed.
    """
    folder = curves_of(model)
    if find_spec("tensorboard") is None:
        raise ToolError("TensorBoard is not installed", "pip install 'mltk_like[tensorboard]'")
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--host", _HOST]
    return subprocess.run([*command, *([] if port is None else ["--port", str(port)])], check=False).returncode
