"""What makes a training pointless or impossible is said before there is a run, and before any data is made."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import toys
from hypothesis import given
from hypothesis import strategies as st

import mltk_like as mltk
from mltk_like.cli import main
from mltk_like.data import Clip, Folder
from mltk_like.data.split import Splits
from mltk_like.errors import DataError, MltkLikeError, ModelError, SettingError
from mltk_like.feed.expected import check_expected, check_splits, expected_clips
from mltk_like.plateau import ReduceOnPlateau, direction
from mltk_like.training.schedule import make_schedule

pytest_plugins = ("toy_fixtures",)
pytestmark = toys.TENSORFLOW_WARNINGS


def refused(
    toy: Path, monkeypatch: pytest.MonkeyPatch, error: type[MltkLikeError], match: str, **settings: Any
) -> None:
    """The training is refused, without a run folder and without a look at what sources collect."""

    def never(*unused: Any, **options: Any) -> None:
        raise AssertionError("data was made")

    monkeypatch.setattr("mltk_like.verbs.train.prepare.collect", never)
    with pytest.raises(error, match=match) as caught:
        mltk.train(mltk.load_model(toy).with_settings(**settings), workers=0, progress=False)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2
    assert not Path(os.environ["MLTK_LIKE_RUNS"]).exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classes": ("_unknown_", "_silence_")}, "no class is detected: _unknown_, _silence_"),
        ({"classes": ()}, "no class is detected: there is none"),
        ({"classes": ("beep",)}, "'beep' is the only class"),
        ({"classes": ("beep", "_unknown_", "beep")}, "has a name twice"),
        ({"classes": tuple(f"w{i}" for i in range(129))}, "129 classes are more than the 128"),
        ({"split_fractions": (0.9, 0.1, 0.0)}, "leave nothing for test"),
        ({"split_fractions": (0.9, 0.0, 0.1)}, "leave nothing for validation"),
        ({"split_fractions": (1.2, -0.1, -0.1)}, "leave nothing for validation"),
        ({"split_fractions": (0.6, 0.1, 0.1)}, "do not add up to 1"),
        ({"lr_schedule": lambda epoch: None}, "gives None for epoch 0"),
        ({"lr_schedule": lambda epoch: None if epoch else 0.01}, "gives None for epoch 1"),
        ({"lr_schedule": lambda epoch: 0.01 - epoch}, "gives -0.99 for epoch 1"),
        ({"lr_schedule": lambda epoch: float("nan")}, "gives nan for epoch 0"),
        ({"lr_schedule": lambda epoch: "slow"}, "gives 'slow' for epoch 0, which is no number"),
        ({"lr_schedule": lambda epoch: [0.01][epoch]}, "fails in epoch 1: IndexError: list index out of range"),
        ({"lr_schedule": lambda epoch: 0.0}, "gives 0 in every epoch"),
        ({"lr_schedule": lambda: 0.1}, r"takes \(\)"),
        ({"lr_schedule": lambda epoch, rate, more: 0.1}, r"takes \(epoch, rate, more\)"),
        ({"rank_by": "val_mood"}, "whether most or least of 'val_mood' is best"),
        ({"rank_by": "val_auc"}, "no figure 'val_auc' is logged"),
        ({"optimizer": "adm"}, "Keras has no optimizer 'adm'"),
        ({"optimizer": lambda: 3}, "optimizer gives a int"),
        ({"loss": "crossentropie"}, "Keras has no loss 'crossentropie'"),
        ({"metrics": ["Recal"]}, "Keras has no metric 'Recal'"),
        ({"metrics": [3]}, "metrics has a int"),
        ({"metrics": [lambda y, p: y[0, 99]]}, "metrics fails: IndexError: index 99 is out of"),
        ({"loss": lambda y: y}, r"loss fails: TypeError: .* takes 1 positional argument but 2 were given"),
        ({"loss": lambda y, p: {}["boom"]}, "loss fails: KeyError: 'boom'"),
        ({"loss": lambda y, p: p[0]}, "loss fails: ValueError: Dimensions must be equal"),
        ({"loss": lambda y, p: 3.0}, "loss does not depend on what the net says"),
        ({"reduce_lr_on_plateau": {"monitor": "val_recall"}}, "no figure 'val_recall' is logged"),
        ({"reduce_lr_on_plateau": {"mode": "max"}}, "setting 'reduce_lr_on_plateau' has no field 'mode'"),
        ({"lr_schedule": [0.01, 0.001]}, "expected a function, given"),
    ],
)
def test_settings_that_cannot_be_trained_with(
    toy: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], message: str
) -> None:
    refused(toy, monkeypatch, SettingError, message, **settings)


@pytest.mark.parametrize(
    ("result", "message"),
    [("3", "gives a int"), ("[keras.callbacks.Callback]", "gives a type"), ("1 / 0", "fails: ZeroDivisionError")],
)
def test_callbacks_that_are_none(toy: Path, monkeypatch: pytest.MonkeyPatch, result: str, message: str) -> None:
    toy.write_text(re.sub(r"return \[Stop\(\)\].*", f"return {result}", toy.read_text()))
    refused(toy, monkeypatch, SettingError, rf"callbacks(\(\))? {message}")


def test_a_refusal_is_one_line_and_a_hint(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toy.write_text(toy.read_text().replace('classes = ("beep", "_unknown_")', 'classes = ("_beep_", "_unknown_")'))
    assert main(["train", str(toy)]) == 2
    assert re.fullmatch(r"error: no class is detected.*\nhint: .*\n", capsys.readouterr().err)
    assert not Path(os.environ["MLTK_LIKE_RUNS"]).exists()


def test_weights_that_are_missing_or_unreadable(toy: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes(b"PK\x03\x04 no archive")
    for path in (tmp_path / "missing.keras", damaged):
        with pytest.raises(ModelError, match="cannot read weights from"):
            mltk.train(str(toy), weights=path, workers=0, progress=False)
    assert not Path(os.environ["MLTK_LIKE_RUNS"]).exists()


def test_a_class_that_no_source_has(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(
        toy, monkeypatch, DataError, "no source has a clip of the class 'boop'", classes=("beep", "boop", "_unknown_")
    )


def test_a_split_that_will_have_no_voice_of_a_class(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (toy.parent / "audio" / "beep").glob("voice[2-7]_*.wav"):
        path.unlink()
    message = (
        "the split '(validation|test)' has no voice of the class 'beep': there is 2 voices .*in all, . in training"
    )
    refused(toy, monkeypatch, DataError, message)


def clip(group: str, label: str, **more: Any) -> Clip:
    return Clip(path=Path(f"{group}-{label}.wav"), label=label, group=group, source="s", **more)


def test_a_test_without_voices_is_no_matter_where_nothing_is_judged() -> None:
    splits = Splits(training=(clip("a", "x"),), validation=(clip("b", "x"),), test=())
    check_splits(["x", "_silence_"], splits, ("training", "validation"))
    with pytest.raises(DataError, match=r"the split 'test' .* 2 voices .* 1 in training, 1 in validation, 0 in test"):
        check_splits(["x", "_silence_"], splits, ("training", "validation", "test"))


def test_what_cannot_be_known_is_not_asked_for() -> None:
    class Later:
        """A source of a model's own: what it makes is known when it is made."""

        name, label = "later", ""

        def collect(self, **options: Any) -> list[Clip]:
            raise AssertionError("made too early")

    model: Any = SimpleNamespace(classes=("x", "y"), split_fractions=(0.8, 0.1, 0.1), sources=lambda: [Later()])
    assert expected_clips(Later()) is None
    check_expected(model, (), ("training",), test=False)
    one: Any = SimpleNamespace(name="one", label="x", collect=Later().collect)
    model.sources = lambda: [one]
    with pytest.raises(DataError, match="no source has a clip of the class 'y'"):
        check_expected(model, (), ("training",), test=False)


