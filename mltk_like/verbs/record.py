"""Record examples of a sound: capture, find the events by their energy, write WAV and Audacity labels."""

import itertools
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.wav import write_wav
from mltk_like.data.labels import Interval, write_audacity
from mltk_like.data.segments import loud_segments
from mltk_like.errors import DataError, SettingError
from mltk_like.paths import write_bytes
from mltk_like.verbs.shared.audio_sources import Source, open_source

_LONGEST_S = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class RecordResult:
    """A recording that was written.

    Attributes:
        audio, labels: the files.
        label: of all events.
        seconds: length of the recording.
        events: how many were found.
        events_s: seconds in them.
        lost_ms: audio that the microphone, or the line to a board, dropped.
    """

    audio: Path
    labels: Path
    label: str
    seconds: float
    events: int
    events_s: float
    lost_ms: int

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "audio": str(self.audio), "labels": str(self.labels)}

    def __str__(self) -> str:
        lines = [f"{self.audio}: {self.seconds:.1f} s, {self.events} x {self.label!r} ({self.events_s:.1f} s)"]
        lines += [f"{self.labels}: check it in Audacity (File, Import, Labels)"]
        if self.lost_ms:
            lines.append(f"warning: {self.lost_ms} ms were lost")
        if not self.events:
            lines.append("warning: nothing is louder than the background; come nearer, or lower --above")
        return "\n".join(lines)


def record(
    label: str,
    *,
    seconds: float = 60.0,
    output: Path = Path("recordings"),
    input: str | Path | None = None,
    microphone: str | None = None,
    device: str | None = None,
    sample_rate_hz: int = 16000,
    above_db: float = 12.0,
    segment_s: float | None = None,
    whole: bool = False,
    progress: bool = True,
) -> RecordResult:
    """Record one sound again and again, and label each time that it is heard.

    Ctrl-C ends the recording early; what was heard is kept, also where a microphone or board goes away.

    Args:
        label: what is recorded; also in the files' names.
        seconds: length; a file that is shorter ends it.
        output: folder of `audio_<label>_<n>.wav` and `labels_<label>_<n>.txt`; nothing there is overwritten.
        input: a sound file, or '-' for raw int16 samples on stdin; none: a microphone.
        microphone: number, name or part of the name; none: the default.
        device: serial line of a board whose microphone is recorded, or 'auto' for the only board.
        sample_rate_hz: of the WAV.
        above_db: how much louder than the background an event is.
        segment_s: every event is labelled for so long; none: for as long as it lasts.
        whole: label all of the recording, as for noise.
        progress: show a bar.

    Raises:
        SettingError: the label is no name for a file, a number is out of range, or more than one of file,
            microphone and board are given.
        DataError: nothing was heard, a file, microphone or board cannot be used or went away in the middle (its message
            then says where what was heard is), or the folder cannot be written.
        ToolError: what microphones or boards need is not installed.
    """
    _check(label, seconds, sample_rate_hz, above_db, segment_s)
    heard = _Heard(sample_rate_hz, round(seconds * sample_rate_hz))
    try:
        with open_source(
            file=input, microphone=microphone, device=device, rate_hz=None, sample_rate_hz=sample_rate_hz,
            real_time=False,
        ) as source:  # fmt: skip
            _check_writable(output)
            heard.capture(source, progress)
    except DataError as error:
        if not heard.blocks:
            raise
        kept = _write(heard, label, output, above_db=above_db, segment_s=segment_s, whole=whole)
        raise DataError(
            f"{error.message}; what was heard until then is in {kept.audio} ({kept.seconds:.1f} s)", error.hint
        ) from error
    return _write(heard, label, output, above_db=above_db, segment_s=segment_s, whole=whole)


def _write(
    heard: "_Heard", label: str, output: Path, *, above_db: float, segment_s: float | None, whole: bool
) -> RecordResult:
    """Find the events and write both files."""
    samples, sample_rate_hz = np.concatenate(heard.blocks), heard.rate
    length = len(samples) / sample_rate_hz
    if whole:
        intervals = [Interval(start_s=0.0, end_s=length, label=label)]
    else:
        intervals = loud_segments(samples, sample_rate_hz, label, above_db=above_db, segment_s=segment_s)
    audio, labels = _free_names(output, label)
    # The labels first: a recording counts as there when its audio is.
    write_audacity(labels, intervals)
    try:
        write_wav(audio, samples, sample_rate_hz)
    except BaseException:
        labels.unlink(missing_ok=True)  # of nothing
        raise
    return RecordResult(
        audio=audio,
        labels=labels,
        label=label,
        seconds=length,
        events=len(intervals),
        events_s=sum(interval.end_s - interval.start_s for interval in intervals),
        lost_ms=heard.lost_ms,
    )


def _check(label: str, seconds: float, rate: int, above_db: float, segment_s: float | None) -> None:
    if not re.fullmatch(r"[\w-]+", label):
        raise SettingError(f"the label {label!r} cannot be part of a file's name", "use letters, digits, _ and -")
    if not 0 < seconds <= _LONGEST_S:
        raise SettingError(f"a recording of {seconds:g} s", f"give more than 0 and at most {_LONGEST_S} s")
    if not 1000 <= rate <= 384_000:
        raise SettingError(f"{rate} Hz is no sample rate to record at", "give 1000 to 384000 Hz")
    if not 0 <= above_db <= 200:
        raise SettingError(f"{above_db:g} dB above the background", "give 0 to 200 dB")
    if segment_s is not None and not 0 < segment_s <= seconds:
        raise SettingError(f"segments of {segment_s:g} s in a recording of {seconds:g} s", "give less, above 0")


def _check_writable(folder: Path) -> None:
    """Before anything is heard: nobody knocks a second time for a folder that cannot be written."""
    was_there, probe = folder.exists(), folder / ".writable"
    write_bytes(probe, b"")
    probe.unlink()
    if not was_there:
        folder.rmdir()


class _Heard:
    """What is heard of a source: up to so many samples, or what there is of them when the audio ends or the user does.

    Args:
        rate: Hz.
        count: samples.
    """

    def __init__(self, rate: int, count: int) -> None:
        self.rate = rate
        self.blocks: list[NDArray[np.int16]] = []
        self.lost_ms = 0
        self._left = count

    def capture(self, source: Source, progress: bool) -> None:
        """Fill the blocks. What came before an error is in them."""
        from tqdm.auto import tqdm

        total = round(self._left / self.rate, 1)
        with tqdm(total=total, desc=source.name, unit="s", disable=not progress, leave=False) as bar:
            try:
                for block in source.blocks:
                    self.blocks.append(block[: self._left])
                    self._left -= len(self.blocks[-1])
                    bar.update(len(self.blocks[-1]) / self.rate)
                    if not self._left:
                        break
            except KeyboardInterrupt:
                # What was heard until then is what the user wanted.
                bar.write("stopped")
            finally:
                self.lost_ms = source.take_lost_ms() + source.behind_ms()
        if not self.blocks:
            raise DataError(f"nothing was heard from {source.name}", "is it muted?")


def _free_names(folder: Path, label: str) -> tuple[Path, Path]:
    """Names of the next recording of a label that neither file has."""
    for number in itertools.count(1):
        pair = folder / f"audio_{label}_{number:03}.wav", folder / f"labels_{label}_{number:03}.txt"
        if not any(path.exists() for path in pair):
            return pair
    raise AssertionError("numbers do not end")
