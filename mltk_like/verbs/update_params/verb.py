"""`update_params`, and what other verbs use to write parameters."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltk_like.artifact import Artifact
from mltk_like.audio.parameters import is_known
from mltk_like.errors import ModelError, SettingError
from mltk_like.evaluation.sensitivity import FREE
from mltk_like.model import Model
from mltk_like.paths import write_bytes
from mltk_like.tflite import Value, read_parameters
from mltk_like.training.convert import stamp
from mltk_like.verbs.shared.building import artifact_of, specification_of
from mltk_like.verbs.update_params.checks import as_before, check_parameters, read_value, refuse_misspelt

_STAMPS = ("hash", "date")


@dataclass(frozen=True, kw_only=True)
class ParameterChanges:
    """What `update_params` did.

    Attributes:
        path: the file that was written.
        before: parameters that changed or went, with their old values.
        after: parameters that changed or came, with their new values.
        kept: parameters that a search chose and that stay, where those of the model's file were taken.
    """

    path: Path
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    kept: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        kept = {"kept": list(self.kept)} if self.kept else {}
        return {"path": str(self.path), "before": dict(self.before), "after": dict(self.after), **kept}

    def __str__(self) -> str:
        rows = [f"- {name}: {_shown(value)}" for name, value in self.before.items()]
        rows += [f"+ {name}: {_shown(value)}" for name, value in self.after.items()]
        rows.sort(key=lambda row: (row[2:].split(":")[0], row[0] == "+"))
        if not rows:
            rows = ["no parameter changed"]
        if self.kept:
            rows.append(f"kept as they were chosen for this net: {', '.join(self.kept)} (KEY=VALUE changes them)")
        return "\n".join([*rows, f"written: {self.path}"])


def update_params(
    model: Model | str | Path,
    assignments: Iterable[str] = (),
    *,
    params_path: Path | None = None,
    description: str | None = None,
    add: bool = False,
    output: Path | None = None,
) -> ParameterChanges:
    """Set or remove parameters in a `.tflite`, in a run folder or archive, or in a copy.

    Without assignments, file and description it takes the values that the model's file gives today. What a search for
    the threshold chose stays, but for what the file says otherwise than when the model was trained; what only the
    `.tflite` has stays too.

    Args:
        model: a name, run folder, archive or `.tflite`.
        assignments: `key=value` texts (values as JSON where they are); `key=` removes.
        params_path: a JSON file with an object of parameters, applied first.
        description: a new description; none keeps the old.
        add: make parameters that neither the model nor the tool knows.
        output: write the `.tflite` there and leave the model as it is.

    Raises:
        SettingError: a text without '=', an unknown parameter, a value of another type or out of range, or one that
            does not fit the net.
        ModelError: the model does not exist, or has no file where its values are to be taken.
    """
    artifact, assignments = artifact_of(model), list(assignments)
    old = read_parameters(artifact.tflite())
    if not assignments and params_path is None and description is None:
        specification = specification_of(model, _with_specification(artifact))
        new, kept = _of_file(specification, artifact, old)
        return set_parameters(artifact, new, description=specification.description, output=output, kept=kept)
    new = _apply(old, _from_file(params_path), assignments, add)
    return set_parameters(artifact, new, description=description, output=output)


def set_parameters(
    artifact: Artifact,
    new: Mapping[str, Any],
    *,
    description: str | None = None,
    output: Path | None = None,
    kept: tuple[str, ...] = (),
) -> ParameterChanges:
    """Give a trained model's `.tflite` other parameters, where it lies or in a copy.

    Args:
        artifact: the model.
        new: all parameters; those of the old that are not among them go.
        description: a new description; none keeps the old.
        output: write the `.tflite` there and leave the model as it is.
        kept: for the result.

    Raises:
        SettingError: see `check_parameters`.
    """
    data = artifact.tflite()
    old = read_parameters(data)
    check_parameters(data, old, new)
    # Stored, an empty list is one of texts: none at all is what every reader takes for one of numbers.
    stored = {k: v for k, v in new.items() if k not in _STAMPS and not (v == [] and is_known(k))}
    changed = stamp(data, stored, description)
    path = _write(artifact, changed, output)
    after = read_parameters(changed)
    return ParameterChanges(
        path=path,
        before={k: v for k, v in old.items() if after.get(k) != v and k not in _STAMPS},
        after={k: v for k, v in after.items() if old.get(k) != v and k not in _STAMPS},
        kept=kept,
    )


def _with_specification(artifact: Artifact) -> Artifact:
    if artifact.alone:
        raise ModelError(
            f"{artifact.path} is {artifact.kind} without a model file to take values from",
            "give KEY=VALUE, or the model's name or run folder",
        )
    return artifact


def _of_file(model: Model, artifact: Artifact, old: Mapping[str, Value]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """All parameters with those of the model's file, and the names of the chosen ones that stay."""
    file = model.embedded_parameters()
    settings = artifact.settings().get("settings", {})
    trained = settings.get("recogniser", {}) if isinstance(settings, dict) else {}
    trained = trained if isinstance(trained, dict) else {}
    searched = any(name.startswith("sensitivity.") for name in old)
    chosen = [name for name in ("detection_threshold", *FREE) if searched and name in old]
    kept = tuple(name for name in chosen if file.get(name) == trained.get(name) and file.get(name) != old[name])
    return {**old, **{name: value for name, value in file.items() if name not in kept}}, kept


def _apply(old: Mapping[str, Value], file: Mapping[str, Any], assignments: Iterable[str], add: bool) -> dict[str, Any]:
    new: dict[str, Any] = dict(old)
    for name, value in file.items():
        if not add:
            refuse_misspelt(name, old)
        new[name] = as_before(name, old.get(name), value)
    for text in assignments:
        key, equals, raw = (part.strip() for part in text.partition("="))
        if not equals or not key:
            raise SettingError(
                f"cannot read the parameter {text!r}", "write key=value, for example detection_threshold=190"
            )
        if not raw:
            refuse_misspelt(key, new, f"there is nothing to remove; an empty text is '{key}=\"\"'")
        elif not add:
            refuse_misspelt(key, new)
        if raw:
            # What was removed in front may come again as something else.
            before = old.get(key) if key in new else None
            new[key] = as_before(key, before, read_value(before, raw))
        else:
            new.pop(key, None)
    return new


def _shown(value: Any) -> Any:
    """Floating point with the digits that 32 bits hold."""
    return f"{value:.7g}" if isinstance(value, float) else value


def _from_file(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise SettingError(f"cannot read {path}: {said}", "give a JSON file with an object of parameters") from error
    if not isinstance(values, dict):
        raise SettingError(f"{path} holds no JSON object", 'for example {"detection_threshold": 190}')
    return values


def _write(artifact: Artifact, data: bytes, output: Path | None) -> Path:
    if output is not None:
        write_bytes(output, data)
        return output
    artifact.replace(f"{artifact.name}.tflite", data)
    return artifact.path