def test_speech_is_planned_before_it_is_made() -> None:
    source = mltk.data.say("yes", label="yes", count=40, engines="piper")
    clips = expected_clips(source)
    if clips is None:
        pytest.skip("no voice of Piper is here")
    assert len(clips) == 40
    assert {found.label for found in clips} == {"yes"}


def test_more_classes_than_a_recogniser_once_had(tmp_path: Path) -> None:
    toys.write_audio(tmp_path / "audio")
    words = [f"word{number}" for number in range(35)]
    sources = [
        Folder(path=tmp_path / "audio" / "beep", label=word, group=r"^(voice\d+)_", speakers="t", name=word)
        for word in words
    ]
    sources.append(Folder(path=tmp_path / "audio" / "other", label="_unknown_", group=r"^(voice\d+)_", speakers="t"))
    model: Any = SimpleNamespace(
        classes=(*words, "_unknown_"), split_fractions=(0.5, 0.25, 0.25), sources=lambda: sources
    )
    check_expected(model, (), ("training", "validation", "test"), test=False)


class Scheduled(mltk.Model, mltk.TrainMixin):
    batch_size = 10
    epochs = 3


@pytest.mark.parametrize(
    ("function", "rates"),
    [
        (lambda epoch, lr: lr * 0.5 if epoch else lr, [0.1, 0.05, 0.025]),
        (lambda epoch, lr=None: lr * 0.5 if epoch else lr, [0.1, 0.05, 0.025]),
        (lambda epoch, start=0.3: start / (1 + epoch), [0.3, 0.15, 0.1]),
        (lambda epoch: np.float32(0.5) * np.exp2(-epoch), [0.5, 0.25, 0.125]),
        (lambda *arguments: 0.1 * sum(arguments[:1]) + 0.1, [0.1, 0.2, 0.3]),
    ],
)
def test_schedules_as_keras_has_them(function: Callable[..., Any], rates: list[float]) -> None:
    schedule = make_schedule(Scheduled().with_settings(lr_schedule=function, learning_rate=0.1), 20)
    assert [schedule.rate(step) for step in (0, 2, 4)] == pytest.approx(rates)


