"""A trained model in a form that a firmware's build takes: one function a format."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from types import MappingProxyType

from mltk_like.artifact import Artifact
from mltk_like.errors import SettingError
from mltk_like.model import Model
from mltk_like.paths import atomic_folder, write_files
from mltk_like.tflite.c_text import check_prefix
from mltk_like.verbs.export.board_folder import DETECTORS, board_folder
from mltk_like.verbs.export.c_array import c_array
from mltk_like.verbs.export.c_net import c_net
from mltk_like.verbs.export.cmake_folder import cmake_folder
from mltk_like.verbs.export.esphome import esphome
from mltk_like.verbs.export.result import ExportResult, Written
from mltk_like.verbs.export.web_page import placed, web_page
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.shared.low_bit import akida_files, low_bit_files, low_bit_integers

Writer = Callable[[Artifact, str], Written]
"""(trained model, prefix of its names) -> what is to be written."""


def export(
    model: Model | str | Path, *, format: str = "c-array", output: Path | None = None, prefix: str = "model"
) -> ExportResult:
    """Write a trained model in a form that a firmware's build takes.

    Args:
        model: a specification, name, run folder, archive or `.tflite`.
        format: one of `FORMATS`: "c-array" gives PREFIX.h, PREFIX.c and PREFIX_ops.h for TensorFlow Lite Micro; "c" the
            net itself as C, PREFIX_net.h and PREFIX_net.c with its kernels; "cmake" a folder with front end, net and
            recogniser that CMake builds; "arduino", "platformio", "esp-idf", "zephyr", "pico-sdk" and "mcu" (a bare
            Cortex-M) the same for the tools of boards, see docs/export.md; "esphome" the `.tflite` with the manifest of
            ESPHome's micro_wake_word; "web" a page in which the model listens; "low-bit" and "akida" are for models
            trained with `low_bit`, see docs/low_bit.md.
        output: folder; none: `./export/<name>`. All files of the format come into it, or none does. Of a format for
            boards it must be new or empty; others replace their own files in one that is there. For "web": the page,
            where it ends with `.html`, or the folder of `<name>.html`; none: `./export`.
        prefix: of file names and symbols; give another where a firmware has several models.

    Raises:
        SettingError: there is no such format, the prefix is no name in C, or a parameter cannot be a macro: two would
            be the same, a number is infinite, a text too long.
        ModelError: the model does not exist, has not been trained, has a layer that the format has no kernel for, or
            TFLM cannot run it.
        ToolError: for "web": there is no compiler for WebAssembly.
        DataError: the folder cannot be written, or has something in it that a format for boards would mix with.
    """
    if format not in FORMATS:
        raise SettingError(f"there is no format {format!r}", f"use {', '.join(FORMATS)}")
    check_prefix(prefix)
    artifact = artifact_of(model)
    folder = Path("export") / artifact.name if output is None else output
    if format in WHOLE:
        with atomic_folder(folder) as temporary:
            written = FORMATS[format](artifact, prefix)
            _write(written, temporary)
    else:
        written = FORMATS[format](artifact, prefix)
        if format == "web":
            folder, written = placed(written, output)
        _write(written, folder)
    figures = {one.name: getattr(written, one.name) for one in fields(Written) if one.name != "files"}
    files = tuple(folder / name for name in written.files)
    return ExportResult(name=artifact.name, format=format, files=files, **figures)


def _write(written: Written, folder: Path) -> None:
    files = written.files.items()
    write_files(folder, {name: content if isinstance(content, bytes) else content.encode() for name, content in files})


def _low_bit(files: Callable[[Artifact, str], Mapping[str, str | bytes]]) -> Writer:
    return lambda artifact, prefix: Written(
        files=files(artifact, prefix), flash_bytes=low_bit_integers(artifact).flash_bytes
    )


FORMATS: Mapping[str, Writer] = MappingProxyType(
    {
        "c-array": c_array,
        "c": c_net,
        "cmake": cmake_folder,
        **{name: partial(board_folder, name) for name in DETECTORS},
        "esphome": esphome,
        "web": web_page,
        "low-bit": _low_bit(low_bit_files),
        "akida": _low_bit(akida_files),
    }
)
"""What a model can be exported to, by name."""
WHOLE = frozenset({*DETECTORS, "esphome"})
"""Formats whose folder is a project by itself, and has nothing else in it."""
