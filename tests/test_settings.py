"""Settings: one validation for class body, assignment, `with_settings` and `--set`; reading changes nothing."""

import functools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import mltk_like as mltk
from mltk_like.audio import FrontendSettings
from mltk_like.errors import SettingError
from mltk_like.settings import declared, from_json, overrides_to_json, parse_assignments, to_json, validate


class Toy(mltk.Model, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    epochs = 7
    classes = ["yes", "no"]  # type: ignore[assignment]  # noqa: RUF012  that a list is taken is the point
    frontend = FrontendSettings(window_size_ms=30)


def in_class_body(name: str, value: Any) -> Any:
    return getattr(type("Other", (Toy,), {name: value})(), name)


def by_assignment(name: str, value: Any) -> Any:
    model = Toy()
    setattr(model, name, value)
    return getattr(model, name)


def by_with_settings(name: str, value: Any) -> Any:
    return getattr(Toy().with_settings(**{name: value}), name)


def by_command_line(name: str, value: Any) -> Any:
    model = Toy()
    return getattr(model.with_settings(**parse_assignments(model, [f"{name}={json.dumps(value)}"])), name)


WAYS: list[Callable[[str, Any], Any]] = [in_class_body, by_assignment, by_with_settings, by_command_line]
every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@every_way
def test_values_arrive_in_their_validated_form(way: Callable[[str, Any], Any]) -> None:
    assert way("epochs", 5) == 5
    assert way("classes", ["a", "b", "c"]) == ("a", "b", "c")
    rate = way("learning_rate", 1)
    assert rate == 1.0
    assert isinstance(rate, float)
    assert way("learning_rate_steps", [[10, 0.1], [20, 0.2]]) == ((10, 0.1), (20, 0.2))
    assert way("class_weights", {"yes": 2}) == {"yes": 2.0}
    assert way("steps_per_epoch", None) is None
    assert way("frontend", {"window_size_ms": 25}) == FrontendSettings(window_size_ms=25)


@every_way
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epoch", 5, "unknown setting 'epoch'"),
        ("epochs", "five", "setting 'epochs': Expected int, got str; given 'five'"),
        ("epochs", True, "setting 'epochs': Expected int, got bool; given True"),
        ("epochs", 2.5, "setting 'epochs': Expected int, got float; given 2.5"),
        ("epochs", 0, "setting 'epochs': Expected int >= 1; given 0"),
        ("classes", "yes", "setting 'classes': Expected list, got str; given 'yes'"),
        ("classes", [1], "setting 'classes': Expected str, got int at [0]; given [1]"),
        ("optimizer", 3, "setting 'optimizer': expected a function (or expected str, got int), given 3"),
        (
            "class_weights",
            "even",
            "setting 'class_weights': Expected one of 'balanced', 'sqrt-balanced', 'none'; given 'even'",
        ),
        ("learning_rate", -1, "setting 'learning_rate': Expected float > 0.0; given -1"),
        ("learning_rate", math.nan, "setting 'learning_rate': Expected float > 0.0; given nan"),
        (
            "learning_rate_steps",
            [[0, 0.1]],
            "setting 'learning_rate_steps': Expected int >= 1 at [0][0]; given [[0, 0.1]]",
        ),
        (
            "learning_rate_steps",
            [[10, math.nan]],
            "setting 'learning_rate_steps': Expected float > 0.0 at [0][1]; given [[10, nan]]",
        ),
        ("lr_schedule", 3, "setting 'lr_schedule': expected a function, given 3"),
        ("frontend", 3, "setting 'frontend': Expected mapping, got int; given 3"),
        ("frontend", {"window": 3}, "setting 'frontend' has no field 'window'"),
        ("frontend", {"window_size_ms": 5000}, "window_size_ms is 5000 ms"),
    ],
)
def test_every_way_refuses_alike(way: Callable[[str, Any], Any], name: str, value: Any, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        way(name, value)
    assert caught.value.message == message


def test_an_unknown_name_gets_the_nearest_and_nothing_else() -> None:
    model = Toy()
    with pytest.raises(SettingError) as caught:
        model.epoch = 5
    assert (caught.value.message, caught.value.hint) == ("unknown setting 'epoch'", "did you mean 'epochs'?")
    assert not hasattr(model, "epoch")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("build_model_function", "network"),
        ("frontend_settings", "frontend"),
        ("zzz", "known: average_weights, babble_minutes"),
    ],
)
def test_names_of_mltk_and_far_names_get_a_hint(name: str, hint: str) -> None:
    with pytest.raises(SettingError, match=hint):
        setattr(Toy(), name, 1)


