"""A trained model as source files for a firmware: one function a format."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mltk_like.artifact import Artifact
from mltk_like.audio.frontend import AnySettings, frontend_from_parameters, has_frontend
from mltk_like.audio.parameters import is_known
from mltk_like.audio.spectrum import SpectrumSettings
from mltk_like.errors import MltkLikeError, SettingError, ToolError
from mltk_like.model import Model
from mltk_like.paths import write_bytes
from mltk_like.tflite import Agreement, compare_engines, format_units, read_parameters, run_tflm, summarize_tflite
from mltk_like.tflite.c_array import header, op_resolver, operators_of, parameter_defines, source
from mltk_like.tflite.c_text import Define, check_prefix
from mltk_like.verbs.shared.building import artifact_of
from mltk_like.verbs.shared.low_bit import akida_files, low_bit_files, low_bit_integers

Writer = Callable[[Artifact, str], Mapping[str, str | bytes]]
"""(trained model, prefix of its names) -> content by file name."""


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """Files that were written, and the memory that the model will take.

    Attributes:
        name: the model's name.
        format: one of `FORMATS`.
        files: in the order in which they were written.
        flash_bytes: of the model's array, or of the tables of a net of few bits.
        arena_bytes: tensor arena on this 64-bit machine, enough for any 32-bit one; None where TFLM is not installed.
        activations_bytes: the part of it for tensors, the same on any machine.
        operators: TFLM's kernels that the model needs; none for other formats.
        agreement: TFLM against LiteRT on random inputs; None for other formats, where TFLM is not installed, and for
            models that are not run one row at a time.
    """

    name: str
    format: str
    files: tuple[Path, ...]
    flash_bytes: int
    arena_bytes: int | None
    activations_bytes: int | None
    operators: tuple[str, ...]
    agreement: Agreement | None = None

    @property
    def exit_code(self) -> int:
        """0, or 1 where a microcontroller says something else than LiteRT."""
        return 0 if self.agreement is None or self.agreement.agrees else 1

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        agreement = self.agreement.to_dict() if self.agreement else None
        return {**asdict(self), "files": [str(path) for path in self.files], "agreement": agreement}

    def __str__(self) -> str:
        lines = [f"{self.name} as {self.format}: {', '.join(map(str, self.files))}"]
        lines += [f"flash, model (bytes):        {format_units(self.flash_bytes, digits=1, separator='')}"]
        if self.arena_bytes is not None and self.activations_bytes is not None:
            lines += [
                f"RAM, tensor arena (bytes):   {format_units(self.arena_bytes, digits=1, separator='')} at most",
                f"  of it for activations:     {format_units(self.activations_bytes, digits=1, separator='')}",
            ]
        if self.operators:
            lines += [f"operators: {', '.join(self.operators)}"]
        if self.agreement is not None:
            lines += [str(self.agreement)]
        return "\n".join(lines)


def export(
    model: Model | str | Path, *, format: str = "c-array", output: Path | None = None, prefix: str = "model"
) -> ExportResult:
    """Write a trained model in a form that a firmware's build takes.

    Args:
        model: a specification, name, run folder, archive or `.tflite`.
        format: one of `FORMATS`: "c-array" gives PREFIX.h, PREFIX.c and PREFIX_ops.h; "low-bit" and "akida" are for
            models trained with `low_bit`, see docs/low_bit.md.
        output: folder; none: `./export/<name>`.
        prefix: of file names and symbols; give another where a firmware has several models.

    Raises:
        SettingError: there is no such format, the prefix is no name in C, or a parameter cannot be a macro: two would
            be the same, a number is infinite, a text too long.
        ModelError: the model does not exist, has not been trained, or TFLM cannot run it.
        DataError: the folder cannot be written.
    """
    if format not in FORMATS:
        raise SettingError(f"there is no format {format!r}", f"use {', '.join(FORMATS)}")
    check_prefix(prefix)
    artifact = artifact_of(model)
    data = artifact.tflite()
    # What is exported for another engine than TFLM needs neither its arena nor its kernels.
    tflm = FORMATS[format] is c_array
    arena, activations = _memory(data) if tflm else (None, None)
    folder = Path("export") / artifact.name if output is None else output
    files = FORMATS[format](artifact, prefix)
    for name, content in files.items():
        write_bytes(folder / name, content if isinstance(content, bytes) else content.encode())
    return ExportResult(
        name=artifact.name,
        format=format,
        files=tuple(folder / name for name in files),
        flash_bytes=len(data) if tflm else low_bit_integers(artifact).flash_bytes,
        arena_bytes=arena,
        activations_bytes=activations,
        operators=operators_of(data) if tflm else (),
        agreement=_agreement(data) if tflm else None,
    )


def c_array(artifact: Artifact, prefix: str) -> Mapping[str, str]:
    """The model as an aligned array in C, its parameters as `#define`s, an op resolver in C++."""
    data = artifact.tflite()
    summary = summarize_tflite(data, name=artifact.name)
    title = f"{summary.name}: {summary.description}" if summary.description else summary.name
    return {
        f"{prefix}.h": header(prefix, title, _defines(data)),
        f"{prefix}.c": source(prefix, data),
        f"{prefix}_ops.h": op_resolver(prefix, operators_of(data)),
    }


FORMATS: Mapping[str, Writer] = MappingProxyType({"c-array": c_array, "low-bit": low_bit_files, "akida": akida_files})
"""What a model can be exported to, by name."""


def _defines(data: bytes) -> dict[str, Define]:
    """What the front end needs first, as the TinyML page names it; then memory, classes, and all parameters.

    What is computed stays: where a parameter would be the same macro, it is left out. So are the mean and deviation for
    all values where each has its own, since a firmware that took them would be wrong without a word.
    """
    parameters = read_parameters(data)
    arena, _ = _memory(data)
    state = sum(layer.opcode == "var_handle" for layer in summarize_tflite(data).layers)
    classes = parameters.get("classes")
    names = [str(name) for name in classes] if isinstance(classes, list) else []
    computed: dict[str, Define] = {
        **(_frontend_defines(frontend_from_parameters(parameters)) if has_frontend(parameters) else {}),
        **({"TENSOR_ARENA_SIZE": arena} if arena is not None else {}),
        **({"RESOURCE_VARIABLE_COUNT": state} if state else {}),
        **({"CLASS_COUNT": len(names), "CLASS_NAMES": names} if names else {}),
    }
    stored = parameter_defines(parameters, is_known)
    unused = {one for one in ("SPECTRUM_MEAN", "SPECTRUM_STD") if f"{one}S" in computed}
    return computed | {name: value for name, value in stored.items() if name not in {*computed, *unused}}


def _frontend_defines(settings: AnySettings) -> dict[str, Define]:
    columns, values = settings.spectrogram_shape
    defines: dict[str, Define] = {
        "SAMPLE_RATE": settings.sample_rate_hz,
        "FRAME_SIZE": settings.window_size_ms * settings.sample_rate_hz // 1000,
        "FRAME_STRIDE": settings.window_step_ms * settings.sample_rate_hz // 1000,
        "WINDOW_SIZE": columns,
        "SPECTRUM_SIZE": values,
    }
    if isinstance(settings, SpectrumSettings):
        # In braces: initialisers of an array, where each value of a frame has its own.
        defines |= {"SPECTRUM_MEANS": settings.means} if settings.means else {"SPECTRUM_MEAN": settings.mean}
        defines |= {"SPECTRUM_STDS": settings.stds} if settings.stds else {"SPECTRUM_STD": settings.std}
    return defines


def _agreement(data: bytes) -> Agreement | None:
    """TFLM against LiteRT; None where they cannot be compared, which is no reason not to export."""
    try:
        return compare_engines(data)
    except MltkLikeError:
        return None


def _memory(data: bytes) -> tuple[int | None, int | None]:
    """Bytes of the tensor arena and of the activations in it; None where TFLM is not installed."""
    try:
        result = run_tflm(data, profile=False, repeat=1)
    except ToolError:
        return None, None
    return result.arena_bytes, result.activations_bytes
