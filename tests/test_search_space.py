"""What `tune --set` accepts."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk_like.errors import SettingError
from mltk_like.loader import load_file
from mltk_like.model import Model
from mltk_like.verbs.tune.search_space import Choices, Range, parse_space

optuna = pytest.importorskip("optuna")


@pytest.fixture
def model(model_file: Callable[..., Path]) -> Model:
    return load_file(model_file())


def test_ranges_choices_and_fixed_values(model: Model) -> None:
    space = parse_space(
        model, ["learning_rate=1e-4..1e-2", "frontend.window_step_ms=5..30", "batch_size=8, 16,8", "epochs=5"]
    )
    assert space.searched == {
        "learning_rate": Range(low=1e-4, high=1e-2, whole=False),
        "frontend.window_step_ms": Range(low=5, high=30, whole=True),
        "batch_size": Choices(values=("8", "16")),
    }
    assert space.fixed == ("epochs=5",)
    assert [what.log for what in space.searched.values() if isinstance(what, Range)] == [True, False]


def test_a_trial_gets_assignments_that_fit_the_model(model: Model) -> None:
    space = parse_space(model, ["epochs=7", "learning_rate=1e-4..1e-2", "batch_size=8,16", "warm_up_ms=0..200"])
    study = optuna.create_study()
    for _ in range(5):
        words = dict(text.split("=") for text in space.suggest(study.ask()))
        assert list(words) == ["epochs", "learning_rate", "batch_size", "warm_up_ms"]
        assert words["epochs"] == "7"
        assert 1e-4 <= float(words["learning_rate"]) <= 1e-2
        assert words["batch_size"] in ("8", "16")
        assert 0 <= int(words["warm_up_ms"]) <= 200


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["epochs=5"], "nothing to search"),
        ([], "nothing to search"),
        (["learning_rate"], "gives no value"),
        (["learning_rate="], "gives no value"),
        (["learning_rate=1e-2..1e-4"], "is empty"),
        (["epochs=3..1e999"], "is empty"),
        (["learning_rat=1..2"], "did you mean 'learning_rate'"),
        (["batch_size=8,none"], "batch_size"),
        (["batch_size=0..8"], "batch_size"),
        (["frontend.window_size_ms=30..900"], "longer than the clip"),
        (["batch_size=8,16", "epochs=many"], "epochs"),
    ],
)
def test_bad_words_are_refused_before_the_first_trial(model: Model, words: list[str], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        parse_space(model, words)


def test_a_json_value_is_one_value(model: Model) -> None:
    space = parse_space(model, ['classes=["a","b"]', "batch_size=8,16"])
    assert space.fixed == ('classes=["a","b"]',)


@given(text=st.text(max_size=30))
def test_any_text_is_understood_or_refused(text: str) -> None:
    class Plain(Model):
        version = 1

    with contextlib.suppress(SettingError):
        parse_space(Plain(), [text])
