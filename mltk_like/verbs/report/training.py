"""What the model is, and how its training went."""

from collections.abc import Iterator

from mltk_like.metrics.plots import plot_history
from mltk_like.verbs.report.part import Part, part
from mltk_like.verbs.report.stored import StoredModel
from mltk_like.verbs.shared.page import image, notice, paragraph, table

_RECOGNISER = {
    "detection_threshold": "threshold, 0 to 255",
    "average_window_duration_ms": "scores are averaged over (ms)",
    "minimum_count": "scores that it takes",
    "suppression_ms": "no other detection within (ms)",
}


def model_card(model: StoredModel) -> Part:
    """Name, version, classes, input, output, recogniser: as the `.tflite` says."""
    return part("Model card", table(_card(model)))


def training_part(model: StoredModel) -> Part:
    """Training curves and the figures of the exported epoch. Raises ToolError when matplotlib is not installed."""
    title, stored = "Training curves", model.history
    if stored is None or not any(stored.history.values()):
        return part(title, "No history of the training is stored.")
    data = plot_history(stored.history, best_epoch=stored.best_epoch)
    epochs = max(map(len, stored.history.values()))
    best = stored.best_epoch
    known = best is not None and 1 <= best <= epochs
    text = f"{epochs} epochs" + (f"; the checkpoint of epoch {best} is the one that was exported." if known else ".")
    rows = [
        (
            name,
            f"{values[best - 1]:.5g}" if known and best is not None and best <= len(values) else "",
            f"{values[-1]:.5g}",
        )
        for name, values in stored.history.items()
        if values
    ]
    return part(
        title,
        *([notice(stored_chance)] if (stored_chance := model.state.chance) else []),
        paragraph(text),
        image(data, alt="training curves: each figure over the epochs"),
        table(rows, header=("", "exported epoch", "last epoch")),
        pictures={"history.png": data},
    )


def _card(model: StoredModel) -> Iterator[tuple[str, object]]:
    summary, parameters = model.summary, model.summary.parameters
    yield "name", model.artifact.name
    yield "version", "not stored" if summary.version is None else summary.version
    yield "description", summary.description or "not stored"
    yield "classes", ", ".join(summary.classes) or "not stored"
    yield "input", ", ".join(map(str, summary.inputs))
    yield "output", ", ".join(map(str, summary.outputs))
    length = parameters.get("fe.sample_length_ms")
    if isinstance(length, int):
        yield "hears", f"{length} ms at a time, at {model.sample_rate_hz} Hz"
    for name, words in _RECOGNISER.items():
        if name in parameters:
            yield words, parameters[name]
    if "date" in parameters:
        yield "made", parameters["date"]
    spent = sum(model.state.stages.values())
    if spent:
        stages = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in model.state.stages.items())
        yield "training took", f"{spent / 60:.1f} min ({stages})"
