"""Self-contained HTML pages: one file with its style, pictures and sounds in it, that needs no network and no script.

What is given as text is escaped; only `Html`, which these functions return, is markup. A policy in the page's head
keeps the browser from loading anything from elsewhere, whatever a name in it says.
"""

import base64
import html
import io
import unicodedata
import wave
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk_like.metrics.lettering import png_of

_POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light dark; --text: #1d2126; --soft: #5d6670; --back: #fff; --card: #f4f5f7; --line: #d9dde2;
  --accent: #0072b2; --changed: #fff1c9; --warn: #b34700; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7eb; --soft: #a2abb5; --back: #15181c; --card: #1e2227;
  --line: #363c44; --accent: #62b5ea; --changed: #4a3f1a; --warn: #ffa45c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 96rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.25rem; margin: 0 0 .6rem; }
h3 { font-size: 1rem; margin: 1rem 0 .4rem; } h1, h2, h3, td, th, li { overflow-wrap: anywhere; }
p { margin: .4rem 0; } a { color: var(--accent); } .soft { color: var(--soft); }
section { border-top: 1px solid var(--line); margin-top: 1.8rem; padding-top: 1.2rem; }
nav ul { columns: 18rem; margin: .6rem 0; padding-left: 1.2rem; }
.notice { border-left: 4px solid var(--warn); background: var(--card); padding: .5rem .8rem; margin: .8rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92em; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; } thead th, tbody th { overflow-wrap: normal; }
tr.changed td, tr.changed th { background: var(--changed); }
figure { margin: .6rem 0 0; } .row figure { margin: 0; width: min-content; }
.row img { max-width: none; } figcaption { color: var(--soft); font-size: .88em; margin: .2rem 0; }
img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
audio { display: block; height: 2.2rem; width: 22rem; max-width: 100%; margin: .4rem 0; }
.row { display: flex; gap: 1rem; align-items: flex-start; margin: .4rem 0; padding-bottom: .3rem; }
.row > * { flex: 0 0 auto; max-width: 100%; }
pre { background: var(--card); padding: .6rem .8rem; border-radius: 6px; overflow-x: auto; font-size: .85em; }
details { margin: .6rem 0; } summary { cursor: pointer; color: var(--accent); }
code { font-size: .92em; white-space: nowrap; }
pre code { font-size: 1em; white-space: pre; }
"""

_VOID = frozenset({"img", "meta", "br", "input", "link"})


class Html(str):
    """Markup: what is in it has been escaped and is put into a page as it stands."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a page.

    Attributes:
        title: its heading, and its line in the contents.
        blocks: what stands below.
    """

    title: str
    blocks: tuple[Html, ...]


def text(value: object) -> Html:
    """A value as text. Html passes through; characters that no page may hold (controls, halves of pairs) become U+FFFD.

    File names may hold any of them, and `&<>"'` besides.
    """
    if isinstance(value, Html):
        return value
    return Html(html.escape("".join(map(_allowed, str(value))), quote=True))


def element(tag: str, *children: object, **attributes: object) -> Html:
    """`<tag ...>children</tag>`: children and attribute values are escaped by `text`.

    A trailing underscore of an attribute's name is left out (`class_`). True gives the name alone; None and False
    leave it out.
    """
    opening = [tag]
    for name, value in attributes.items():
        if value is not None and value is not False:
            written = name.rstrip("_").replace("_", "-")
            opening.append(written if value is True else f'{written}="{text(value)}"')
    start = f"<{' '.join(opening)}>"
    return Html(start if tag in _VOID else f"{start}{join(children)}</{tag}>")


def value_text(value: object) -> str:
    """A parameter of a model as it is shown."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, float):
        return f"{value:.7g}"
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def join(parts: Iterable[object]) -> Html:
    """Several parts in a row."""
    return Html("".join(map(text, parts)))


def paragraph(*parts: object, soft: bool = False) -> Html:
    """A paragraph; `soft` is for what stands back."""
    return element("p", *parts, class_="soft" if soft else None)


