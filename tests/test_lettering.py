"""Labels of any script in plots: every warning is an error here, and so is that of a letter without a shape."""

import numpy as np
import pytest

from mltk_like.metrics.dataset_plots import plot_class_counts, plot_dataset
from mltk_like.metrics.lettering import _fonts_for, spelled

pytest.importorskip("matplotlib")
WORDS = ("ja", "é", "стоп", "στοπ", "停止", "한국", "かな", "नमस्ते", "สวัสดี", "שלום", "مرحبا", "አማርኛ", "🎵")


def test_no_letter_is_without_a_shape() -> None:
    assert plot_class_counts({"training": dict.fromkeys(WORDS, 3), "テスト": dict.fromkeys(WORDS, 1)})[1:4] == b"PNG"
    columns = np.zeros((40, 8), np.uint8)
    assert plot_dataset(columns, np.arange(40) % len(WORDS), WORDS, 3.0)[1:4] == b"PNG"


def test_what_the_own_font_has_is_left_as_it_is() -> None:
    families, lacking = _fonts_for("éοпשم")
    assert families == ("DejaVu Sans",)
    assert not lacking


@pytest.mark.parametrize(
    ("text", "expected"),
    [("한국", "hangug"), ("かな", "kana"), ("キー", "kiー"), ("停止", "U+505CU+6B62"), ("क", "ka"), ("yes", "yes"),
     ("ก", "ko"), ("\U0001f3b5", "U+1F3B5")],
)  # fmt: skip
def test_letters_without_a_font_are_spelled(text: str, expected: str) -> None:
    assert spelled(text, {c for c in text if c != "ー"} - set("yes")) == expected


def test_letters_that_no_font_has_are_spelled_in_the_plot(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without fonts."""
    from matplotlib import font_manager

    own = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    _fonts_for.cache_clear()
    try:
        assert _fonts_for("停한é")[1] == {"停", "한"}
        assert plot_class_counts({"training": dict.fromkeys(WORDS, 3)})[1:4] == b"PNG"
    finally:
        _fonts_for.cache_clear()
