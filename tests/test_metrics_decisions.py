"""Decisions at a threshold, and whether two models differ."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mltk_like.metrics import classification_report, equal_rates, mcnemar
from mltk_like.metrics.confusion import best_threshold, confusion_above, confusion_lines, count

SCORES = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.05, 0.95], [0.45, 0.55]])
TRUTH = np.array([0, 0, 0, 1, 1])


def test_what_is_below_the_threshold_is_unknown() -> None:
    assert confusion_above(SCORES, TRUTH, 0.7).tolist() == [[1, 1, 1], [0, 1, 1]]
    assert confusion_above(SCORES, TRUTH, 0.0).tolist() == [[2, 1, 0], [0, 2, 0]]
    assert confusion_above(SCORES, TRUTH, 1.0).tolist() == [[0, 0, 3], [0, 0, 2]]
    # Above, as on the device, not at.
    assert confusion_above(np.array([[0.8, 0.2]]), np.array([0]), 0.8).tolist() == [[0, 0, 1], [0, 0, 0]]


def test_the_four_counts() -> None:
    counts = count(SCORES[:, 1], TRUTH == 1, 0.5)
    assert counts.to_dict() == {
        "true_positives": 2, "false_positives": 1, "true_negatives": 2, "false_negatives": 0,
    }  # fmt: skip
    assert sum(counts.to_dict().values()) == len(TRUTH)
    assert str(counts).splitlines()[0] == "True positives:   2"


def test_the_report_has_them() -> None:
    report = classification_report(SCORES, TRUTH, ("_unknown_", "bell"), decision_threshold=0.7)
    assert report.positive == 1
    assert report.to_dict()["confusion_matrix_with_unk"] == [[1, 1, 1], [0, 1, 1]]
    assert report.to_dict()["classes"][1]["at_decision_threshold"]["false_negatives"] == 1
    assert report.correct.tolist() == [True, True, False, True, True]
    text = str(report)
    assert "Windows of 'bell' at that threshold:\nTrue positives:   1" in text
    assert "UNK" in text
    assert "support" in text
    assert "%" in str(classification_report(SCORES, TRUTH, ("a", "b"), normalise=True)).split("Confusion matrix")[1]


@pytest.mark.parametrize(
    ("classes", "positive"), [(("yes", "_no_"), 0), (("_no_", "yes"), 1), (("off", "on"), 1), (("a", "b", "_c_"), None)]
)
def test_which_class_is_looked_for(classes: tuple[str, ...], positive: int | None) -> None:
    assert classification_report(np.eye(len(classes)), np.arange(len(classes)), classes).positive == positive


def test_shares_of_a_row() -> None:
    lines = confusion_lines(["a", "b"], ["a", "b"], np.array([[3, 1], [0, 0]]), normalise=True)
    assert lines[1].split() == ["a", "75.0", "%", "25.0", "%", "4"]
    assert lines[2].split() == ["b", "0.0", "%", "0.0", "%", "0"]


def test_the_best_threshold_parts_the_classes() -> None:
    report = classification_report(np.array([[0.1], [0.3], [0.7], [0.9]]), np.array([0, 0, 1, 1]), ("off", "on"))
    assert 0.3 <= report.best_thresholds[1] < 0.7
    nothing = np.full(3, np.nan)
    assert math.isnan(best_threshold(nothing, np.ones(3), np.arange(3) / 2))


@pytest.mark.parametrize(
    ("a", "b", "p"), [(1, 9, 22 / 1024), (0, 0, 1.0), (5, 5, 1.0), (0, 6, 2 / 64), (9, 1, 22 / 1024)]
)
def test_mcnemar_by_hand(a: int, b: int, p: float) -> None:
    assert mcnemar(a, b) == pytest.approx(p)
    assert equal_rates(a, b) == pytest.approx(p)


@hypothesis_settings(deadline=None, max_examples=30)
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_equals_the_sum_of_binomials(a: int, b: int) -> None:
    total = a + b
    tail = sum(math.comb(total, k) for k in range(min(a, b) + 1)) / 2**total
    assert mcnemar(a, b) == pytest.approx(min(1.0, 2 * tail))


def test_thousands_are_no_trouble_and_less_than_nothing_is_refused() -> None:
    assert mcnemar(5000, 5000) == pytest.approx(1.0)
    assert mcnemar(4000, 6000) < 1e-80
    with pytest.raises(ValueError, match="-1"):
        mcnemar(-1, 3)
