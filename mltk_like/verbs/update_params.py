"""Change the parameters that a `.tflite` carries, without a training."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.artifact import Artifact
from mltk_like.audio.energy_gate import EnergyGateSettings
from mltk_like.audio.frontend import frontend_from_parameters, has_frontend
from mltk_like.audio.recogniser import RecogniserSettings
from mltk_like.errors import SettingError
from mltk_like.model import Model
from mltk_like.paths import write_bytes
from mltk_like.tflite import STREAMING_ROWS, Value, read_parameters
from mltk_like.training.convert import stamp
from mltk_like.training.product import check_streaming_parameters
from mltk_like.verbs.shared.building import artifact_of

_STAMPS = ("hash", "date")


@dataclass(frozen=True, kw_only=True)
class ParameterChanges:
    """What `update_params` did.

    Attributes:
        path: the file that was written.
        before: parameters that changed or went, with their old values.
        after: parameters that changed or came, with their new values.
    """

    path: Path
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"path": str(self.path), "before": dict(self.before), "after": dict(self.after)}

    def __str__(self) -> str:
        rows = [f"- {name}: {_shown(value)}" for name, value in self.before.items()]
        rows += [f"+ {name}: {_shown(value)}" for name, value in self.after.items()]
        return "\n".join(
            [*sorted(rows, key=lambda row: (row[2:].split(":")[0], row[0] == "+")), f"written: {self.path}"]
        )


def update_params(
    model: Model | str | Path,
    assignments: Iterable[str] = (),
    *,
    params_path: Path | None = None,
    description: str | None = None,
    output: Path | None = None,
) -> ParameterChanges:
    """Set or remove parameters in a `.tflite`, in a run folder or archive, or in a copy.

    Args:
        model: a name, run folder, archive or `.tflite`.
        assignments: `key=value` texts (values as JSON where they are); `key=` removes.
        params_path: a JSON file with an object of parameters, applied first.
        description: a new description; none keeps the old.
        output: write the `.tflite` there and leave the model as it is.

    Raises:
        SettingError: a text without '=', a front-end or recogniser parameter out of range, or a type that cannot be
            stored.
        ModelError: the model does not exist.
    """
    artifact = artifact_of(model)
    old = read_parameters(artifact.tflite())
    new = _apply(old, _from_file(params_path), assignments)
    return set_parameters(artifact, new, description=description, output=output)


def set_parameters(
    artifact: Artifact, new: Mapping[str, Any], *, description: str | None = None, output: Path | None = None
) -> ParameterChanges:
    """Give a trained model's `.tflite` other parameters, where it lies or in a copy.

    Args:
        artifact: the model.
        new: all parameters; those of the old that are not among them go.
        description: a new description; none keeps the old.
        output: write the `.tflite` there and leave the model as it is.

    Raises:
        SettingError: a front-end or recogniser parameter out of range, or a type that cannot be stored.
    """
    data = artifact.tflite()
    old = read_parameters(data)
    # The same checks as in a model file: a front end or recogniser that could not be built is refused here.
    if has_frontend(new):
        frontend_from_parameters(new)
    RecogniserSettings.from_parameters(new)
    EnergyGateSettings.from_parameters(new)
    if old.get(STREAMING_ROWS) != new.get(STREAMING_ROWS):
        raise SettingError(f"{STREAMING_ROWS} is a fact of the net and cannot be changed", "leave it as it is")
    check_streaming_parameters(new)
    changed = stamp(data, {k: v for k, v in new.items() if k not in _STAMPS}, description)
    path = _write(artifact, changed, output)
    after = read_parameters(changed)
    return ParameterChanges(
        path=path,
        before={k: v for k, v in old.items() if after.get(k) != v and k not in _STAMPS},
        after={k: v for k, v in after.items() if old.get(k) != v and k not in _STAMPS},
    )


def _apply(old: Mapping[str, Value], file: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    new: dict[str, Any] = {**old, **{key: _as_before(old.get(key), value) for key, value in file.items()}}
    for text in assignments:
        key, equals, raw = text.partition("=")
        if not equals or not key:
            raise SettingError(
                f"cannot read the parameter {text!r}", "write key=value, for example detection_threshold=190"
            )
        if raw == "":
            new.pop(key, None)
            continue
        try:
            value = json.loads(raw)
        except json.JSONDecodeError:
            value = raw
        new[key] = _as_before(old.get(key), value)
    return new


def _as_before(old: Value | None, value: Any) -> Any:
    """An integer given for a parameter that was a float is a float, or the device would read another type."""
    if isinstance(old, list) and old and all(isinstance(each, float) for each in old) and isinstance(value, list):
        return [float(each) if type(each) is int else each for each in value]
    return float(value) if isinstance(old, float) and type(value) is int else value


def _shown(value: Any) -> Any:
    """Floating point with the digits that 32 bits hold."""
    return f"{value:.7g}" if isinstance(value, float) else value


def _from_file(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"cannot read {path}: {error}", "give a JSON file with an object of parameters") from error
    if not isinstance(values, dict):
        raise SettingError(f"{path} holds no JSON object", 'for example {"detection_threshold": 190}')
    return values


def _write(artifact: Artifact, data: bytes, output: Path | None) -> Path:
    if output is not None:
        write_bytes(output, data)
        return output
    artifact.replace(f"{artifact.name}.tflite", data)
    return artifact.path
