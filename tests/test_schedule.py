"""Steps and learning rates."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import mltk_like as mltk
from mltk_like.training.schedule import make_schedule, stepped


class Toy(mltk.Model, mltk.TrainMixin):
    batch_size = 10
    epochs = 4


def test_constant_rate_and_one_pass_an_epoch() -> None:
    schedule = make_schedule(Toy(), 95)
    assert (schedule.steps_per_epoch, schedule.total_steps, schedule.epochs) == (10, 40, 4)
    assert {schedule.rate(step) for step in range(40)} == {0.001}


def test_steps_per_epoch_given() -> None:
    schedule = make_schedule(Toy().with_settings(steps_per_epoch=7), 95)
    assert (schedule.steps_per_epoch, schedule.total_steps) == (7, 28)


def test_no_windows_still_make_a_step() -> None:
    assert make_schedule(Toy(), 0).total_steps == 4


def test_stages_end_the_training_and_the_last_epoch_may_be_short() -> None:
    model = Toy().with_settings(learning_rate_steps=((5, 0.1), (20, 0.2)))
    schedule = make_schedule(model, 95)
    assert (schedule.total_steps, schedule.epochs) == (25, 3)
    assert [schedule.rate(step) for step in (0, 4, 5, 24, 25, 999)] == [0.1, 0.1, 0.2, 0.2, 0.2, 0.2]


def test_epochs_end_the_training_before_the_stages_do() -> None:
    assert make_schedule(Toy().with_settings(learning_rate_steps=((10**6, 0.1),)), 95).total_steps == 40


def test_stages_go_before_a_function_and_a_function_before_the_constant() -> None:
    model = Toy().with_settings(lr_schedule=lambda epoch: 0.5**epoch)
    schedule = make_schedule(model, 95)
    assert [schedule.rate(step) for step in (0, 9, 10, 39)] == [1.0, 1.0, 0.5, 0.125]
    assert make_schedule(model.with_settings(learning_rate_steps=((5, 0.1),)), 95).rate(0) == 0.1


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(1e-6, 1)), min_size=1, max_size=6))
@hypothesis_settings(deadline=None, max_examples=100)
def test_stepped_is_the_list_written_out(stages: list[tuple[int, float]]) -> None:
    rate = stepped(stages)
    written = [value for count, value in stages for _ in range(count)]
    assert [rate(step) for step in range(len(written))] == written
    assert rate(len(written) + 7) == pytest.approx(written[-1])
