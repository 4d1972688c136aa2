"""Which clip stands where in a pass."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mltk_like.feed.mined import Mined
from mltk_like.feed.plan import EpochPlan, Kind, Recipe, plan_epoch, unknown_class

LABELS = ["yes"] * 40 + ["no"] * 20 + ["_unknown_"] * 100 + ["_noise_"] * 5
LENGTHS = np.full(len(LABELS), 16_000)


def recipe(**changes: object) -> Recipe:
    values = dict(
        classes=("yes", "no", "_unknown_"), unknown_multiplier=1.5, silence_fraction=0.1, cropped_fraction=0.2, seed=3
    )
    return Recipe(**{**values, **changes})  # type: ignore[arg-type]


def plan(epoch: int = 0, labels: list[str] = LABELS, lengths: np.ndarray = LENGTHS, **changes: object) -> EpochPlan:
    return plan_epoch(recipe(**changes), labels, lengths, epoch)


def same(one: EpochPlan, other: EpochPlan) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("clips", "kinds", "labels"))


def test_every_keyword_once_and_the_right_number_of_unknowns() -> None:
    made = plan()
    assert len(made) == 60 + 90
    keywords = made.labels != 2
    assert sorted(made.clips[keywords]) == list(range(60))
    assert (made.kinds[keywords] == Kind.WHOLE).all()
    assert [LABELS[clip] for clip in made.clips[keywords]] == [("yes", "no")[label] for label in made.labels[keywords]]


def test_unknowns_are_speech_silence_or_cut_keywords() -> None:
    made = plan(unknown_multiplier=50.0)
    unknown = made.labels == 2
    kinds, clips = made.kinds[unknown], made.clips[unknown]
    assert (clips[kinds == Kind.SILENCE] == -1).all()
    assert set(clips[kinds == Kind.CROPPED]) <= set(range(60))
    assert set(clips[kinds == Kind.WHOLE]) == set(range(60, 160))
    shares = np.bincount(kinds, minlength=3) / len(kinds)
    assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.02)


def test_order_and_unknowns_are_fresh_in_each_pass_and_repeatable() -> None:
    assert same(plan(4), plan(4))
    assert not same(plan(4), plan(5))
    assert not same(plan(4), plan(4, seed=4))
    first, second = plan(4), plan(5)
    assert sorted(first.clips[first.labels == 2]) != sorted(second.clips[second.labels == 2])
    labels = plan().labels
    assert np.abs(np.diff(np.flatnonzero(labels == 1))).max() < 60, "not shuffled"


def test_long_unknown_clips_are_drawn_more_often() -> None:
    lengths = LENGTHS.copy()
    lengths[60:110] = 240_000
    made = plan(lengths=lengths, unknown_multiplier=100.0, silence_fraction=0.0, cropped_fraction=0.0)
    chosen = made.clips[made.labels == 2]
    assert np.mean(chosen < 110) == pytest.approx(10 / 11, abs=0.02)


def test_silence_has_a_class_of_its_own_where_the_model_has_one() -> None:
    made = plan(classes=("yes", "_unknown_", "_silence_"))
    assert (made.labels[made.kinds == Kind.SILENCE] == 2).all()
    assert (made.labels[made.kinds == Kind.CROPPED] == 1).all()
    assert 2 in made.labels


def test_without_an_unknown_class_there_are_keywords_only() -> None:
    made = plan(classes=("yes", "no"))
    assert len(made) == 60
    assert unknown_class(("yes", "no")) is None


@pytest.mark.parametrize(
    ("labels", "kinds"),
    [
        (["yes"] * 10, {Kind.WHOLE, Kind.CROPPED, Kind.SILENCE}),
        (["_unknown_"] * 200, {Kind.WHOLE, Kind.SILENCE}),
        ([], set()),
        (["_noise_"], set()),
    ],
)
def test_splits_that_lack_something(labels: list[str], kinds: set[Kind]) -> None:
    made = plan(
        labels=labels,
        lengths=np.full(len(labels), 100),
        silence_fraction=0.3,
        cropped_fraction=0.3,
        unknown_multiplier=9.0,
    )
    assert {Kind(kind) for kind in made.kinds} == kinds
    assert ((made.clips == -1) == (made.kinds == Kind.SILENCE)).all()


@given(
    labels=st.lists(st.sampled_from(["yes", "no", "_unknown_", "_noise_", "other"]), max_size=30),
    multiplier=st.floats(0, 4),
    silence=st.floats(0, 1),
    cropped=st.floats(0, 1),
    epoch=st.integers(0, 10),
)
@hypothesis_settings(deadline=None, max_examples=150)
def test_a_plan_is_always_sound(
    labels: list[str], multiplier: float, silence: float, cropped: float, epoch: int
) -> None:
    lengths = np.arange(len(labels)) * 5000
    changes = dict(unknown_multiplier=multiplier, silence_fraction=silence, cropped_fraction=cropped)
    made = plan(epoch, labels, lengths, **changes)
    assert len(made.clips) == len(made.kinds) == len(made.labels)
    assert same(made, plan(epoch, labels, lengths, **changes))
    for clip, kind, label in zip(made.clips, made.kinds, made.labels, strict=True):
        assert (clip == -1) == (kind == Kind.SILENCE)
        if kind == Kind.WHOLE:
            assert labels[clip] == ("yes", "no", "_unknown_")[label]
        else:
            assert label == 2
            assert clip == -1 or labels[clip] in ("yes", "no")


def test_a_family_of_voices_has_the_same_share_of_both_classes() -> None:
    # 'rich' says the keyword half as often as 'poor', but has fifty times the unknown clips.
    labels = ["yes"] * 10 + ["yes"] * 20 + ["_unknown_"] * 500 + ["_unknown_"] * 10 + ["_unknown_"] * 60
    families = ["rich"] * 10 + ["poor"] * 20 + ["rich"] * 500 + ["poor"] * 10 + ["mine"] * 60
    lengths = np.full(len(labels), 16_000)
    drawn: list[str] = []
    for epoch in range(100):
        made = plan_epoch(recipe(classes=("yes", "_unknown_")), labels, lengths, epoch, families)
        unknown = (made.labels == 1) & (made.kinds == Kind.WHOLE)
        drawn += [families[clip] for clip in made.clips[unknown]]
    share = {name: drawn.count(name) / len(drawn) for name in ("rich", "poor", "mine")}
    assert share["poor"] / share["rich"] == pytest.approx(2.0, rel=0.15)
    assert share["mine"] == pytest.approx(60 / 570, rel=0.2)


def weighted(weights: list[float], epoch: int = 0, **changes: object) -> EpochPlan:
    return plan_epoch(recipe(**changes), LABELS, LENGTHS, epoch, weights=weights)


def test_a_weight_repeats_keyword_clips_with_fractions_by_chance() -> None:
    weights = [2.5 if index < 30 else 0.4 if index < 40 else 1.0 for index in range(len(LABELS))]
    plans = [weighted(weights, epoch) for epoch in range(200)]
    assert {len(made) for made in plans} == {len(plans[0])}, "a pass is as long as any other"
    counts = np.array([np.bincount(made.clips[made.labels != 2], minlength=60) for made in plans])
    assert (counts.sum(axis=1) == 75 + 4 + 20).all()
    assert set(counts[:, :30].ravel()) == {2, 3}
    assert set(counts[:, 30:40].ravel()) == {0, 1}
    assert (counts[:, 40:60] == 1).all()
    assert counts.mean(axis=0)[:40] == pytest.approx(np.array(weights[:40]), abs=0.15)
    assert same(weighted(weights, 5), weighted(weights, 5))
    assert (plans[0].labels == 2).sum() == round(1.5 * 99)


def test_a_weight_of_one_is_no_weight() -> None:
    assert same(weighted([1.0] * len(LABELS)), plan())


def test_unknown_clips_are_drawn_by_their_weight() -> None:
    weights = [3.0 if 60 <= index < 110 else 1.0 for index in range(len(LABELS))]
    made = weighted(weights, unknown_multiplier=200.0, silence_fraction=0.0, cropped_fraction=0.0)
    chosen = made.clips[made.labels == 2]
    assert np.mean(chosen < 110) == pytest.approx(0.75, abs=0.02)


def test_a_family_that_is_weighted_is_not_levelled_again() -> None:
    families = ["a"] * 30 + ["b"] * 30 + ["a"] * 50 + ["b"] * 50 + ["c"] * 5
    weights = [4.0 if 60 <= index < 110 else 1.0 for index in range(len(LABELS))]
    changes = dict(unknown_multiplier=200.0, silence_fraction=0.0, cropped_fraction=0.0)
    made = plan_epoch(recipe(**changes), LABELS, LENGTHS, 0, families, weights)
    chosen = made.clips[made.labels == 2]
    assert np.mean(chosen < 110) == pytest.approx(0.8, abs=0.02)


def test_silence_without_an_unknown_class() -> None:
    made = plan(classes=("yes", "no", "_silence_"), silence_fraction=0.25)
    silent = made.kinds == Kind.SILENCE
    assert silent.sum() == 15
    assert (made.labels[silent] == 2).all()
    assert (made.clips[silent] == -1).all()
    assert sorted(made.clips[~silent]) == list(range(60))
    assert not (plan(classes=("yes", "_silence_"), silence_fraction=0.0).kinds == Kind.SILENCE).any()


@given(st.lists(st.floats(0.01, 50), min_size=165, max_size=165), st.integers(0, 5))
@hypothesis_settings(deadline=None, max_examples=30)
def test_any_weights_give_passes_of_one_length(weights: list[float], seed: int) -> None:
    lengths = {len(weighted(weights, epoch, seed=seed)) for epoch in range(4)}
    assert len(lengths) == 1


def test_mined_windows_replace_a_share_of_the_unknown_speech_and_nothing_else() -> None:
    mined = Mined(
        clips=np.array([70, 80]), ends=np.array([9000, 17_000]), scores=np.array([0.9, 0.4], dtype=np.float32)
    )
    wanted = recipe(unknown_multiplier=50.0, mined_fraction=0.3)
    before = plan_epoch(wanted, LABELS, LENGTHS, 4)
    made = plan_epoch(wanted, LABELS, LENGTHS, 4, mined=mined)
    again = plan_epoch(wanted, LABELS, LENGTHS, 4, mined=mined)
    chosen = made.kinds == Kind.MINED
    assert made.ends is not None
    assert same(made, again)
    assert np.array_equal(made.ends, np.asarray(again.ends))
    assert (before.kinds[chosen] == Kind.WHOLE).all()
    assert (made.labels[chosen] == 2).all()
    assert np.array_equal(made.clips[~chosen], before.clips[~chosen])
    assert np.array_equal(made.labels, before.labels)
    assert set(zip(made.clips[chosen], made.ends[chosen], strict=True)) == {(70, 9000), (80, 17_000)}
    speech = (before.labels == 2) & (before.kinds == Kind.WHOLE)
    assert chosen.sum() / speech.sum() == pytest.approx(0.3, abs=0.03)


def test_without_mined_windows_a_pass_is_as_ever() -> None:
    nothing = Mined(clips=np.zeros(0, np.int64), ends=np.zeros(0, np.int64), scores=np.zeros(0, np.float32))
    made = plan_epoch(recipe(mined_fraction=0.5), LABELS, LENGTHS, 0, mined=nothing)
    assert same(made, plan())
    assert made.ends is None


def test_companion_words_replace_a_share_of_the_unknown_speech_each_as_often_as_the_others() -> None:
    companions = np.full(len(LABELS), -1)
    companions[60:90], companions[90:92] = 0, 1  # thirty clips of one word, two of another
    wanted = recipe(unknown_multiplier=80.0, companion_fraction=0.4)
    before = plan_epoch(wanted, LABELS, LENGTHS, 4)
    made = plan_epoch(wanted, LABELS, LENGTHS, 4, companions=companions)
    chosen = made.kinds == Kind.COMPANION
    assert np.array_equal(made.labels, before.labels)
    assert np.array_equal(made.clips[~chosen], before.clips[~chosen])
    assert (before.kinds[chosen] == Kind.WHOLE).all()
    speech = (before.labels == 2) & (before.kinds == Kind.WHOLE)
    assert chosen.sum() / speech.sum() == pytest.approx(0.4, abs=0.02)
    assert np.bincount(companions[made.clips[chosen]]) / chosen.sum() == pytest.approx([0.5, 0.5], abs=0.03)
