"""Three-way split by group, so that nobody who is heard in training is heard in the test.

Where a group goes starts from a hash of its name: groups that are added later do not move those that are there. A few
groups are then moved, the most helpful first, until every label has its share of every split.
"""

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mltk_like.data.clip import Clip, lengths_s
from mltk_like.errors import DataError, SettingError

SPLIT_NAMES = ("training", "validation", "test")
# A label must be in all three splits when it has this many groups.
_COVERED_FROM_GROUPS = 3
# Shares that miss their target by up to this part of the smallest target are left alone, for the sake of stability.
_TOLERANCE = 0.2
_LACKING_COST = 1.0

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Splits:
    """The clips of each split, sorted by label, group, path and start."""

    training: tuple[Clip, ...]
    validation: tuple[Clip, ...]
    test: tuple[Clip, ...]

    def items(self) -> tuple[tuple[str, tuple[Clip, ...]], ...]:
        """(name of the split, its clips), three times."""
        return tuple(zip(SPLIT_NAMES, (self.training, self.validation, self.test), strict=True))


@dataclass(frozen=True, kw_only=True)
class SplitRow:
    """One label in one split: clips, groups (voices, speakers, recordings) and hours of audio."""

    label: str
    split: str
    clips: int
    groups: int
    hours: float


def split_by_group(
    clips: Iterable[Clip], *, fractions: tuple[float, float, float] = (0.8, 0.1, 0.1), seed: int = 0
) -> Splits:
    """Split clips so that no group is in two splits, whatever the order in which they come.

    A group's clips stay together across labels. `Clip.split`, where a source fixed it, wins for the whole group.
    A group that alone is far larger than the validation and test shares goes to training. A label with three groups or
    more is in all three splits, as far as fixed groups and groups that serve several labels permit.

    Args:
        clips: with non-empty `group` and `label`.
        fractions: share of each label's clips for training, validation and test; they add up to 1. A split with
            fraction 0 gets only what is fixed to it.
        seed: another seed gives another split.

    Raises:
        SettingError: the fractions are negative or do not add up to 1.
        DataError: clips of one group are fixed to different splits, or a clip is fixed to a split that does not exist.
    """
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise SettingError(f"split fractions {fractions} do not add up to 1", "give for example (0.8, 0.1, 0.1)")
    by_group: dict[str, list[Clip]] = defaultdict(list)
    for clip in sorted(clips, key=_order):
        by_group[clip.group].append(clip)
    # Sorted by hash: ties between equally good moves are settled by the seed, not by the alphabet.
    names = sorted(by_group, key=lambda name: _hash(name, seed))
    fixed = np.array([_fixed_split(name, by_group[name]) for name in names], dtype=np.int64)
    shares = _shares(names, by_group)
    alike = np.unique(shares, axis=0, return_inverse=True)[1].reshape(-1)
    plan = _Plan(shares=shares, fixed=fixed, fractions=np.array(fractions), alike=alike)
    place = plan.solve(np.array([_hash(name, seed) for name in names]))
    parts: list[list[Clip]] = [[], [], []]
    for name, split in zip(names, place, strict=True):
        parts[split].extend(by_group[name])
    done = [tuple(sorted(part, key=_order)) for part in parts]
    return Splits(training=done[0], validation=done[1], test=done[2])


def summary(splits: Splits, durations: Sequence[Sequence[float]] | None = None) -> list[SplitRow]:
    """Rows for the table of the data: labels in alphabetical order, the three splits of each.

    Args:
        splits: as `split_by_group` gives them.
        durations: seconds of each clip of each split, in their order; read from the files' headers if not given.
            NaN (unreadable) counts as 0.
    """
    if durations is None:
        durations = [lengths_s(clips) for _, clips in splits.items()]
    labels = sorted({clip.label for _, clips in splits.items() for clip in clips})
    rows = []
    for label, ((name, clips), seconds) in itertools.product(labels, zip(splits.items(), durations, strict=True)):
        mine = [(clip, s) for clip, s in zip(clips, seconds, strict=True) if clip.label == label]
        hours = float(np.nansum([s for _, s in mine])) / 3600
        groups = len({clip.group for clip, _ in mine})
        rows.append(SplitRow(label=label, split=name, clips=len(mine), groups=groups, hours=hours))
    return rows


def first_spread(clips: Sequence[Clip], limit: int | None) -> list[Clip]:
    """The first `limit` clips when labels take turns, and the groups of a label take turns; all if `limit` is None."""
    if limit is None or limit >= len(clips):
        return list(clips)
    turns: dict[str, dict[str, list[Clip]]] = defaultdict(lambda: defaultdict(list))
    for clip in clips:
        turns[clip.label][clip.group].append(clip)
    queues = [_interleaved(groups.values()) for groups in turns.values()]
    return _interleaved(queues)[:limit]


