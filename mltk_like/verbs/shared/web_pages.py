"""Pages in which a model listens: how one says whose it is, and where one is looked for."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from mltk_like.verbs.shared.page import Html, element

_HEAD_BYTES = 2048  # the mark stands before the style


def model_mark(model: bytes) -> Html:
    """What stands in a page's head: the hash of the `.tflite` that listens in it."""
    return element("meta", name="mltk-model", content=hashlib.sha256(model).hexdigest())


def find_page(model: bytes, name: str, folders: Iterable[Path]) -> Path | None:
    """The first `<name>.html` in one of the folders that is a page of this very model; None: there is none.

    Args:
        model: content of the `.tflite`.
        name: of the model.
        folders: where it may lie.
    """
    mark = model_mark(model).encode()
    for folder in folders:
        path = folder / f"{name}.html"
        try:
            if path.is_file():
                with path.open("rb") as file:
                    if mark in file.read(_HEAD_BYTES):
                        return path
        except OSError:
            continue
    return None


def address_from(folder: Path, page: Path) -> str:
    """The address of a page as a link in a file of a folder has it."""
    return quote(os.path.relpath(page, folder))
