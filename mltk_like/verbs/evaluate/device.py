"""A board against this computer: the same recordings through both, compared detection by detection."""

import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltk_like.audio.board import Board, board_parameters
from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.audio.frontend import AnySettings, frontend_from_parameters
from mltk_like.audio.live import Engine, Listener
from mltk_like.audio.recogniser import Detection, RecogniserSettings
from mltk_like.audio.wav import read_audio
from mltk_like.data.recordings import audio_files
from mltk_like.errors import DataError, ModelError
from mltk_like.evaluation.streams import pad_clip
from mltk_like.model import Model
from mltk_like.tflite import read_parameters
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.shared.engines import open_engine

_SEED = 0xB0A4D


@dataclass(frozen=True, kw_only=True)
class ClipCheck:
    """One recording: what the board and this computer detected in it."""

    file: str
    board: tuple[Detection, ...]
    host: tuple[Detection, ...]

    @property
    def equal(self) -> bool:
        """The same classes at the same times with the same scores."""
        return self.board == self.host


@dataclass(frozen=True, kw_only=True)
class DeviceCheck:
    """A board compared with this computer.

    Attributes:
        name: the model's name.
        board: the board's name.
        label: class that the recordings hold.
        clips: every recording.
        board_found, host_found: recordings in which the class was detected.
        agree: recordings for which board and host gave exactly the same detections.
        damaged: frames that the line damaged on the way here (they were sent again).
        same_file: the board says that its model is this very file; False: it does not say.
    """

    name: str
    board: str
    label: str
    clips: tuple[ClipCheck, ...]
    board_found: int
    host_found: int
    agree: int
    damaged: int
    same_file: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        count = len(self.clips)
        lines = [
            f"{self.name} on {self.board}, {count} recordings of '{self.label}'",
            f"found by the board: {self.board_found} of {count}",
            f"found by this computer: {self.host_found} of {count}",
            f"same detections: {self.agree} of {count}",
        ]
        differing = [
            f"  {clip.file}: board {_listed(clip.board)}; computer {_listed(clip.host)}"
            for clip in self.clips
            if not clip.equal
        ]
        hint = ["the board may run another training of this model: --upload puts this one onto it"]
        return "\n".join([*lines, *differing, *(hint if differing and not self.same_file else [])])


def check_device(
    model: Model | str | Path,
    port: str,
    positives: Path,
    *,
    limit: int | None = None,
    label: str | None = None,
    upload: bool = False,
    progress: bool = False,
) -> DeviceCheck:
    """Send recordings to a board in place of its microphone, and run the same model here on TensorFlow Lite Micro.

    Each is padded as in `evaluate`: 1.5 s of a quiet room before it, 1 s after.

    Args:
        model: a specification, name, run folder, archive or `.tflite`.
        port: the board's serial line, or 'auto'.
        positives: folder of recordings of a keyword.
        limit: so many of them, in the order of their names; None takes all.
        label: their class; None: the first that is detected.
        upload: put the model onto the board first.
        progress: show a bar.

    Raises:
        ModelError: the model cannot be run, or the board runs another one.
        DataError: no recordings, or the board cannot be used.
        ToolError: pyserial or TensorFlow Lite Micro is not installed.
    """
    from tqdm.auto import tqdm

    artifact = artifact_of(model)
    host = _Host(artifact.tflite())
    wanted = label or next((each for each in host.classes if not each.startswith("_")), host.classes[0])
    if wanted not in host.classes:
        raise ModelError(f"{artifact.name} has no class {wanted!r}", "known: " + ", ".join(host.classes))
    files = list(islice(audio_files(positives), limit))
    if not files:
        raise DataError(f"there are no recordings in {positives}", "give a folder of WAV, FLAC, OGG or MP3 files")
    with open_engine("tflm", host.content, host.frontend.spectrogram_shape) as engine, Board(port) as board:
        if upload:
            board.upload_model(host.content)
        _require_same(board, host)
        board.set_parameters(**host.board_parameters())
        clips = []
        for index, file in enumerate(tqdm(files, desc="board", unit="clip", disable=not progress)):
            rng = np.random.default_rng([_SEED, index])
            samples = pad_clip(read_audio(file, host.frontend.sample_rate_hz), host.frontend.sample_rate_hz, rng)
            found = tuple(board.inject(samples))
            clips.append(ClipCheck(file=file.name, board=found, host=tuple(host.detect(samples, engine))))
        return DeviceCheck(
            name=artifact.name,
            board=board.info.name,
            label=wanted,
            clips=tuple(clips),
            board_found=sum(any(each.label == wanted for each in clip.board) for clip in clips),
            host_found=sum(any(each.label == wanted for each in clip.host) for clip in clips),
            agree=sum(clip.equal for clip in clips),
            damaged=board.damaged,
            same_file=board.info.model_check != 0,
        )


class _Host:
    """The model on this computer, as the device runs it: TensorFlow Lite Micro between front end and recogniser."""

    def __init__(self, content: bytes) -> None:
        parameters = read_parameters(content)
        self.content = content
        self.frontend: AnySettings = frontend_from_parameters(parameters)
        self.recogniser = RecogniserSettings.from_parameters(parameters)
        self._gate = EnergyGateSettings.from_parameters(parameters)
        listed = parameters.get("classes")
        if not isinstance(listed, list) or not listed:
            raise ModelError("the model's parameters name no classes", "write them: python -m mltk_like update_params")
        self.classes = tuple(str(each) for each in listed)

    def board_parameters(self) -> dict[str, Any]:
        """What the board is told; thresholds of single classes it has from its model."""
        listed = self.recogniser.detection_threshold_list
        values = board_parameters(self.recogniser.copy(detection_threshold_list=()))
        return {name: value for name, value in values.items() if not (listed and name == "detection_threshold")}

    def detect(self, samples: NDArray[np.int16], engine: Engine) -> Iterator[Detection]:
        """What is heard in a recording, as a stream of its own."""
        listener = Listener(self.frontend, self.recogniser, self.classes, engine, gate=self._gate)
        return (event for event in listener.push(samples) if isinstance(event, Detection))


def _require_same(board: Board, host: _Host) -> None:
    info = board.info
    if not info.columns:
        raise ModelError(f"the board at {board.path} has {info.what}", "flash a firmware with this model")
    mine = (host.classes, host.frontend.spectrogram_shape, host.frontend.sample_rate_hz)
    if (info.classes, (info.columns, info.bands), info.sample_rate_hz) != mine:
        raise ModelError(
            f"the board runs another model: {info.model}, classes {', '.join(info.classes)}",
            "put this one onto it with --upload, or name the one that it runs",
        )
    if info.model_check not in (0, zlib.crc32(host.content)):
        raise ModelError(
            f"the board runs another {info.model}: of another training, or with other parameters",
            "put this one onto it with --upload, or name the file that it runs",
        )


def _listed(detections: tuple[Detection, ...]) -> str:
    return ", ".join(f"{each.label} {each.score} @{each.time_ms} ms" for each in detections) or "nothing"
