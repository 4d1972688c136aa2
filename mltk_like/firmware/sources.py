"""The sources of a firmware: those of every one, and those of a model."""

import subprocess
from pathlib import Path

from mltk_like.audio.frontend import frontend_from_parameters
from mltk_like.audio.programs import program_path
from mltk_like.codegen import emit_net
from mltk_like.errors import ModelError, SettingError
from mltk_like.tflite import read_parameters


def write_net(model: bytes, place: Path) -> Path:
    """Write the C of a net into the folder `place/model`, and return that. Raises as `emit_net`."""
    folder = place / "model"
    folder.mkdir(exist_ok=True)
    for name, text in emit_net(model).files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def write_model(model: bytes, place: Path) -> bool:
    """Write the C of a model into the folder `place/model`: its net, and what a firmware must know of it.

    Args:
        model: content of a `.tflite`.
        place: an empty folder.

    Returns:
        Whether there is what comes before and after the net: the model says what it hears.

    Raises:
        ModelError: the net cannot become C, see `emit_net`, or the model's parameters are damaged.
        ToolError: this installation lacks the program that writes the constants.
    """
    folder = write_net(model, place)
    try:
        frontend_from_parameters(read_parameters(model))
    except SettingError:
        return False
    file = place / "model.tflite"
    file.write_bytes(model)
    done = subprocess.run(
        [program_path("model_constants"), file, folder], capture_output=True, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        raise ModelError(f"this model gives no firmware: {done.stderr.strip().removeprefix('model_constants: ')}")
    return True
