"""What the model was trained and judged on: sources, licences, voices, hours, as the run's manifest says."""

from collections.abc import Sequence

from mltk_like.data.clip import Clip
from mltk_like.data.manifest import ManifestRow
from mltk_like.data.source import MICROPHONE_LABEL, NOISE_LABEL, ROOM_LABEL, STREAM_LABEL
from mltk_like.data.split import SPLIT_NAMES
from mltk_like.verbs.data import heard_s
from mltk_like.verbs.report.part import Part, duration, part
from mltk_like.verbs.report.stored import StoredModel
from mltk_like.verbs.shared.page import Html, element, folded, paragraph, table

_NO_MANIFEST = "No manifest is stored: what the model was trained on is not known."
_VOICES = 500
# Their groups are kinds of noise and rooms, not people.
_KINDS = (NOISE_LABEL, MICROPHONE_LABEL, ROOM_LABEL)
_NO_VOICES = (*_KINDS, STREAM_LABEL)


def data_card(model: StoredModel) -> Part:
    """Sources, splits, voices, and the sources that could not be had."""
    title, rows = "Data card", model.rows
    missing = [
        paragraph(f"{len(model.state.problems)} sources could not be had for this training and were left out:"),
        folded("which, and why", element("ul", *(element("li", problem) for problem in model.state.problems))),
    ]
    left_out = missing if model.state.problems else []
    if not rows:
        return part(title, _NO_MANIFEST, *left_out)
    hours = _hours(rows)
    voices = {row.group for row in rows if row.label not in _NO_VOICES}
    speech = sum(found for row, found in zip(rows, hours, strict=True) if row.label not in _NO_VOICES)
    text = (
        f"{len(rows)} clips, {duration(sum(hours))}; of them {duration(speech)} of speech by {len(voices)} voices. "
        "No voice is in two of training, validation and test."
    )
    shared = _shared(rows)
    if shared:
        text = f"{len(rows)} clips, {duration(sum(hours))}. {len(shared)} voices are in more than one split."
    return part(
        title,
        paragraph(text),
        *_streams(rows, hours),
        _sources(rows, hours),
        element("h3", "By class and split"),
        _splits(rows, hours),
        _voices(rows, hours),
        *_hash(model),
        *left_out,
    )


def licences_part(model: StoredModel) -> Part:
    """Each licence with the sources under it."""
    title = "Licences"
    if not model.rows:
        return part(title, _NO_MANIFEST)
    found: dict[str, dict[str, int]] = {}
    for row in model.rows:
        sources = found.setdefault(row.licence or "not stated", {})
        sources[row.source] = sources.get(row.source, 0) + 1
    rows = [(name, sum(sources.values()), ", ".join(sources)) for name, sources in sorted(found.items())]
    note = "As the sources state them. Whoever passes the model or its data on should read them there."
    return part(title, table(rows, header=("licence of the data", "clips", "sources")), note)


def _hours(rows: Sequence[ManifestRow]) -> list[float]:
    """Hours of each row that no other has."""
    clips: list[Clip] = [row.clip() for row in rows]
    return [seconds / 3600 for seconds in heard_s(clips, [row.duration_s for row in rows])]


def _shared(rows: Sequence[ManifestRow]) -> set[str]:
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row.group, set()).add(row.split)
    return {group for group, found in splits.items() if len(found) > 1}


def _hash(model: StoredModel) -> list[Html]:
    return [paragraph(f"SHA-256 over the hashes of all clips: {model.data_hash}", soft=True)] if model.data_hash else []


def _streams(rows: Sequence[ManifestRow], hours: Sequence[float]) -> list[Html]:
    """What was made to be listened to alone."""
    heard = sum(found for row, found in zip(rows, hours, strict=True) if row.label == STREAM_LABEL)
    text = (
        f"Of all that, {duration(heard)} ({STREAM_LABEL}) hold no keyword and were in no training: false accepts were "
        "counted on them. Their voices may be voices of the training."
    )
    return [paragraph(text)] if heard else []


def _sources(rows: Sequence[ManifestRow], hours: Sequence[float]) -> Html:
    lines: list[Sequence[object]] = []
    for source in dict.fromkeys(row.source for row in rows):
        mine = [(row, found) for row, found in zip(rows, hours, strict=True) if row.source == source]
        labels = dict.fromkeys(row.label for row, _ in mine)
        licences = sorted({row.licence for row, _ in mine} - {""})
        counts = {split: sum(row.split == split for row, _ in mine) for split in SPLIT_NAMES}
        voices = len({row.group for row, _ in mine})
        kinds = " kinds" if all(label in _KINDS for label in labels) else ""
        shown = list(labels)[:3] + (["…"] if len(labels) > 3 else [])
        length = duration(sum(found for _, found in mine))
        licence = ", ".join(licences) or "not stated"
        lines.append([source, ", ".join(shown), *counts.values(), f"{voices}{kinds}", length, licence])
    header = ("source", "class", "training", "validation", "test", "voices", "length", "licence")
    return table(lines, header=header)


def _splits(rows: Sequence[ManifestRow], hours: Sequence[float]) -> Html:
    parts: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for row, found in zip(rows, hours, strict=True):
        parts.setdefault((row.label, row.split), []).append((row.group, found))
    lines = []
    for label, split in sorted(parts, key=lambda key: (key[0], SPLIT_NAMES.index(key[1]))):
        mine = parts[label, split]
        kinds = " kinds" if label in _KINDS else ""
        length = duration(sum(found for _, found in mine))
        lines.append((label, split, len(mine), f"{len({group for group, _ in mine})}{kinds}", length))
    return table(lines, header=("class", "split", "clips", "voices", "length"))


def _voices(rows: Sequence[ManifestRow], hours: Sequence[float]) -> Html:
    voices: dict[str, list[float]] = {}
    splits: dict[str, str] = {}
    for row, found in zip(rows, hours, strict=True):
        if row.label not in _NO_VOICES:
            voices.setdefault(row.group, []).append(found)
            splits[row.group] = row.split
    most = sorted(voices, key=lambda name: -len(voices[name]))[:_VOICES]
    lines = [(name, splits[name], len(voices[name]), f"{60 * sum(voices[name]):.1f}") for name in most]
    shown = f"{len(voices)} voices" + (f", the first {_VOICES}" if len(voices) > _VOICES else "")
    return folded(shown, table(lines, header=("voice", "split", "clips", "minutes")))
