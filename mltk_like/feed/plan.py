"""Which clip stands at which place of an epoch: a pure function of (settings, seed, epoch, index)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from mltk_like.feed.mined import Mined

UNKNOWN = "_unknown_"
SILENCE = "_silence_"


class Kind(IntEnum):
    """What a window shows."""

    WHOLE = 0
    CROPPED = 1
    SILENCE = 2
    MINED = 3
    COMPANION = 4


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What an epoch is made of; the names are those of `AudioDatasetMixin`."""

    classes: tuple[str, ...]
    unknown_multiplier: float
    silence_fraction: float
    cropped_fraction: float
    seed: int
    undersample: bool = False
    mined_fraction: float = 0.0
    companion_fraction: float = 0.0


@dataclass(frozen=True, kw_only=True)
class EpochPlan:
    """Arrays of equal length, one entry a window: clip index (-1: none), kind, class index.

    Attributes:
        starts: where in its clip each window begins, in samples; None where clips are placed in windows.
        ends: where in its clip each mined window ends, in samples; None where there are none.
    """

    clips: NDArray[np.int64]
    kinds: NDArray[np.int8]
    labels: NDArray[np.int64]
    starts: NDArray[np.int64] | None = None
    ends: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.clips)


def unknown_class(classes: Sequence[str]) -> int | None:
    """Index of `_unknown_`, or None."""
    return classes.index(UNKNOWN) if UNKNOWN in classes else None


def plan_epoch(
    recipe: Recipe,
    labels: Sequence[str],
    lengths: NDArray[np.int64],
    epoch: int,
    families: Sequence[str] = (),
    weights: Sequence[float] = (),
    mined: Mined | None = None,
    companions: NDArray[np.int64] | None = None,
) -> EpochPlan:
    """Every keyword clip once and `unknown_multiplier` times as many unknown windows, drawn afresh and shuffled.

    Unknown clips are drawn with a weight that grows with their length, since long ones hold more windows. A share of
    the unknown windows is silence, another share is a keyword cut short (Silicon Labs' recipe for "alexa"). A family of
    voices that says the keyword has the same share of unknown as of keyword windows: if it had not, the net would learn
    to tell the classes by who speaks. A model with `_silence_` and without `_unknown_` gets `silence_fraction` times as
    many windows of silence as it has keyword windows. Of the unknown windows that are speech, `mined_fraction` are
    drawn among the mined ones, where there are some, and of the rest `companion_fraction` are companion words, each as
    often as the others.

    Every pass has the same number of windows, also where weights have fractions.

    Args:
        recipe: the model's settings.
        labels: label of each clip of the split; those that are no class are left out.
        lengths: samples of each clip.
        epoch: number of the pass, from 0.
        families: family of voices of each clip (the engine of synthetic speech, the set of recordings); none: all one.
        weights: how much more often than others each clip stands in a pass, a fraction by chance; none: 1 each.
        mined: windows without a keyword that a model took for one.
        companions: which companion word each clip holds, -1: none.
    """
    rng = np.random.default_rng(np.random.SeedSequence([recipe.seed, epoch, 0x9E]))
    class_of = {name: index for index, name in enumerate(recipe.classes)}
    ids = np.array([class_of.get(label, -1) for label in labels], dtype=np.int64)
    unknown = unknown_class(recipe.classes)
    weight = np.array(weights or [1.0] * len(labels), dtype=np.float64)
    keywords = np.flatnonzero((ids >= 0) & (ids != (-2 if unknown is None else unknown)))
    keywords = keywords[_repeats(rng.random() if len(keywords) else 0.0, weight[keywords])]
    entries = [(keywords, np.full(len(keywords), Kind.WHOLE), ids[keywords])]
    if unknown is not None:
        count = round(recipe.unknown_multiplier * len(keywords)) if len(keywords) else int((ids == unknown).sum())
        others = np.flatnonzero(ids == unknown)
        chances = _chances(np.array(families or [""] * len(labels)), keywords, others, lengths, weight)
        entries.append(_unknown_entries(recipe, rng, others, chances, keywords, unknown, count))
    elif SILENCE in recipe.classes:
        count = int(np.ceil(recipe.silence_fraction * len(keywords)))
        entries.append((np.full(count, -1), np.full(count, Kind.SILENCE), np.full(count, class_of[SILENCE])))
    clips, kinds, targets = (np.concatenate(column) for column in zip(*entries, strict=True))
    order = rng.permutation(len(clips))
    plan = EpochPlan(clips=clips[order], kinds=kinds[order].astype(np.int8), labels=targets[order])
    if companions is not None and (companions >= 0).any() and unknown is not None:
        plan = _with_companions(plan, companions, recipe, unknown, np.random.default_rng([recipe.seed, epoch, 0xC0]))
    if mined is None or not len(mined) or unknown is None:
        return plan
    return _with_mined(plan, mined, recipe, unknown, np.random.default_rng([recipe.seed, epoch, 0x313D]))


