"""The recogniser once more, in plain Python: slow, written from its definition, keeping every result."""

from collections.abc import Sequence

MAX_RESULTS = 64


def detections(
    times: Sequence[int],
    scores: Sequence[Sequence[int]],
    *,
    minimum_count: int,
    window: int,
    thresholds: Sequence[int],
    suppression: int,
    ignored: Sequence[bool],
) -> list[tuple[int, int, int]]:
    """(time, class, mean) of every detection in one stream."""
    found: list[tuple[int, int, int]] = []
    for now, time in enumerate(times):
        kept = results_in_window(times[: now + 1], scores[: now + 1], minimum_count, window)
        if len(kept) < minimum_count:
            continue
        means = [sum(column) // len(kept) for column in zip(*kept, strict=True)]
        best = means.index(max(means))
        if ignored[best] or means[best] <= thresholds[best]:
            continue
        suppressed = bool(found) and found[-1][1] == best and time - found[-1][0] <= suppression
        if not suppressed:
            found.append((time, best, means[best]))
    return found


def results_in_window(
    times: Sequence[int], scores: Sequence[Sequence[int]], minimum_count: int, window: int
) -> list[Sequence[int]]:
    """The results that the last of them is averaged with, itself included."""
    if minimum_count == 0:
        return [scores[-1]]
    recent = [row for time, row in zip(times, scores, strict=True) if time >= times[-1] - window]
    return recent[-MAX_RESULTS:]


def events(found: Sequence[tuple[int, int, int]], merge: int) -> int:
    """Detections counted as one when they come no later than `merge` after the last counted one."""
    counted: list[int] = []
    for time, _, _ in found:
        if not counted or time - counted[-1] > merge:
            counted.append(time)
    return len(counted)
