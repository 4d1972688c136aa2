"""What a model fired on, cut out of the recording."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mltk_like.audio.wav import stream_audio, write_wav
from mltk_like.errors import DataError
from mltk_like.evaluation.scan import ScannedFile
from mltk_like.evaluation.streams import Int16
from mltk_like.evaluation.subject import Subject
from mltk_like.metrics import Event
from mltk_like.verbs.mine.folder import Cut, FileState, Heard, MinedFolder, cut_name

# Training takes a random window out of a cut. In two windows' length with the trigger in the middle, that holds most of
# the trigger more often than not, and sound from before it; longer cuts would be divided (`data.own`) and dilute it.
_CUT_WINDOWS = 2


def cut_out(scanned: ScannedFile, root: Path, state: FileState, mined: MinedFolder, subject: Subject) -> Heard:
    """Write the cuts of one file.

    Args:
        scanned: what the model fired on in it.
        root: the folder that it was found in.
        state: of the file, before it was heard.
        mined: the folder of the cuts.
        subject: the model.

    Raises:
        DataError: a cut cannot be written.
    """
    setup = mined.setup
    events = [event for event in scanned.events if event.score > setup.thresholds[event.label]]
    kept = sorted(sorted(events, key=lambda event: -event.score)[: setup.limit], key=lambda event: event.time_ms)
    rate = subject.frontend.sample_rate_hz
    spans = [_span(subject, event) for event in kept]
    cuts = []
    for event, (start, _), samples in zip(kept, spans, stretches(scanned.path, rate, spans), strict=False):
        name = cut_name(scanned.path, root, event.label, event.time_ms, event.score)
        write_wav(mined.folder / name, samples, rate)
        cuts.append(
            Cut(
                file=name, source=str(scanned.path), label=event.label, score=event.score,
                time_s=event.time_ms / 1000, start_s=start / rate, end_s=(start + len(samples)) / rate,
            )
        )  # fmt: skip
    return Heard(
        source=str(scanned.path),
        state=state,
        duration_s=scanned.duration_s,
        detections=len(events),
        false_accepts=sum(event.score > setup.own_thresholds[event.label] for event in events),
        cuts=tuple(cuts),
        problem=scanned.problem,
    )


def _span(subject: Subject, event: Event) -> tuple[int, int]:
    """First sample and end of a cut: the windows that were averaged ended, at their middle, half that time before."""
    rate, window = subject.frontend.sample_rate_hz, subject.frontend.sample_length
    averaged = subject.recogniser.average_window_duration_ms * rate // 1000
    middle = event.time_ms * rate // 1000 - averaged // 2 - window // 2
    start = max(middle - _CUT_WINDOWS * window // 2, 0)
    return start, start + _CUT_WINDOWS * window


def stretches(path: Path, rate: int, spans: Sequence[tuple[int, int]]) -> Iterator[Int16]:
    """Stretches of a file, in one pass.

    Args:
        path: the file.
        rate: sample rate in Hz to read it with.
        spans: first sample and end of each, in the order of their starts, none longer than the one before.

    Yields:
        int16 samples; the last may be cut short by the file's end, or by damage that was reported before.
    """
    waiting = list(spans)
    kept, first = np.zeros(0, np.int16), 0
    if not waiting:
        return
    for block in _readable(path, rate):
        kept = np.concatenate([kept, block])
        while waiting and waiting[0][1] <= first + len(kept):
            start, end = waiting.pop(0)
            yield kept[start - first : end - first]
        if not waiting:
            return
        drop = min(waiting[0][0] - first, len(kept))
        kept, first = kept[drop:], first + drop
    for start, end in waiting:
        if start - first < len(kept):
            yield kept[start - first : end - first]


def _readable(path: Path, rate: int) -> Iterator[Int16]:
    try:
        yield from stream_audio(path, rate)
    except DataError:
        return
