"""The split: nobody in two parts, nothing lost, the same every time, balanced where the groups permit it."""

import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.audio.wav import write_wav
from mltk_like.data.clip import Clip
from mltk_like.data.split import Splits, first_spread, split_by_group, summary
from mltk_like.errors import DataError, SettingError


def clip(label: str, group: str, number: int, split: str = "") -> Clip:
    return Clip(path=Path(f"/{label}/{group}/{number}.wav"), label=label, group=group, source="test", split=split)


def clips_of(counts: dict[tuple[str, str], int]) -> list[Clip]:
    return [clip(label, group, i) for (label, group), n in counts.items() for i in range(n)]


def where(splits: Splits) -> dict[str, str]:
    return {c.group: name for name, clips in splits.items() for c in clips}


def shares(splits: Splits, label: str) -> list[float]:
    counts = [sum(c.label == label for c in clips) for _, clips in splits.items()]
    return [n / sum(counts) for n in counts]


many = st.dictionaries(
    st.tuples(st.sampled_from(["alexa", "unknown", "_noise_"]), st.sampled_from([f"voice{i}" for i in range(25)])),
    st.integers(1, 12),
    max_size=50,
)


@settings(max_examples=60, deadline=None)
@given(counts=many, seed=st.integers(0, 5), shuffle=st.randoms(use_true_random=False))
def test_nobody_in_two_splits_nothing_lost_order_irrelevant(
    counts: dict[tuple[str, str], int], seed: int, shuffle: random.Random
) -> None:
    clips = clips_of(counts)
    splits = split_by_group(clips, seed=seed)
    groups = [{c.group for c in part} for _, part in splits.items()]
    assert sum(len(part) for part in groups) == len(set().union(*groups))
    assert Counter(c for _, part in splits.items() for c in part) == Counter(clips)
    shuffle.shuffle(clips)
    assert split_by_group(clips, seed=seed) == splits


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.dictionaries(st.sampled_from(["a", "b", "c"]), st.lists(st.integers(1, 60), min_size=3, max_size=12)),
    seed=st.integers(0, 5),
)
def test_a_label_with_three_groups_is_in_every_split(sizes: dict[str, list[int]], seed: int) -> None:
    clips = clips_of({(label, f"{label}{i}"): n for label, ns in sizes.items() for i, n in enumerate(ns)})
    splits = split_by_group(clips, seed=seed)
    for part in (splits.training, splits.validation, splits.test):
        assert {c.label for c in part} == set(sizes)


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_close_to_the_target(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = {("alexa", f"v{i}"): int(rng.integers(2, 40)) for i in range(40)}
    counts |= {("unknown", f"v{i}"): int(rng.integers(2, 90)) for i in range(0, 80, 2)}
    splits = split_by_group(clips_of(counts), seed=seed)
    for label in ("alexa", "unknown"):
        assert shares(splits, label) == pytest.approx([0.8, 0.1, 0.1], abs=0.035)


@pytest.mark.parametrize("seed", range(10))
def test_one_voice_with_half_of_all_clips_goes_to_training(seed: int) -> None:
    counts = {("alexa", "hibari"): 500, ("unknown", "hibari"): 2000}
    counts |= {(label, f"v{i}"): n for label, n in (("alexa", 25), ("unknown", 100)) for i in range(20)}
    splits = split_by_group(clips_of(counts), seed=seed)
    assert where(splits)["hibari"] == "training"
    assert shares(splits, "alexa") == pytest.approx([0.8, 0.1, 0.1], abs=0.026)


def test_a_split_fixed_by_the_source_wins_for_the_whole_group() -> None:
    clips = [clip("a", f"g{i}", j) for i in range(12) for j in range(3)]
    clips += [clip("a", "g0", 99, "test"), clip("b", "g1", 0, "validation")]
    placed = where(split_by_group(clips))
    assert (placed["g0"], placed["g1"]) == ("test", "validation")
    with pytest.raises(DataError, match="'g0' is fixed to more than one split: test, training"):
        split_by_group([*clips, clip("b", "g0", 1, "training")])
    with pytest.raises(DataError, match="'dev'"):
        split_by_group([clip("a", "g", 0, "dev")])


@pytest.mark.parametrize("seed", range(5))
def test_new_groups_hardly_move_old_ones(seed: int) -> None:
    old = clips_of({("alexa", f"v{i}"): 10 for i in range(200)})
    before = where(split_by_group(old, seed=seed))
    after = where(split_by_group(old + clips_of({("alexa", f"new{i}"): 10 for i in range(20)}), seed=seed))
    moved = sum(before[group] != after[group] for group in before)
    assert moved <= 10


def test_seeds_differ_and_fractions_are_checked() -> None:
    clips = clips_of({("a", f"v{i}"): 2 for i in range(50)})
    assert split_by_group(clips, seed=1) != split_by_group(clips, seed=2)
    for wrong in ((0.8, 0.1, 0.2), (1.2, -0.1, -0.1)):
        with pytest.raises(SettingError, match="add up to 1"):
            split_by_group(clips, fractions=wrong)
    assert not split_by_group(clips, fractions=(0.9, 0.1, 0.0)).test
    assert split_by_group([]) == Splits(training=(), validation=(), test=())


@pytest.mark.slow
def test_twenty_thousand_groups_of_many_labels() -> None:
    clips = clips_of({(f"word{i % 35}", f"speaker{i}"): 1 for i in range(20_000)})
    assert shares(split_by_group(clips), "word0") == pytest.approx([0.8, 0.1, 0.1], abs=0.025)


def test_summary_counts_clips_groups_and_hours(tmp_path: Path) -> None:
    clips = []
    for group in range(6):
        for number in range(2):
            path = tmp_path / f"{group}-{number}.wav"
            write_wav(path, np.ones(18_000, np.int16), 1000)
            clips.append(Clip(path=path, label="a", group=str(group), source="test"))
    rows = summary(split_by_group(clips, fractions=(0.5, 0.25, 0.25)))
    assert [row.split for row in rows] == ["training", "validation", "test"]
    assert sum(row.clips for row in rows) == 12
    assert sum(row.groups for row in rows) == 6
    assert sum(row.hours for row in rows) == pytest.approx(12 * 18 / 3600)


def test_stretches_of_a_recording_stay_together_and_count_as_long_as_they_are(tmp_path: Path) -> None:
    clips = []
    for name in "abcdefgh":
        path = tmp_path / f"{name}.wav"
        write_wav(path, np.ones(3_600, np.int16), 1000)
        for start in (2.7, 0.9, 1.8, 0.0):
            label = "yes" if start == 0.9 else "no"
            clip = Clip(path=path, label=label, group=name, source="s", start_s=start, end_s=start + 0.9)
            clips.append(clip)
    splits = split_by_group(clips, fractions=(0.5, 0.25, 0.25))
    parts = [{clip.path for clip in part} for _, part in splits.items()]
    assert [len(part) for part in parts] == [4, 2, 2]
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert [clip.start_s for clip in splits.test if clip.label == "no"] == [0.0, 1.8, 2.7] * 2
    assert sum(row.hours for row in summary(splits)) == pytest.approx(8 * 3.6 / 3600)
    assert sum(row.hours for row in summary(splits) if row.label == "yes") == pytest.approx(8 * 0.9 / 3600)


@given(limit=st.integers(0, 70))
@settings(max_examples=30, deadline=None)
def test_first_spread_takes_turns(limit: int) -> None:
    clips = clips_of({("a", "g1"): 20, ("a", "g2"): 3, ("b", "g3"): 40})
    chosen = first_spread(clips, limit)
    assert len(chosen) == min(limit, 63)
    per_label: dict[str, int] = defaultdict(int)
    for c in chosen:
        per_label[c.label] += 1
    if 2 <= limit <= 40:
        assert abs(per_label["a"] - per_label["b"]) <= 1
    if limit >= 4:
        assert {"g1", "g2", "g3"} == {c.group for c in chosen}
    assert first_spread(clips, None) == clips
