"""microWakeWord: a `.tflite` that keeps its own state, and a JSON manifest with what its author chose for it.

What the manifest does not say is fixed in the firmware that runs these models, ESPHome's component `micro_wake_word`:
the front end (TensorFlow's microfrontend with 40 bands, noise reduction and PCAN), the scaling to int8, and how long
nothing is detected after a detection. The manifest's format is that of ESPHome's documentation, versions 1 and 2.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from mltk_like.audio.recogniser import MAX_RESULTS, RecogniserSettings
from mltk_like.audio.settings import FrontendSettings
from mltk_like.errors import ModelError
from mltk_like.opening import read_file, read_json
from mltk_like.stored import is_plain_name
from mltk_like.tflite import STREAMING_ROWS, is_tflite, summarize_tflite, write_parameters
from mltk_like.tflite.memory import inferences_heard

WINDOW_MS = 30
BANDS = 40
_STEP_MS_OF_VERSION_1 = 20
# After a detection, and after the start, so many steps of the front end must pass.
_STEPS_OF_SILENCE = 100
_HINT = "MODEL may be the JSON file that comes with a model of microWakeWord, version 1 or 2"
_Cutoff = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Window = Annotated[int, msgspec.Meta(ge=1, le=MAX_RESULTS)]
_Bytes = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class _Micro(msgspec.Struct):
    probability_cutoff: _Cutoff
    sliding_window_size: _Window | None = None
    sliding_window_average_size: _Window | None = None
    feature_step_size: Annotated[int, msgspec.Meta(ge=1, le=WINDOW_MS)] | None = None
    tensor_arena_size: _Bytes | None = None


class Manifest(msgspec.Struct):
    """A manifest of version 1 or 2, as far as it says how the model is run; further entries are passed over.

    Attributes:
        type: "micro".
        model: the `.tflite` beside it.
        wake_word: as it is written.
        version: of the format.
        micro: cut-off, sliding window, step of the front end and size of the arena.
        author: who made it.
    """

    type: Literal["micro"]
    model: str
    wake_word: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    version: Literal[1, 2]
    micro: _Micro
    author: str = ""

    @property
    def step_ms(self) -> int:
        """From one column of the front end to the next; version 1 has no entry for it."""
        return _STEP_MS_OF_VERSION_1 if self.version == 1 else self.micro.feature_step_size or 10

    @property
    def results(self) -> int:
        """Probabilities that are averaged."""
        return self.micro.sliding_window_size or self.micro.sliding_window_average_size or 1

    @property
    def label(self) -> str:
        """The wake word as a class: "Hey Jarvis" is `hey_jarvis`."""
        words = "".join(c if c.isalnum() else " " for c in self.wake_word.lower()).split()
        return "_".join(words) or "wake_word"


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file.

    Raises:
        ModelError: it cannot be read, or is no manifest of microWakeWord.
    """
    return _manifest(path)[0]


def written_manifest(path: Path) -> dict[str, Any]:
    """All entries of a manifest as its author wrote them. Raises ModelError as `read_manifest`."""
    return _manifest(path)[1]


def _manifest(path: Path) -> tuple[Manifest, dict[str, Any]]:
    data = read_file(path)
    try:
        value = read_json(data, path)
    except ModelError as error:
        raise ModelError(error.message, _HINT) from error
    try:
        manifest = msgspec.convert(value, Manifest)
    except msgspec.ValidationError as error:
        raise ModelError(
            f"{path} is no manifest of microWakeWord: {error}".replace("`", ""),
            _HINT,
        ) from error
    if not is_plain_name(manifest.model):
        raise ModelError(
            f"{path} names the model {manifest.model[:80]!r}, which is no file beside it",
            'put the .tflite beside it, and its name under "model"',
        )
    return manifest, value


def file_of_manifest(path: Path) -> bytes:
    """The `.tflite` that a manifest names, as it is. Raises ModelError where one of the two cannot be read."""
    manifest = read_manifest(path)
    file = path.with_name(manifest.model)
    if not file.is_file():
        raise ModelError(f"{path} names the model {manifest.model}, which is not beside it", "put it there")
    data = read_file(file, "tflite")
    if not is_tflite(data):
        raise ModelError(f"{path} names the model {manifest.model}, which is not a .tflite file", "download it again")
    return data


def model_of_manifest(path: Path) -> bytes:
    """The `.tflite` that a manifest names, with the parameters that make it run here as ESPHome runs it.

    Its threshold is int(255 * cut-off), as in ESPHome, which compares the sum of the sliding window with it; means are
    whole numbers here, so that less than one unit of 255 may be between the two.

    Raises:
        ModelError: manifest or model cannot be read, or the model is none that ESPHome runs.
    """
    manifest = read_manifest(path)
    return _with_parameters(file_of_manifest(path), manifest.model, path.stem, msgspec.json.encode(manifest))


@lru_cache(maxsize=8)
def _with_parameters(model: bytes, file: str, name: str, text: bytes) -> bytes:
    manifest = msgspec.json.decode(text, type=Manifest)
    rows = _new_rows(model, file)
    heard = inferences_heard(model)
    if heard == 1:
        raise ModelError(f"{file} keeps no state, so it is none that ESPHome runs", "give the streaming .tflite")
    frontend = front_end(manifest.step_ms, heard * rows)
    latency = rows * manifest.step_ms
    recogniser = RecogniserSettings(
        latency_ms=latency,
        minimum_count=manifest.results,
        average_window_duration_ms=(manifest.results - 1) * latency,
        detection_threshold=int(255 * manifest.micro.probability_cutoff),
        suppression_ms=_STEPS_OF_SILENCE * manifest.step_ms,
    )
    arena = manifest.micro.tensor_arena_size
    parameters = {
        "name": name,
        "classes": [manifest.label],
        **({"runtime_memory_size": arena} if arena else {}),
        **recogniser.to_parameters(),
        **frontend.to_parameters(),
        STREAMING_ROWS: rows,
    }
    by = f" by {manifest.author}" if manifest.author else ""
    return write_parameters(model, parameters, description=f"microWakeWord, {manifest.wake_word!r}{by}")


def front_end(step_ms: int, columns: int) -> FrontendSettings:
    """The front end of all models of microWakeWord, over so many columns."""
    return FrontendSettings(
        sample_length_ms=WINDOW_MS + (columns - 1) * step_ms,
        window_size_ms=WINDOW_MS,
        window_step_ms=step_ms,
        filterbank_n_channels=BANDS,
        noise_reduction_enable=True,
        pcan_enable=True,
    )


def _new_rows(model: bytes, file: str) -> int:
    """Columns that each inference takes. Raises ModelError where the ends are not those of such a model."""
    summary = summarize_tflite(model)
    ends = (*summary.inputs, *summary.outputs)
    if len(ends) == 2:
        (_, *columns), scores = ends[0].shape, ends[1]
        fits = len(columns) == 2 and columns[1] == BANDS and ends[0].dtype == "int8"
        if fits and scores.shape == (1, 1) and scores.dtype in ("uint8", "int8"):
            return columns[0]
    found = " to ".join(f"{end.dtype} {end.shape_text}" for end in ends[:2])
    raise ModelError(
        f"{file} maps {found}, and microWakeWord int8 1xNx{BANDS} to uint8 1x1", "give the quantised streaming .tflite"
    )
