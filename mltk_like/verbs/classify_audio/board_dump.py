"""What a board heard, written down: its audio, and the window of columns behind each detection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.board import AudioReport, BoardEvent, BoardInfo, ColumnReport, Gapless, Tell
from mltk_like.audio.frontend import AnySettings, Frontend
from mltk_like.audio.recogniser import Detection
from mltk_like.errors import DataError, ModelError
from mltk_like.verbs.classify_audio.dump import AudioDump, Dumps, audio_dump, dump_spectrogram
from mltk_like.verbs.classify_audio.session import LiveModel


class Columns:
    """The latest columns that a board has reported, and windows of them. The front end's settings say their shape."""

    def __init__(self, settings: AnySettings) -> None:
        self._settings = settings
        self._frontend = Frontend(settings, settings.column_type)
        self._kept: dict[int, NDArray[np.uint16] | NDArray[np.float32]] = {}
        self._missing: dict[int, int] = {}  # values that are still to come, by column
        self._newest = -1

    def add(self, report: ColumnReport) -> None:
        """Take a column, or a part of one. Raises DataError where it is wider than the model's."""
        length, bands = self._settings.spectrogram_shape
        values, end = report.values, report.first_band + len(report.values)
        if end > bands or values.dtype != self._settings.column_type:
            raise DataError(
                f"the board reports columns of {end} {values.dtype} values; the model's have {bands}",
                "its firmware does not follow the protocol",
            )
        if report.column < self._newest:  # the stream began anew
            self._kept.clear()
            self._missing.clear()
        self._newest = report.column
        if report.first_band == 0:
            self._kept[report.column] = np.zeros(bands, values.dtype)
            self._missing[report.column] = bands
        if report.column in self._kept:
            self._kept[report.column][report.first_band : end] = values
            self._missing[report.column] -= len(values)
        for old in [number for number in self._kept if number < self._newest - 2 * length]:
            del self._kept[old], self._missing[old]

    def window(self, time_ms: int) -> NDArray[np.int8] | None:
        """The window that the net saw at that time, int8 (time, bands); None where the line lost a part of it."""
        settings, length = self._settings, self._settings.spectrogram_shape[0]
        samples = time_ms * settings.sample_rate_hz // 1000
        end = (samples - settings.window_samples) // settings.step_samples + 1
        numbers = range(end - length, end)
        if any(self._missing.get(number) != 0 for number in numbers):
            return None
        columns: NDArray[Any] = np.stack([self._kept[number] for number in numbers])
        window: NDArray[np.int8] = self._frontend.windows(columns, [0])[0]
        return window


class BoardDump:
    """Writes down what a board reports, as `Dumps` wants it.

    Args:
        dumps: what is wanted.
        model: what the board runs.
        audio: where its audio goes; None where that is not wanted.
        info: the board's.
    """

    def __init__(self, dumps: Dumps, model: LiveModel, audio: AudioDump | None, info: BoardInfo) -> None:
        self._dumps = dumps
        self._settings = model.frontend
        self._audio = audio
        self._samples = Gapless(info.sample_rate_hz)
        pictured = dumps.spectrograms is not None or dumps.raw_spectrograms is not None
        self._columns = Columns(model.frontend) if pictured else None
        if pictured and (info.columns, info.bands) != model.frontend.spectrogram_shape:
            raise ModelError(
                f"the board runs another {info.model}: its windows are {info.columns} x {info.bands}",
                "name the file that it runs",
            )

    def tell(self, *, audio: bool) -> Tell:
        """What the board must report; `audio`: its samples too, where they are wanted and not known here."""
        wanted = Tell.AUDIO if audio and self._audio is not None else Tell.NOTHING
        return wanted | (Tell.COLUMNS if self._columns is not None else Tell.NOTHING)

    def take(self, report: BoardEvent) -> None:
        """Take what the board reports. Raises DataError where it cannot be, or cannot be written."""
        if isinstance(report, AudioReport) and self._audio is not None:
            self._audio.write(self._samples.take(report))
        elif isinstance(report, ColumnReport) and self._columns is not None:
            self._columns.add(report)

    def hear(self, samples: NDArray[np.int16]) -> None:
        """Samples that were sent to the board, int16 (n,), behind those before."""
        if self._audio is not None:
            self._audio.write(samples)

    def detected(self, detection: Detection) -> None:
        """Write the window behind a detection, where the line has not lost a part of it."""
        window = None if self._columns is None else self._columns.window(detection.time_ms)
        if window is not None:
            dump_spectrogram(self._dumps, detection, window, self._settings)


@contextmanager
def board_dump(dumps: Dumps, model: LiveModel, info: BoardInfo) -> Iterator[BoardDump]:
    """The dump for the time of the block. Raises DataError and ModelError as `BoardDump` and `audio_dump`."""
    with audio_dump(dumps.audio, info.sample_rate_hz, model.recogniser.volume_gain) as audio:
        yield BoardDump(dumps, model, audio, info)