def notice(*parts: object) -> Html:
    """A paragraph that must not be overlooked."""
    return element("div", *parts, class_="notice", role="note")


def folded(summary: str, *blocks: object) -> Html:
    """Blocks that show when their summary is clicked."""
    return element("details", element("summary", summary), *blocks)


def code_block(lines: object) -> Html:
    """Lines as they stand, in letters of one width; longer ones scroll."""
    return element("pre", element("code", lines), tabindex="0")


def row(*blocks: object) -> Html:
    """Blocks side by side; where they are wider than the page, the row scrolls."""
    return element("div", *blocks, class_="row scroll")


def table(rows: Iterable[Sequence[object]], *, header: Sequence[object] = (), changed: Iterable[int] = ()) -> Html:
    """A table; the first cell of each row is its heading, and rows whose number is in `changed` are marked."""
    marked = set(changed)
    head = element("thead", element("tr", *(element("th", cell, scope="col") for cell in header))) if header else ""
    body = [
        element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in cells), class_=mark)
        for number, (first, *cells) in enumerate(rows)
        for mark in ("changed" if number in marked else None,)
    ]
    return element("div", element("table", head, element("tbody", *body)), class_="scroll")


def image(source: Any, *, alt: str, caption: object = "") -> Html:
    """A PNG (bytes) or a Matplotlib figure as a data URI; `alt` says in words what it shows."""
    data = source if isinstance(source, bytes) else png(source)
    # Width and height in the file's own pixels keep the page from jumping while it loads.
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    picture = element("img", src=_data_uri("image/png", data), alt=alt, width=width, height=height)
    return element("figure", picture, element("figcaption", caption) if caption else "")


def audio(samples: npt.NDArray[np.int16], sample_rate_hz: int, *, name: str) -> Html:
    """A player for int16 mono samples (samples,), as 16-bit WAV in a data URI; `name` is read out by screen readers."""
    data = io.BytesIO()
    with wave.open(data, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sample_rate_hz)
        out.writeframes(samples.astype("<i2", copy=False).tobytes())
    source = _data_uri("audio/wav", data.getvalue())
    # Browsers refuse more than about 75 players at once that have begun to load.
    return element("audio", controls=True, preload="none", src=source, aria_label=name)


def png(figure: Any) -> bytes:
    """A Matplotlib figure (made with the Agg canvas, without pyplot) as the bytes of a PNG file."""
    return png_of(figure)


def page(title: str, sections: Sequence[Section], *, lead: Sequence[Html] = ()) -> str:
    """The whole document: title, `lead`, contents where there are more than two sections, sections."""
    contents = [element("li", element("a", part.title, href=f"#s{n}")) for n, part in enumerate(sections, 1)]
    body = [
        element("h1", title),
        *lead,
        element("nav", element("ul", *contents), aria_label="contents") if len(sections) > 2 else "",
        *(
            element("section", element("h2", part.title), *part.blocks, id=f"s{n}")
            for n, part in enumerate(sections, 1)
        ),
    ]
    return document(title, body)


def document(
    title: str, body: Iterable[object], *, style: str = "", policy: str = _POLICY, head: Iterable[object] = ()
) -> str:
    """A page of one's own making.

    Args:
        title: of the window.
        body: what stands in it.
        style: CSS that is added.
        policy: Content-Security-Policy; none: no script, and nothing from elsewhere.
        head: what else stands before the title.
    """
    parts = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        *head,
        element("title", title),
        element("style", Html(_STYLE + style)),
    ]
    whole = element("html", element("head", *parts), element("body", *body), lang="en")
    return f"<!DOCTYPE html>\n{whole}\n"


def _allowed(character: str) -> str:
    kind = unicodedata.category(character)
    noncharacter = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF
    return "\ufffd" if noncharacter or kind == "Cs" or (kind == "Cc" and character not in "\t\n") else character


def _data_uri(kind: str, data: bytes) -> Html:
    return Html(f"data:{kind};base64,{base64.b64encode(data).decode()}")
