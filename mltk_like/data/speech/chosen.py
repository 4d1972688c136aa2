"""Helps engines that are used where they are found: is the program there, which of its voices are wanted."""

import shutil
from collections.abc import Mapping
from fnmatch import fnmatchcase

from mltk_like.errors import SettingError, ToolError


def find_program(name: str, hint: str) -> str:
    """Full path of a program. Raises ToolError, with the line that installs it as the hint, when there is none."""
    found = shutil.which(name)
    if found is None:
        raise ToolError(f"there is no program {name!r}", hint)
    return found


def chosen_voices(patterns: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """The voices that are meant by patterns with commas between, in their order.

    Args:
        patterns: as of file names, of which the voice's name or its language must match one: 'en-*,de-DE', 'italian'.
        known: language of each voice.

    Raises:
        SettingError: a pattern fits nothing.
    """
    chosen: dict[str, None] = {}
    for pattern in (part.strip() for part in patterns.split(",")):
        found = [voice for voice, language in known.items() if _fits(voice, pattern) or _fits(language, pattern)]
        if not found:
            raise SettingError(f"there is no voice {pattern!r}", f"there are {', '.join(known)}")
        chosen |= dict.fromkeys(found)
    return tuple(chosen)


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.lower(), pattern.lower())


def plain_text(text: str) -> str:
    """A text whose punctuation old programs know."""
    return text.replace("…", "...")
