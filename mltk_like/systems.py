"""What there is on one system and not on another, and how that is said."""

import sys

from mltk_like.errors import ToolError

_NAMES = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}


def system_name() -> str:
    """The system and its processor, as in "macOS on arm64"."""
    import platform

    return f"{_NAMES.get(sys.platform, sys.platform)} on {platform.machine()}"


def has_tflm() -> bool:
    """Whether TensorFlow Lite Micro is published for this system: a wheel for Linux on x86-64, and no other."""
    return system_name() == "Linux on x86_64"


def without_tflm(what: str) -> ToolError:
    """What to say of a thing that needs TensorFlow Lite Micro, on a system that it is not published for."""
    return ToolError(
        f"{what} is for Linux on x86-64 only; this is {system_name()}",
        "models train, convert, evaluate and listen without it",
    )
