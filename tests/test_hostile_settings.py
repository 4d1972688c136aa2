"""Settings that come from files and command lines: whatever stands there, it is refused in one line or it is right."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile import VALUES, refused

import mltk_like as mltk
from mltk_like.errors import ModelError, SettingError
from mltk_like.settings import declared, from_json, overrides_to_json, parse_assignments, to_json
from mltk_like.verbs.tune.search_space import parse_space

DEEP = "[" * 100_000 + "]" * 100_000
HIDDEN = ("__class__", "__dict__", "_declared", "_x", "network", "path", "")


@pytest.fixture(scope="module")
def model() -> Any:
    return mltk.load_model("keyword_spotting_alexa_small")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("name", HIDDEN)
def test_names_that_are_no_settings_are_refused_from_wherever_they_come(model: Any, name: str) -> None:
    for value in ("x", 1, {"a": 1}):
        with pytest.raises(SettingError, match="unknown setting"):
            from_json(model, {name: value})
        with pytest.raises(SettingError, match="unknown setting"):
            model.with_settings(**{name: value})
    with pytest.raises(SettingError):
        model.with_settings(**parse_assignments(model, [f"{name}=1"]))
    with pytest.raises(SettingError):
        model.with_settings(**parse_assignments(model, [f"{name}.__init__=1"]))
    with pytest.raises(SettingError):
        parse_space(model, [f"{name}=1,2"])
    assert type(model).__name__ != "x"


@pytest.mark.parametrize("values", [None, [], [1], "epochs", 5, {1: 2}, {"epochs": nested(900)}])
def test_overrides_that_are_no_mapping_of_settings_are_refused(model: Any, values: Any) -> None:
    with pytest.raises(SettingError):
        from_json(model, values)


def test_every_setting_refuses_or_takes_every_kind_of_value(model: Any) -> None:
    rng = random.Random(0)
    extreme = (*VALUES, 10**400, nested(900), {"window_size_ms": 10**400}, {"a": nested(900)}, b"x", {1: 2})
    counts = {True: 0, False: 0}
    for name in declared(type(model)):
        for value in rng.sample(extreme, 12):

            def stored(name: str = name, value: Any = value) -> None:
                changed = from_json(model, {name: value})
                json.dumps(to_json(changed))
                overrides_to_json(changed)

            counts[refused(stored)] += 1
            text = DEEP if isinstance(value, list) and value and value[0] == [] else str(value)[:300]
            for form in (f"{name}={text}", f"{name}.x={text}", f"{name}.window_size_ms={text}"):
                refused(lambda form=form: model.with_settings(**parse_assignments(model, [form])))  # type: ignore[misc]
    assert counts[True] > 3 * counts[False] > 0


def test_a_long_value_is_not_repeated_in_full(model: Any) -> None:
    with pytest.raises(SettingError) as caught:
        from_json(model, {"epochs": "x" * 10_000})
    assert len(caught.value.message) < 500


@pytest.mark.parametrize("overrides", [[1], "x", 5, None])
def test_the_settings_of_a_run_whose_overrides_are_no_mapping(
    tmp_path: Path, model_file: Callable[..., Path], overrides: Any
) -> None:
    file = model_file()
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "state.json").write_text(json.dumps({"name": "toy", "status": "complete"}))
    (folder / "settings.json").write_text(json.dumps({"model": "toy", "path": str(file), "overrides": overrides}))
    from mltk_like.artifact import model_of

    with pytest.raises(ModelError, match="overrides"):
        model_of(folder)