def test_a_plateau_is_that_of_keras() -> None:
    plateau = ReduceOnPlateau(factor=0.5, patience=2, min_delta=0.0, cooldown=1, min_lr=0.02)
    losses = [1.0, 0.9, 0.9, 0.95, 0.9, 0.9, 0.9, 0.9, 0.1]
    found = [plateau.reduced(0.1, {"val_loss": losses[:epochs]}) for epochs in range(len(losses) + 1)]
    # Two epochs without a better one reduce it, and again; the third time would go below the least.
    assert found == pytest.approx([0.1] * 4 + [0.05] * 2 + [0.025] * 2 + [0.02] * 2)
    assert ReduceOnPlateau(monitor="val_accuracy", patience=1).reduced(1.0, {"val_accuracy": [0.5, 0.6]}) == 1.0
    with pytest.raises(SettingError, match="factor is 2"):
        ReduceOnPlateau(factor=2)


@given(st.lists(st.integers(0, 5), max_size=30))
def test_a_rate_never_rises_and_stays_above_its_least(values: list[int]) -> None:
    plateau = ReduceOnPlateau(patience=2, min_lr=0.001)
    rates = [plateau.reduced(0.1, {"val_loss": [float(v) for v in values[:n]]}) for n in range(len(values) + 1)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] >= 0.001


@pytest.mark.parametrize(
    ("figure", "found"),
    [
        ("val_loss", ("val_loss", False)),
        ("val_accuracy", ("val_accuracy", True)),
        ("val_f1_score", ("val_f1_score", True)),
        ("max:val_mood", ("val_mood", True)),
        ("min:val_auc", ("val_auc", False)),
        ("val_mean_squared_error", ("val_mean_squared_error", False)),
    ],
)
def test_which_way_a_figure_goes(figure: str, found: tuple[str, bool]) -> None:
    assert direction(figure) == found