def _with_companions(
    plan: EpochPlan, companions: NDArray[np.int64], recipe: Recipe, unknown: int, rng: np.random.Generator
) -> EpochPlan:
    """Some of the unknown speech replaced by companion words; the rest of the plan stays as it was."""
    places = np.flatnonzero((plan.labels == unknown) & (plan.kinds == Kind.WHOLE))
    places = places[rng.random(len(places)) < recipe.companion_fraction]
    clips, kinds = plan.clips.copy(), plan.kinds.copy()
    words = [np.flatnonzero(companions == word) for word in np.unique(companions[companions >= 0])]
    chosen = rng.integers(len(words), size=len(places))
    for number, own in enumerate(words):
        here = places[chosen == number]
        clips[here] = rng.choice(own, size=len(here))
    kinds[places] = Kind.COMPANION
    return EpochPlan(clips=clips, kinds=kinds, labels=plan.labels)


def _with_mined(plan: EpochPlan, mined: Mined, recipe: Recipe, unknown: int, rng: np.random.Generator) -> EpochPlan:
    """Some of the unknown speech replaced by mined windows; the rest of the plan stays as it was."""
    places = np.flatnonzero((plan.labels == unknown) & (plan.kinds == Kind.WHOLE))
    places = places[rng.random(len(places)) < recipe.mined_fraction]
    chosen = rng.integers(len(mined), size=len(places))
    clips, kinds, ends = plan.clips.copy(), plan.kinds.copy(), np.full(len(plan), -1, dtype=np.int64)
    clips[places], kinds[places], ends[places] = mined.clips[chosen], Kind.MINED, mined.ends[chosen]
    return EpochPlan(clips=clips, kinds=kinds, labels=plan.labels, ends=ends)


