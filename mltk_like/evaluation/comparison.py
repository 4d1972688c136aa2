"""Two forms of one model on the same audio, figure beside figure, and whether the difference can be chance."""

from dataclasses import asdict, dataclass
from typing import Any

from mltk_like.evaluation.result import EvaluationResult
from mltk_like.evaluation.subject import ENGINES
from mltk_like.metrics import equal_rates, mcnemar, misses_at


@dataclass(frozen=True, kw_only=True)
class ComparedFigure:
    """One figure of both forms.

    Attributes:
        name: what it is, with its unit.
        first, second: the figures; None: not reached or not known.
        p_value: chance of a difference as large if both forms are equally good; None where nothing was tested.
        test: 'McNemar' or 'binomial'; empty where nothing was tested.
    """

    name: str
    first: float | None
    second: float | None
    p_value: float | None = None
    test: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Every figure of two forms of one model, side by side.

    Attributes:
        first, second: the whole results: float, then int8.
        figures: one a line.
    """

    first: EvaluationResult
    second: EvaluationResult
    figures: tuple[ComparedFigure, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values: both results, and the figures with their p-values."""
        return {
            self.first.kind: self.first.to_dict(),
            self.second.kind: self.second.to_dict(),
            "comparison": [figure.to_dict() for figure in self.figures],
        }

    def __str__(self) -> str:
        rows = [["", ENGINES[self.first.kind], ENGINES[self.second.kind], "difference", "p"]]
        for figure in self.figures:
            both = [_number(figure.first), _number(figure.second)]
            known = figure.first is not None and figure.second is not None
            rows.append([
                figure.name, *both, f"{(figure.second or 0) - (figure.first or 0):+.2f}" if known else "",
                "" if figure.p_value is None else f"{figure.p_value:.3f}",
            ])  # fmt: skip
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [f"{self.first.name} on {self.first.data}", f"{self.first.label!r}:"]
        for name, *cells in rows:
            numbers = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
            lines.append("  ".join([name.ljust(widths[0]), *numbers]).rstrip())
        lines.append(
            "p: exact McNemar test on the same clips; for false accepts, exact binomial test on the two counts."
        )
        return "\n".join(lines)


def compare(first: EvaluationResult, second: EvaluationResult) -> Comparison:
    """Put two results side by side that were made with the same audio, rates and conditions.

    Misses are compared at the same rate of false accepts, each form at its own threshold, clip by clip (McNemar's
    test); single windows by whether they were recognised; false accepts by their counts at the model's own threshold.
    """
    figures = [figure for name in first.curves for figure in _condition(name, first, second)]
    curve, other = next(iter(first.curves.values())), next(iter(second.curves.values()))
    if curve.hours:
        counts = [int(c.at(r.threshold).false_accepts) for c, r in ((curve, first), (other, second))]
        figures.append(
            ComparedFigure(
                name="false accepts at the own threshold",
                first=counts[0],
                second=counts[1],
                p_value=equal_rates(*counts),
                test="binomial",
            )
        )
    return Comparison(first=first, second=second, figures=(*figures, *_windows(first, second)))


def _condition(name: str, first: EvaluationResult, second: EvaluationResult) -> list[ComparedFigure]:
    """Misses and latency in one condition."""
    curve = first.curves[name]
    if not curve.positives:
        return []
    rates = first.rates if curve.hours else ()
    figures = [_missed(f"missed % at {rate:g} /h, {name}", name, rate, first, second) for rate in rates]
    figures.append(_missed(f"missed % at the own threshold, {name}", name, None, first, second))
    own = [next(found for found in result.latencies if found.condition == name) for result in (first, second)]
    medians, slow = [found.median_ms for found in own], [found.p95_ms for found in own]
    figures.append(ComparedFigure(name=f"latency ms (median), {name}", first=medians[0], second=medians[1]))
    figures.append(ComparedFigure(name=f"latency ms (95 %), {name}", first=slow[0], second=slow[1]))
    return figures


def _missed(
    title: str, name: str, rate: float | None, first: EvaluationResult, second: EvaluationResult
) -> ComparedFigure:
    """Misses at a rate of false accepts, or at each form's own threshold."""
    points = [
        misses_at(result.curves[name], rate) if rate is not None else result.curves[name].at(result.threshold)
        for result in (first, second)
    ]
    shares = [None if point is None else 100 * point.misses_fraction for point in points]
    p_value = None
    if points[0] is not None and points[1] is not None:
        a, b = first.peaks[name] <= points[0].threshold, second.peaks[name] <= points[1].threshold
        p_value = mcnemar(int((a & ~b).sum()), int((b & ~a).sum()))
    test = "" if p_value is None else "McNemar"
    return ComparedFigure(name=title, first=shares[0], second=shares[1], p_value=p_value, test=test)


def _windows(first: EvaluationResult, second: EvaluationResult) -> list[ComparedFigure]:
    if first.windows is None or second.windows is None:
        return []
    a, b = first.windows, second.windows
    p_value = mcnemar(int((~a.correct & b.correct).sum()), int((a.correct & ~b.correct).sum()))
    figures = [
        ComparedFigure(
            name="windows: accuracy %",
            first=100 * a.accuracy,
            second=100 * b.accuracy,
            p_value=p_value,
            test="McNemar",
        )
    ]
    for what, values in (
        ("recall", (a.recall, b.recall)),
        ("precision", (a.precision, b.precision)),
        ("AUC", (a.auc, b.auc)),
    ):
        for index, label in enumerate(a.classes):
            both = [None if v[index] != v[index] else 100 * float(v[index]) for v in values]
            figures.append(ComparedFigure(name=f"windows: {what} % of {label}", first=both[0], second=both[1]))
    return figures


def _number(value: float | None) -> str:
    return "not reached" if value is None else f"{value:.2f}"
