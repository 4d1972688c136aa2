"""The page builder: what is text stays text, whatever is in it, and the page needs nothing from elsewhere."""

import base64
import io
import unicodedata
import wave
from functools import lru_cache
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.verbs.shared import page as pages
from mltk_like.verbs.shared.page import Html, Section

NAMES = st.one_of(
    st.text(max_size=40),
    st.text(st.sampled_from("<>&\"'/=`;#x\n\t\r\0\x1b\ud800\ufffeé漢🎤" + "script"), max_size=40),
    st.sampled_from(["</title><script>alert(1)</script>", '" onload="x', "'><img src=x>", "&lt;b&gt;", "<!--", "]]>"]),
)


class Reader(HTMLParser):
    """Tags with their attributes, and the text in each sort of tag."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.open: list[str] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "meta", "br", "input", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data


def readable(text: str) -> str:
    """A text as a page can hold it."""

    def bad(character: str) -> bool:
        code = ord(character)
        control = unicodedata.category(character) == "Cc" and character not in "\t\n"
        return control or 0xD800 <= code < 0xE000 or code % 0x10000 >= 0xFFFE or 0xFDD0 <= code < 0xFDF0

    return "".join("\ufffd" if bad(character) else character for character in text)


@given(name=NAMES)
@settings(deadline=None, max_examples=150)
def test_any_text_comes_back_from_every_place(name: str) -> None:
    document = document_of(name)
    document.encode()  # what cannot be encoded cannot be written
    found = Reader(document)
    expected = readable(name)
    for tag in ("title", "h1", "h2", "p", "td", "summary", "div"):
        assert found.texts.get(tag, "") == expected, tag
    assert found.texts["figcaption"] == (expected or "x")
    assert not found.open
    attributes = {tag: values for tag, values in found.tags}
    assert attributes["img"]["alt"] == attributes["audio"]["aria-label"] == expected
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in Reader(document_of("plain")).tags]


def document_of(name: str) -> str:
    picture = pages.image(tiny_png(), alt=name, caption=name or "x")
    sound = pages.audio(np.zeros(4, np.int16), 8000, name=name)
    table = pages.table([(name, name)], header=(name, "x"))
    blocks = (pages.paragraph(name), table, pages.folded(name, pages.notice(name)), pages.row(picture, sound))
    return pages.page(name, [Section(title=name, blocks=blocks)])


@lru_cache
def tiny_png() -> bytes:
    from matplotlib.figure import Figure

    return pages.png(Figure(figsize=(0.4, 0.2), dpi=50))


def test_the_page_loads_nothing() -> None:
    found = Reader(document_of("plain"))
    policy = next(values["content"] for _, values in found.tags if "http-equiv" in values)
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    for tag, values in found.tags:
        assert tag not in ("script", "link", "iframe", "object")
        assert (values.get("src") or "data:").startswith("data:")
        assert not any(name.startswith("on") for name in values)
    assert "url(" not in document_of("plain")
    assert "@import" not in document_of("plain")


def test_markup_is_not_escaped_twice() -> None:
    bold = pages.element("b", "<1>")
    assert bold == "<b>&lt;1&gt;</b>"
    assert pages.paragraph("a & ", bold) == "<p>a &amp; <b>&lt;1&gt;</b></p>"
    assert pages.text(Html("<i>")) == "<i>"
    assert pages.text(str(bold) + "") == "&lt;b&gt;&amp;lt;1&amp;gt;&lt;/b&gt;"


def test_attributes() -> None:
    made = pages.element("a", "x", href='"#s1"', class_="soft", hidden=True, title=None, lang=False, aria_label="y")
    assert made == '<a href="&quot;#s1&quot;" class="soft" hidden aria-label="y">x</a>'
    assert pages.element("br") == "<br>"


def test_a_table_marks_rows_that_changed() -> None:
    made = pages.table([("a", 1), ("b", 2.5)], header=("name", "value"), changed=[1])
    assert made.count("<tr") == 3
    assert '<tr class="changed"><th scope="row">b</th><td>2.5</td></tr>' in made
    assert pages.table([]) == '<div class="scroll"><table><tbody></tbody></table></div>'


def test_a_player_holds_a_wav_file() -> None:
    samples = np.array([0, 1, -32768, 32767], np.int16)
    found = Reader(pages.audio(samples, 16000, name="four"))
    ((tag, values),) = found.tags
    assert (tag, "controls" in values) == ("audio", True)
    head, _, data = (values["src"] or "").partition(",")
    assert head == "data:audio/wav;base64"
    with wave.open(io.BytesIO(base64.b64decode(data))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16000)
        assert np.array_equal(np.frombuffer(file.readframes(9), "<i2"), samples)


def test_a_picture_has_its_size() -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3, 2), dpi=50)
    found = Reader(pages.image(figure, alt="nothing"))
    values = dict(found.tags)["img"]
    assert (values["width"], values["height"]) == ("150", "100")
    assert "figcaption" not in dict(found.tags)


@pytest.mark.parametrize(("count", "there"), [(2, False), (3, True)])
def test_contents_lead_to_the_sections(count: int, there: bool) -> None:
    sections = [Section(title=f"part {n}", blocks=()) for n in range(count)]
    found = Reader(pages.page("p", sections, lead=[pages.paragraph("lead")]))
    ids = [values["id"] for tag, values in found.tags if tag == "section"]
    links = [(values["href"] or "")[1:] for tag, values in found.tags if tag == "a"]
    assert links == (ids if there else [])
    assert len(set(ids)) == count
