"""Single windows: accuracy, confusion, ROC, precision and recall; and float beside int8 in every figure."""

from collections.abc import Mapping

import numpy as np

from mltk_like.evaluation.comparison import ComparedFigure
from mltk_like.metrics import misses_at
from mltk_like.metrics.report_plots import ClassCurves, plot_class_curves, plot_confusions, plot_det
from mltk_like.verbs.report.part import FORMS, Part, part
from mltk_like.verbs.report.stored import StoredEvaluation, StoredModel, StoredWindows, floats
from mltk_like.verbs.shared.page import Html, image, table

_UNK = "UNK"


def windows_part(model: StoredModel) -> Part:
    """Figures of single windows, as augmented in training. Raises ToolError when matplotlib is not installed."""
    title = "Single windows"
    forms = {kind: found.windows for kind, found in model.evaluations.items() if found.windows is not None}
    if not forms:
        return part(title, "None: single windows are judged on the model's own data only.")
    first = next(iter(forms.values()))
    note = (
        f"{first.clips} windows of the test voices, augmented as in training. A detector is judged by the streams "
        "above; these figures help to find what goes wrong."
    )
    pictures = _pictures(forms)
    images = [image(data, alt=alt) for alt, data in pictures.values()]
    return part(
        title, note, _class_table(forms), *images, pictures={name: data for name, (_, data) in pictures.items()}
    )


def forms_part(model: StoredModel) -> Part:
    """Float against int8, every figure side by side. Raises ToolError when matplotlib is not installed."""
    title, forms = "Float against int8", model.evaluations
    if "keras" not in forms or len(forms) < 2:
        return part(title, "Only one form of the model was judged.")
    int8 = next(found for kind, found in forms.items() if kind != "keras")
    pair = (forms["keras"], int8)
    if {pair[0].data, *pair[0].streams} != {int8.data, *int8.streams}:
        return part(title, "The two forms were not judged on the same audio.")
    figures = model.compared or _figures(*pair)
    pictures = {}
    blocks: list[Html] = [_figure_table(figures)]
    if int8.hours and int8.first.curve.positives:
        float_curves, int8_curves = (
            {f"{condition}, {FORMS[kind]}": curve for condition, curve in found.curves.items()}
            for kind, found in (("keras", pair[0]), ("tflite", int8))
        )
        data = plot_det(
            int8_curves, dashed=float_curves, targets_per_hour=int8.rates, title="Float and int8 on the same audio"
        )
        pictures = {"det-float-int8.png": data}
        blocks.append(image(data, alt="misses against false accepts of the float and the int8 model"))
    tested = "p: exact McNemar test on the same clips; for false accepts, exact binomial test on the two counts."
    untested = "No test of the differences is stored; --evaluate makes them."
    return part(title, *blocks, tested if model.compared else untested, pictures=pictures)


def _class_table(forms: Mapping[str, StoredWindows]) -> Html:
    rows: list[list[object]] = [["accuracy", *(f"{100 * found.accuracy:.2f} %" for found in forms.values())]]
    first = next(iter(forms.values()))
    for place, known in enumerate(first.classes):
        for name in ("recall", "precision", "auc"):
            values = (getattr(found.classes[place], name) for found in forms.values())
            what = {"auc": "area under the ROC"}.get(name, name)
            rows.append([f"{what}, {known.label}", *("not known" if v is None else f"{100 * v:.2f} %" for v in values)])
    return table(rows, header=("", *(FORMS[kind] for kind in forms)))


def _pictures(forms: Mapping[str, StoredWindows]) -> dict[str, tuple[str, bytes]]:
    """What each shows and its bytes, by file name."""
    first = next(iter(forms.values()))
    classes = [known.label for known in first.classes]
    found = {}
    matrices = {FORMS[kind]: np.array(windows.confusion_matrix, np.int64) for kind, windows in forms.items()}
    found["confusion.png"] = (
        "confusion matrices: the class with the highest score",
        plot_confusions(matrices, classes, classes),
    )
    decided = {
        f"{FORMS[kind]}, above threshold {255 * (windows.decision_threshold or 0):.0f}": np.array(matrix, np.int64)
        for kind, windows in forms.items()
        for matrix in (windows.confusion_matrix_with_unk,)
        if matrix
    }
    if decided:
        data = plot_confusions(decided, classes, [*classes, _UNK])
        found["confusion-above-threshold.png"] = ("confusion matrices at the model's own threshold", data)
    curves = [curve for kind, windows in forms.items() for curve in _class_curves(windows, FORMS[kind])]
    if curves:
        found["roc.png"] = ("ROC, and precision against recall", plot_class_curves(curves))
    return found


def _class_curves(windows: StoredWindows, form: str) -> list[ClassCurves]:
    """Those of the classes that are detected, or of all where none is."""
    detected = [known for known in windows.classes if not known.label.startswith("_")] or list(windows.classes)
    found = []
    for known in detected:
        if known.roc is None:
            continue
        true, false, precision = map(
            floats, (known.roc.true_positive_rate, known.roc.false_positive_rate, known.roc.precision)
        )
        if len(true) == len(false):
            precision = precision if len(precision) == len(true) else np.full(len(true), np.nan)
            found.append(
                ClassCurves(
                    name=f"{known.label}, {form}",
                    true_positive_rate=true,
                    false_positive_rate=false,
                    precision=precision,
                    auc=known.auc,
                )
            )
    return found


def _figure_table(figures: tuple[ComparedFigure, ...]) -> Html:
    def number(value: float | None) -> str:
        return "not known" if value is None else f"{value:.2f}"

    rows = []
    for figure in figures:
        both = figure.first is not None and figure.second is not None
        change = f"{round((figure.second or 0) - (figure.first or 0), 2) + 0.0:+.2f}" if both else ""
        chance = "" if figure.p_value is None else f"{figure.p_value:.3f}"
        rows.append((figure.name, number(figure.first), number(figure.second), change, chance))
    tested = any(figure.p_value is not None for figure in figures)
    header = ("", "float", "int8", "difference", "p")
    return table(rows if tested else [row[:4] for row in rows], header=header if tested else header[:4])


def _figures(first: StoredEvaluation, second: StoredEvaluation) -> tuple[ComparedFigure, ...]:
    """What stored results have in common, without tests: which clips were missed is not stored."""
    found = []
    for name in first.streams:
        curves = (first.curves[name], second.curves[name])
        if not all(curve.positives for curve in curves):
            continue
        if all(curve.hours for curve in curves):
            for rate in first.rates:
                points = [misses_at(curve, rate) for curve in curves]
                values = [None if point is None else 100 * point.misses_fraction for point in points]
                found.append(ComparedFigure(name=f"missed % at {rate:g} /h, {name}", first=values[0], second=values[1]))
        own = first.own_threshold, second.own_threshold
        if own[0] is not None and own[1] is not None:
            shares = [
                100 * curve.at(at).misses_fraction for curve, at in zip(curves, own, strict=True) if at is not None
            ]
            found.append(
                ComparedFigure(name=f"missed % at the own threshold, {name}", first=shares[0], second=shares[1])
            )
    if first.windows is not None and second.windows is not None:
        accuracies = [100 * windows.accuracy for windows in (first.windows, second.windows)]
        found.append(ComparedFigure(name="windows: accuracy %", first=accuracies[0], second=accuracies[1]))
    return tuple(found)
