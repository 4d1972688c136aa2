"""A model and the file that it is of."""

import sys
import types

import pytest

import mltk_like as mltk


def test_a_program_on_standard_input_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("read_from_stdin")
    module.__file__ = "<stdin>"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    kind = type("HeyGecko", (mltk.Model,), {"__module__": module.__name__})
    assert kind().path is None
    assert kind().name == "hey_gecko"
