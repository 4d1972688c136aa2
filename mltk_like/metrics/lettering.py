"""Labels of any script in plots: by a font of this machine that has their letters, else spelled in Latin ones."""

import io
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

_OWN = "DejaVu Sans"  # comes with matplotlib
# Fonts that have every letter as a box, and fonts of pictures, which cannot be drawn.
_NO_LETTERS = ("Last Resort", "LastResort", "Emoji")
# In Unicode's names of letters, what stands before the sound of one; which word behind it says that.
_NAMED = ((" SYLLABLE ", -1), (" LETTER ", -1), (" VOWEL SIGN ", -1), (" CHARACTER ", 0))


def png_of(figure: Any) -> bytes:
    """A complete `matplotlib.figure.Figure` as PNG, all of its texts readable."""
    import matplotlib
    from matplotlib.text import Text

    texts: list[Any] = figure.findobj(Text)
    axes = [axis for panel in figure.axes for axis in (panel.xaxis, panel.yaxis)]
    ticks = {axis: [label.get_text() for label in axis.get_ticklabels()] for axis in axes}
    used = {c for text in texts for c in text.get_text()} | {c for labels in ticks.values() for c in "".join(labels)}
    families, lacking = _fonts_for("".join(sorted(c for c in used if ord(c) > 0x7F)))
    for text in texts:
        text.set_fontfamily(list(families))
        text.set_text(spelled(text.get_text(), lacking))
    for axis, labels in ticks.items():
        if lacking & set("".join(labels)):
            # Ticks ask for their labels again when they are drawn.
            axis.set_ticklabels([spelled(label, lacking) for label in labels], fontfamily=list(families))
    buffer = io.BytesIO()
    # Labels that are only made when they are drawn have the families of this setting.
    with matplotlib.rc_context({"font.family": list(families)}):
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def spelled(text: str, lacking: Iterable[str]) -> str:
    """A text with some of its characters spelled: 'han' for the Hangul, 'ka' for the kana, U+97F3 for an ideograph."""
    lacking = frozenset(lacking)
    return "".join(_spelled(c) if c in lacking else c for c in text)


def _spelled(character: str) -> str:
    name = unicodedata.name(character, "")
    for mark, word in _NAMED:
        if mark in name:
            return name.partition(mark)[2].split()[word].lower()
    return "" if unicodedata.category(character) in ("Mn", "Mc", "Cf") else f"U+{ord(character):04X}"


@lru_cache(maxsize=64)
def _fonts_for(characters: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Families that have these characters between them, the own one first, and the characters that none has."""
    from matplotlib.font_manager import findfont, fontManager

    left = {c for c in characters if not c.isspace()} - _letters(findfont(_OWN))(characters)
    families = [_OWN]
    tried = set[str]()
    for font in sorted(fontManager.ttflist, key=lambda font: (font.style != "normal", str(font.weight), font.name)):
        if not left:
            break
        if font.name not in tried and not any(part in font.name for part in _NO_LETTERS):
            tried.add(font.name)
            # Matplotlib will choose the file by the family: it may be another one of it.
            if found := left & _letters(findfont(font.name))(characters):
                families.append(font.name)
                left -= found
    return tuple(families), frozenset(left)


@lru_cache(maxsize=512)
def _letters(file: str) -> Callable[[Iterable[str]], set[str]]:
    """Which of some characters a font's file has."""
    from matplotlib.ft2font import FT2Font

    try:
        codes = frozenset(FT2Font(file).get_charmap())
    except (OSError, RuntimeError):
        codes = frozenset()
    return lambda characters: {c for c in characters if ord(c) in codes}
