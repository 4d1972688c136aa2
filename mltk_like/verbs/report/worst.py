"""The words that were missed by most and the loudest false accepts, to be heard."""

from collections.abc import Mapping, Sequence

from mltk_like.evaluation.details import FalseAccept, Miss
from mltk_like.evaluation.result import LISTED
from mltk_like.verbs.report.part import Part, part
from mltk_like.verbs.report.players import LIMIT, LONGEST_S, Players
from mltk_like.verbs.report.stored import StoredModel
from mltk_like.verbs.shared.page import table

_BEFORE_S, _AFTER_S = 0.3, 0.5
_NOT_STORED = "Not stored with this evaluation; --evaluate lists them, with players."


def misses_part(model: StoredModel, players: Players) -> Part:
    """Words that were not detected at the model's own threshold, one line a recording."""
    title, evaluation = "Worst misses", model.evaluation
    if evaluation is None or evaluation.worst_misses is None:
        return part(title, _NOT_STORED)
    if not evaluation.worst_misses:
        return part(title, "None: every word was detected at the model's own threshold.")
    words: dict[tuple[str, float], list[Miss]] = {}
    for miss in evaluation.worst_misses[:LISTED]:
        words.setdefault((miss.file, miss.time_s), []).append(miss)
    # Up to half of the players are kept for the false accepts.
    most = LIMIT - min(len(evaluation.loudest_false_accepts or ()), LIMIT // 2)
    before, rows = players.made, []
    for number, found in enumerate(words.values(), 1):
        free = players.made - before < most
        sound: object = f"no player: the page has {LIMIT}"
        if free:
            sound = _miss_player(found[0], number, model.summary.parameters, players)
        rows.append([number, *_miss_cells(found), sound])
    header = ("", "score", "word", "file", "at", "voice", "source", "sound")
    how = (
        f"Score: the highest mean of the word's class, 0 to 255, by condition; the threshold is "
        f"{evaluation.own_threshold}. Played is the recording as it is, without the noise that was mixed in."
    )
    return part(title, how, table(rows, header=header), players=players.made - before)


def false_accepts_part(model: StoredModel, players: Players) -> Part:
    """What the model took for a word at its own threshold, the highest scores first."""
    title, evaluation = "Loudest false accepts", model.evaluation
    if evaluation is None or evaluation.loudest_false_accepts is None:
        return part(title, _NOT_STORED)
    if not evaluation.loudest_false_accepts:
        return part(title, "None at the model's own threshold.")
    before = players.made
    rows = [
        [number, event.score, event.label, event.file, f"{event.time_s:.2f} s", event.group, event.source,
         _event_player(event, number, model.summary.parameters, players)]
        for number, event in enumerate(evaluation.loudest_false_accepts[:LISTED], 1)
    ]  # fmt: skip
    header = ("", "score", "taken for", "file", "at", "voice", "source", "sound")
    how = f"Played is what was heard up to {_AFTER_S:g} s after the detection, at most {LONGEST_S:g} s."
    return part(title, how, table(rows, header=header), players=players.made - before)


def heard_stretch(event: Miss | FalseAccept, parameters: Mapping[str, object]) -> tuple[float, float]:
    """The first and last second of a file between which an error can be heard.

    Args:
        event: the error.
        parameters: of the `.tflite`: how much sound a detection rests on.
    """
    if isinstance(event, Miss):
        return event.time_s - _BEFORE_S, event.end_s + _AFTER_S
    return event.time_s - _window_s(parameters), event.time_s + _AFTER_S


def _miss_player(miss: Miss, number: int, parameters: Mapping[str, object], players: Players) -> object:
    name = f"miss {number}: {miss.label} by {miss.group}"
    return players.player(miss.file, *heard_stretch(miss, parameters), name=name)


def _miss_cells(found: Sequence[Miss]) -> list[object]:
    scores = "; ".join(f"{miss.condition}: {miss.score}" for miss in found)
    first = found[0]
    return [scores, first.label, first.file, f"{first.time_s:.2f} s", first.group, first.source]


def _event_player(event: FalseAccept, number: int, parameters: Mapping[str, object], players: Players) -> object:
    name = f"false accept {number}: {event.source}, {event.group}"
    return players.player(event.file, *heard_stretch(event, parameters), name=name)


def _window_s(parameters: Mapping[str, object]) -> float:
    """Seconds that a detection may rest on: the net's window and the time over which scores are averaged."""
    stored = (parameters.get(name) for name in ("fe.sample_length_ms", "average_window_duration_ms"))
    known = sum(value for value in stored if isinstance(value, int | float) and value > 0) / 1000
    return min(known or LONGEST_S, LONGEST_S - _AFTER_S)
