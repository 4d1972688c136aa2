"""A model's names as files and languages of others take them: no model's name or title can break a file."""

import re

from mltk_like.errors import SettingError
from mltk_like.tflite.c_text import check_prefix

_MOST = 32  # letters of a name
_MOST_TITLE = 160
# Of libraries, headers and targets that a folder's build brings along.
_TAKEN = frozenset(
    {"all", "app", "arduino", "clean", "detector", "driver", "esp_i2s", "firmware", "freertos", "help", "install",
     "listen", "mltk", "pdm", "pico", "programs", "test", "zephyr"}
)  # fmt: skip


def safe_name(text: str) -> str:
    """A name of letters, digits and single _ that C, CMake and the boards' tools take for a header and a project."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_MOST].strip("_")
    if not name or name[0].isdigit():
        name = f"model_{name}".rstrip("_")
    try:
        check_prefix(name)
    except SettingError:
        return f"{name}_model"
    return f"{name}_model" if name in _TAKEN else name


def safe_title(text: str) -> str:
    """A text as one line of letters, digits, spaces and a few marks, none of which means anything in a file."""
    kept = "".join(char if char.isalnum() or char in " .,:()-_" else " " for char in text)
    return " ".join(kept.split())[:_MOST_TITLE]
