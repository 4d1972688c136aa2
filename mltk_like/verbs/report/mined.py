"""What the model itself chose among the sounds without its words: the rounds of mining of its training."""

from collections.abc import Iterator, Sequence

from mltk_like.data.manifest import ManifestRow
from mltk_like.verbs.report.part import Part, part
from mltk_like.verbs.report.stored import MinedWindow, StoredMining, StoredModel
from mltk_like.verbs.shared.page import Html, folded, paragraph, table

_SOURCES = 6
_OPEN = 10
"""Windows of the last round that are shown without a click."""


def mined_parts(model: StoredModel) -> list[Part]:
    """The rounds, and the windows of each that were taken most for a word; nothing where nothing was mined."""
    if not model.mining:
        return []
    rows = {row.path: row for row in reversed(model.rows)}
    header = ("round", "listened to", "windows", "taken for a word", "kept", "of them from")
    lines = [
        (found.round, f"{found.hours:.1f} h", found.windows, found.alarms, found.kept, _sources(found))
        for found in model.mining
    ]
    about = (
        "Between two stretches of the training the net listened to the unknown clips that it was trained on; the "
        "windows that it took most for a word are drawn more often from then on."
    )
    return [part("Mined windows", about, table(lines, header=header), *_loudest(model.mining, rows))]


def _sources(found: StoredMining) -> str:
    ranked = sorted(found.kept_by_family.items(), key=lambda pair: -pair[1])
    more = [f"{len(ranked) - _SOURCES} more"] if len(ranked) > _SOURCES else []
    return ", ".join([*(f"{name} {count}" for name, count in ranked[:_SOURCES]), *more])


def _loudest(rounds: Sequence[StoredMining], rows: dict[str, ManifestRow]) -> Iterator[Html]:
    """The last round's first, and open: what the finished net still takes for a word."""
    for found in reversed(rounds):
        windows, last = found.loudest, found is rounds[-1]
        if last and windows:
            yield paragraph(f"Taken most for a word in round {found.round}:")
            yield _windows(windows[:_OPEN], rows, 1)
            windows = windows[_OPEN:]
        if windows:
            first = _OPEN + 1 if last else 1
            yield folded(
                f"round {found.round}: windows {first} to {first + len(windows) - 1}", _windows(windows, rows, first)
            )


def _windows(windows: Sequence[MinedWindow], rows: dict[str, ManifestRow], first: int) -> Html:
    header = ("", "score", "text", "voice", "source", "file", "ends at")
    lines = []
    for number, window in enumerate(windows, first):
        row = rows.get(window.clip)
        known = (row.text or "no text", row.group, row.source) if row else ("not in the manifest", "", "")
        lines.append((number, f"{window.score:.2f}", *known, window.clip, f"{window.end_s:.2f} s"))
    return table(lines, header=header)