def plan_cuts(
    recipe: Recipe,
    labels: Sequence[str],
    lengths: NDArray[np.int64],
    epoch: int,
    *,
    window: int,
    stride: int,
    weights: Sequence[float] = (),
) -> EpochPlan:
    """Every window of every labelled clip once, shuffled: from 0, `stride`, 2 `stride`, ... as far as a clip goes.

    With `recipe.undersample` each class has as many windows as the rarest, another part of them in each pass. A clip
    that is shorter than a window has none.

    Args:
        recipe: the model's settings.
        labels: label of each clip of the split; those that are no class are left out.
        lengths: samples of each clip.
        epoch: number of the pass, from 0.
        window, stride: samples of a window, and from one to the next.
        weights: how much more often than others the windows of each clip stand in a pass; none: 1 each.
    """
    rng = np.random.default_rng(np.random.SeedSequence([recipe.seed, epoch, 0xC07]))
    class_of = {name: index for index, name in enumerate(recipe.classes)}
    ids = np.array([class_of.get(label, -1) for label in labels], dtype=np.int64)
    counts = np.where(ids >= 0, np.maximum((lengths - window) // stride + 1, 0), 0)
    clips = np.repeat(np.arange(len(ids)), counts)
    starts = (np.arange(len(clips)) - np.repeat(np.cumsum(counts) - counts, counts)) * stride
    weight, chance = np.array(weights or [1.0] * len(ids), dtype=np.float64)[clips], rng.random()
    # Each class by itself where that counts: the rarest has as many windows in every pass.
    of = ids[clips] if recipe.undersample else np.zeros(len(clips), np.int64)
    parts = [places[_repeats(chance, weight[places])] for places in (np.flatnonzero(of == n) for n in np.unique(of))]
    order = rng.permutation(np.sort(np.concatenate([np.zeros(0, np.int64), *parts])))
    if recipe.undersample:
        # Shuffled again: what is left of the majority stands in the first part of the pass.
        order = rng.permutation(order[_balanced(ids[clips[order]])])
    clips, starts = clips[order], starts[order]
    return EpochPlan(clips=clips, kinds=np.zeros(len(clips), np.int8), labels=ids[clips], starts=starts)


def _balanced(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Marks the first so many of each class as the rarest of those that are there has."""
    present, of = np.unique(labels, return_inverse=True)
    ranks = np.zeros(len(labels), dtype=np.int64)
    for index in range(len(present)):
        ranks[of == index] = np.arange(np.count_nonzero(of == index))
    least = min(np.bincount(of), default=0)
    return np.asarray(ranks < least)


def _repeats(chance: float, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Each place as often as its weight says, by systematic sampling: the total is the same for every chance."""
    if not len(weights):
        return np.zeros(0, dtype=np.int64)
    total = max(round(float(weights.sum())), 1)
    ends = np.cumsum(weights) * (total / weights.sum())
    ends[-1] = total
    # A sum that rounds up must not add a clip.
    passed = np.minimum(np.floor(ends + chance), total).astype(np.int64)
    counts = np.diff(passed, prepend=0)
    return np.repeat(np.arange(len(weights)), counts)


def _chances(
    families: NDArray[np.str_],
    keywords: NDArray[np.int64],
    others: NDArray[np.int64],
    lengths: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Chance of each unknown clip: by its length, by its family as that says the keyword, and by its own weight."""
    chance: NDArray[np.float64] = np.maximum(lengths[others] / 24_000, 1.0)
    spoken, counts = np.unique(families[keywords], return_counts=True)
    both = {name: count for name, count in zip(spoken, counts, strict=True) if (families[others] == name).any()}
    # Families that never say the keyword keep their share; the others divide the rest as they divide the keyword.
    left = chance[np.isin(families[others], list(both))].sum()
    for name, count in both.items():
        own = families[others] == name
        chance[own] *= left * count / sum(both.values()) / chance[own].sum()
    # Last: an author who weights a whole family must not have it levelled again.
    chance *= weights[others]
    chance /= max(chance.sum(), 1e-12)
    return chance


def _unknown_entries(
    recipe: Recipe,
    rng: np.random.Generator,
    unknown_clips: NDArray[np.int64],
    chances: NDArray[np.float64],
    keywords: NDArray[np.int64],
    unknown: int,
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    chance = rng.random(count)
    silence = recipe.silence_fraction if len(unknown_clips) or len(keywords) else 1.0
    kinds = np.full(count, Kind.WHOLE, dtype=np.int64)
    kinds[chance < silence + recipe.cropped_fraction] = Kind.CROPPED if len(keywords) else Kind.SILENCE
    kinds[chance < silence] = Kind.SILENCE
    clips = np.full(count, -1, dtype=np.int64)
    whole = kinds == Kind.WHOLE
    if len(unknown_clips):
        clips[whole] = rng.choice(unknown_clips, size=int(whole.sum()), p=chances)
    else:
        kinds[whole] = Kind.SILENCE
    cropped = kinds == Kind.CROPPED
    if cropped.any():
        clips[cropped] = rng.choice(keywords, size=int(cropped.sum()))
    targets = np.full(count, unknown, dtype=np.int64)
    if SILENCE in recipe.classes:
        targets[kinds == Kind.SILENCE] = recipe.classes.index(SILENCE)
    return clips, kinds, targets