def _interleaved(queues: Iterable[Sequence[Clip]]) -> list[Clip]:
    return [clip for row in itertools.zip_longest(*queues) for clip in row if clip is not None]


def _order(clip: Clip) -> tuple[str, str, str, float, int]:
    return clip.label, clip.group, str(clip.path), clip.start_s, clip.row or 0


def _hash(name: str, seed: int) -> float:
    """Uniform in [0, 1), the same on every machine and in every version."""
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _fixed_split(name: str, clips: Sequence[Clip]) -> int:
    """Index of the split that a group is fixed to, -1 for a free one. Raises DataError."""
    wanted = sorted({clip.split for clip in clips} - {""})
    if not wanted:
        return -1
    if len(wanted) > 1:
        raise DataError(
            f"the group {name!r} is fixed to more than one split: {', '.join(wanted)}",
            "nobody may be heard in two splits: fix each group to one",
        )
    if wanted[0] not in SPLIT_NAMES:
        raise DataError(
            f"the group {name!r} is fixed to the split {wanted[0]!r}", f"use {', '.join(SPLIT_NAMES)} or ''"
        )
    return SPLIT_NAMES.index(wanted[0])


def _shares(names: Sequence[str], by_group: dict[str, list[Clip]]) -> Floats:
    """Which part of each label's clips each group holds, shape (groups, labels)."""
    labels = {label: i for i, label in enumerate(sorted({c.label for clips in by_group.values() for c in clips}))}
    counts = np.zeros((len(names), len(labels)))
    for row, name in enumerate(names):
        for clip in by_group[name]:
            counts[row, labels[clip.label]] += 1
    return counts / counts.sum(axis=0, keepdims=True) if names else counts


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """The assignment problem: `shares` (groups, labels), `fixed` (groups,) with -1 for free, `fractions` (3,);
    `alike` (groups,) numbers the distinct rows of `shares`."""

    shares: Floats
    fixed: Ints
    fractions: Floats
    alike: Ints

    def solve(self, hashes: Floats) -> Ints:
        """Split index of each group, from `hashes` (groups,) in [0, 1) and then by greedy descent in the cost."""
        edges = np.cumsum(self.fractions)[:2]
        place = np.searchsorted(edges, hashes, side="right").astype(np.int64)
        small = max(self.fractions[1], self.fractions[2])
        place[(self.shares > 2 * small).any(axis=1)] = 0
        place = np.where(self.fixed >= 0, self.fixed, place)
        free = np.flatnonzero(self.fixed < 0)
        totals, heads = self._tables(place)
        # Each move lowers the cost; the bound only guards against rounding going in circles.
        for _ in range(4 * len(free)):
            cost = self._cost(totals, heads).sum()
            best, group, split = self._best_move(free, place, totals, heads)
            if best >= cost - 1e-9:
                break
            place[group] = split
            totals, heads = self._tables(place)
        return place

    def _tables(self, place: Ints) -> tuple[Floats, Floats]:
        """Share of each label in each split, and number of its groups there, both (3, labels)."""
        held = np.stack([place == split for split in range(3)]).astype(float)
        return held @ self.shares, held @ (self.shares > 0)

    def _cost(self, totals: Floats, heads: Floats) -> Floats:
        """Cost of each label, shape (..., labels), of tables of shape (..., 3, labels)."""
        targets = self.fractions[:, None]
        slack = _TOLERANCE * self.fractions[self.fractions > 0].min()
        miss = np.maximum(0, np.abs(totals - targets) - slack)
        must = ((self.shares > 0).sum(axis=0) >= _COVERED_FROM_GROUPS) & (targets > 0)
        cost: Floats = ((miss**2) + _LACKING_COST * (must & (heads < 0.5))).sum(axis=-2)
        return cost

    def _best_move(self, free: Ints, place: Ints, totals: Floats, heads: Floats) -> tuple[float, int, int]:
        """The cheapest (cost after it, group, split) among all moves of one free group."""
        best = (np.inf, 0, 0)
        for source, target in itertools.permutations(range(3), 2):
            groups = free[place[free] == source]
            if not len(groups) or self.fractions[target] == 0:
                continue
            # Groups with equal shares are equally good to move: the first in hash order stands for all of them.
            groups = groups[np.unique(self.alike[groups], return_index=True)[1]]
            step = np.zeros((len(groups), 3, self.shares.shape[1]))
            step[:, source], step[:, target] = -self.shares[groups], self.shares[groups]
            costs = self._cost(totals + step, heads + np.sign(step)).sum(axis=1)
            winner = int(costs.argmin())
            if costs[winner] < best[0] - 1e-12:
                best = (float(costs[winner]), int(groups[winner]), target)
        return best
