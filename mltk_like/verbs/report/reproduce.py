"""Every parameter and setting, and what it takes to make the model again."""

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping

from mltk_like.verbs.report.part import Part, part
from mltk_like.verbs.report.stored import StoredModel
from mltk_like.verbs.shared.page import code_block, folded, notice, paragraph, table, value_text


def parameters_part(model: StoredModel) -> Part:
    """What the `.tflite` carries, and the settings of the training."""
    stored = model.summary.parameters
    rows = [(name, value_text(value)) for name, value in stored.items()]
    settings = list(_flat(model.settings.get("settings", {})))
    changed = list(_changed(model))
    return part(
        "Parameters",
        table(rows, header=("parameter of the .tflite", "value")) if rows else "The .tflite carries no parameters.",
        *([notice("Other than the training set them: " + "; ".join(changed))] if changed else []),
        folded(f"all {len(settings)} settings of the training", table(settings, header=("setting", "value")))
        if settings
        else "No settings of a training are stored.",
    )


def reproduce_part(model: StoredModel, command: str) -> Part:
    """Commands, seed, versions, hashes and the model's file.

    Args:
        model: what is known.
        command: that made this page.
    """
    settings = model.settings.get("settings", {})
    seed = settings.get("seed") if isinstance(settings, Mapping) else None
    facts = [
        ("model's file", _file(model)),
        ("settings other than the file's", ", ".join(name for name, _ in _overrides(model)) or _no_overrides(model)),
        ("seed", "not stored" if seed is None else seed),
        ("SHA-256 of the .tflite", hashlib.sha256(model.tflite).hexdigest()),
        *((f"version of {name}" if name != "platform" else name, value) for name, value in model.versions.items()),
    ]
    if not model.versions:
        facts.append(("versions", "not stored"))
    source = folded("the model's file, as it was trained", code_block(model.source)) if model.source else paragraph()
    return part("How to reproduce", code_block("\n".join(_commands(model, command))), table(facts), source)


def set_options(model: StoredModel) -> list[str]:
    """`--set name=value` for each setting of the run that the file does not have."""
    return [text for name, value in _overrides(model) for text in ("--set", f"{name}={value}")]


def _commands(model: StoredModel, command: str) -> Iterator[str]:
    if model.settings:
        yield shlex.join(["python", "-m", "mltk_like", "train", model.artifact.typed_model, *set_options(model)])
        yield shlex.join(["python", "-m", "mltk_like", "evaluate", model.artifact.typed, "--both"])
    yield f"{command}   # this page"


def _file(model: StoredModel) -> str:
    if not model.source:
        return "not stored"
    digest = hashlib.sha256(model.source.encode()).hexdigest()
    return f"{model.settings.get('model', model.artifact.name)}.py, SHA-256 {digest}"


def _no_overrides(model: StoredModel) -> str:
    return "none" if model.settings else "not stored"


def _overrides(model: StoredModel) -> list[tuple[str, str]]:
    return list(_flat(model.settings.get("overrides", {})))


def _changed(model: StoredModel) -> Iterator[str]:
    """Recogniser parameters that were changed in the `.tflite` after the training."""
    settings = model.settings.get("settings", {})
    recogniser = settings.get("recogniser", {}) if isinstance(settings, Mapping) else {}
    if isinstance(recogniser, Mapping):
        for name, value in recogniser.items():
            stored = model.summary.parameters.get(name, value)
            if isinstance(value, int | float) and isinstance(stored, int | float) and abs(stored - value) > 1e-6:
                yield f"{name} is {stored}, was {value}"


def _flat(settings: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """`{"recogniser": {"latency_ms": 200}}` as `recogniser.latency_ms`, 200."""
    if not isinstance(settings, Mapping):
        return
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _json(value)


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