def test_a_refused_value_leaves_the_old_one() -> None:
    model = Toy()
    with pytest.raises(SettingError):
        model.epochs = 0
    assert model.epochs == 7
    assert model.overrides() == {}


def halve(epoch: int) -> float:
    return 0.5**epoch


@pytest.mark.parametrize("way", [in_class_body, by_assignment, by_with_settings])
@pytest.mark.parametrize("value", [halve, dict(schedule=halve, verbose=1)], ids=["function", "as MLTK writes it"])
def test_a_setting_that_is_a_function(way: Callable[[str, Any], Any], value: Any) -> None:
    assert way("lr_schedule", value) is halve


def test_a_function_setting_may_be_a_method() -> None:
    class Halving(Toy):
        def lr_schedule(self, epoch: int) -> float:
            return self.learning_rate * halve(epoch)

    assert Halving().lr_schedule(1) == 0.0005
    assert Halving().with_settings(learning_rate=1).lr_schedule(1) == 0.5 * 1.0


@pytest.mark.parametrize("name", ["augmnt", "sources_list"])
def test_an_unknown_public_method_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match=f"defines '{name}', which nothing calls"):
        type("Broken", (Toy,), {name: lambda self: None})


def test_hooks_private_helpers_and_private_values_are_taken() -> None:
    body = {"sources": lambda self: [], "network": lambda self: None, "_helper": lambda self: 1, "_TABLE": (1, 2)}
    assert type("Fine", (Toy,), body)()._helper() == 1


def test_subclasses_of_a_model_keep_its_settings() -> None:
    child = type("Child", (Toy,), {"batch_size": 8})()
    assert (child.epochs, child.batch_size, Toy().batch_size) == (7, 8, 32)


def test_with_settings_leaves_the_object_as_it_is() -> None:
    model = Toy()
    model.batch_size = 4
    twin = model.with_settings(epochs=2)
    assert (twin.epochs, twin.batch_size, model.epochs) == (2, 4, 7)
    assert twin.overrides() == {"batch_size": 4, "epochs": 2}


def test_reading_changes_nothing() -> None:
    model = Toy()
    before = model.settings()
    for name in declared(Toy):
        getattr(model, name)
    to_json(model), overrides_to_json(model), model.embedded_parameters()
    assert model.settings() == before
    assert vars(model) == {}


def test_mappings_cannot_be_changed_behind_the_validation() -> None:
    given_weights = {"yes": 2.0}
    model = Toy().with_settings(class_weights=given_weights, parameters={"threshold": 3})
    given_weights["no"] = -1.0
    assert model.class_weights == {"yes": 2.0}
    with pytest.raises(TypeError):
        model.parameters["threshold"] = 4  # type: ignore[index]
    assert Toy().with_settings(parameters=model.parameters).parameters == {"threshold": 3}


def test_numpy_arrays_count_as_lists() -> None:
    model: Any = Toy().with_settings(class_weights=np.array([1.0, 2.0], np.float32))
    assert tuple(model.class_weights) == (1.0, 2.0)


def test_a_partial_function_is_told_by_its_name() -> None:
    def stepped(epoch: int, start: float) -> float:
        return start / (1 + epoch)

    model = Toy().with_settings(lr_schedule=functools.partial(stepped, start=0.1))
    assert to_json(model)["lr_schedule"] == "<function stepped>"


def test_numpy_scalars_count_as_numbers() -> None:
    model = Toy().with_settings(epochs=np.int64(3), learning_rate=np.float32(0.5))
    assert (type(model.epochs), type(model.learning_rate)) == (int, float)


def test_command_line_reads_fields_text_and_json() -> None:
    model = Toy()
    texts = [
        "frontend.window_step_ms=20",
        "frontend.window_size_ms=25",
        "description=5 words",
        "version=3",
        "optimizer=sgd",
        "epochs = 9",
    ]
    changed = model.with_settings(**parse_assignments(model, texts))
    assert (changed.frontend.window_step_ms, changed.frontend.window_size_ms) == (20, 25)
    assert (changed.description, changed.version, changed.optimizer, changed.epochs) == ("5 words", 3, "sgd", 9)
    assert model.with_settings(**parse_assignments(model, ["description=5"])).description == "5"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("epochs", "cannot read the setting 'epochs'", "name=value"),
        ("=5", "cannot read the setting '=5'", "name=value"),
        ("frontend.window_size=5", "setting 'frontend' has no field 'window_size'", "'window_size_ms'"),
        ("frontend.window_size_ms=x", "setting 'frontend.window_size_ms': Expected int, got str; given 'x'", ""),
        ("fronted.window_size_ms=5", "unknown setting 'fronted'", "did you mean 'frontend'?"),
        ("epochs.x=5", "setting 'epochs' has no fields", "epochs=value"),
    ],
)
def test_command_line_errors(text: str, message: str, hint: str) -> None:
    with pytest.raises(SettingError) as caught:
        parse_assignments(Toy(), [text])
    assert caught.value.message == message
    assert hint in caught.value.hint


def test_json_round_trip() -> None:
    model = Toy().with_settings(epochs=3, parameters={"a": 1, "b": "x"}, frontend=FrontendSettings(window_size_ms=40))
    assert from_json(Toy(), json.loads(json.dumps(overrides_to_json(model)))).settings() == model.settings()
    assert from_json(Toy(), json.loads(json.dumps(to_json(model)))).settings() == model.settings()


def test_a_function_cannot_be_stored() -> None:
    model = Toy().with_settings(lr_schedule=lambda epoch: 0.1)
    with pytest.raises(SettingError, match="'lr_schedule' cannot be stored"):
        overrides_to_json(model)
    assert to_json(model)["lr_schedule"].startswith("<function")


@given(st.text(max_size=30))
@hypothesis_settings(deadline=None, max_examples=200)
def test_any_assignment_text_is_read_or_refused(text: str) -> None:
    try:
        changes = parse_assignments(Toy(), [text, f"epochs={text}", f"frontend.{text}", f"classes=[{text}]"])
    except SettingError:
        return
    Toy().with_settings(**changes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(declared(Toy))), json_values)
@hypothesis_settings(deadline=None, max_examples=200)
def test_what_is_accepted_is_accepted_again_unchanged(name: str, value: Any) -> None:
    try:
        once = validate(Toy, name, value)
    except SettingError:
        return
    twice = validate(Toy, name, once)
    assert twice == once or repr(twice) == repr(once)  # NaN is not equal to itself


def test_a_mixin_of_the_authors_own_declares_settings(tmp_path: Path) -> None:
    class Extra(mltk.Settings, declares=True):
        depth: Annotated[int, msgspec.Meta(ge=1, description="levels")] = 2

    class Mine(Toy, Extra):
        depth = 3

    assert Mine().depth == 3
    with pytest.raises(SettingError, match="Expected int >= 1"):
        Mine().depth = 0
    with pytest.raises(SettingError, match="unknown setting 'depth'"):
        Toy().depth = 1
