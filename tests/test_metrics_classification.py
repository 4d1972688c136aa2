"""Figures of single clips against brute force."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk_like.errors import DataError
from mltk_like.metrics import classification_report, roc_auc

CLASSES = ("yes", "no", "_unknown_")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(2, 4))
def test_equals_brute_force(seed: int, clips: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.integers(-128, 128, size=(clips, count)).astype(np.int8)
    labels = rng.integers(0, count, clips)
    report = classification_report(outputs, labels, [f"c{i}" for i in range(count)])
    scores = outputs.astype(int) + 128
    taken = [row.index(max(row)) for row in scores.tolist()]
    for true in range(count):
        for guess in range(count):
            pairs = zip(labels, taken, strict=True)
            assert report.confusion[true, guess] == sum((t, g) == (true, guess) for t, g in pairs)
    assert report.accuracy == pytest.approx(np.mean(labels == np.array(taken)))
    assert report.support.sum() == report.count == clips
    for index in range(count):
        own, other = scores[labels == index, index], scores[labels != index, index]
        for level in (0, 1, 100, 254, 255):
            hits, alarms = int((own > level).sum()), int((other > level).sum())
            precision = hits / (hits + alarms) if hits + alarms else 1.0
            _same(report.true_positive_rate[index, level], hits / len(own) if len(own) else None)
            _same(report.false_positive_rate[index, level], alarms / len(other) if len(other) else None)
            _same(report.threshold_precision[index, level], precision)
        _same(report.recall[index], np.mean(np.array(taken)[labels == index] == index) if len(own) else None)
        chosen = np.array(taken) == index
        _same(report.precision[index], np.mean(labels[chosen] == index) if chosen.any() else None)


def _same(value: float, expected: float | None) -> None:
    assert np.isnan(value) if expected is None else value == pytest.approx(expected)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=30))
def test_auc_equals_brute_force(clips: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in clips])
    positive = np.array([flag for _, flag in clips])
    pairs = [(p > n) + (p == n) / 2 for p in scores[positive] for n in scores[~positive]]
    _same(roc_auc(scores, positive), float(np.mean(pairs)) if pairs else None)


def test_perfect_and_reversed() -> None:
    scores = np.eye(3)[[0, 1, 2, 2]]
    good = classification_report(scores, [0, 1, 2, 2], CLASSES)
    assert good.accuracy == good.average_auc == 1.0
    bad = classification_report(1 - scores, [0, 1, 2, 2], CLASSES)
    assert bad.accuracy == bad.average_auc == 0.0


def test_one_output_is_the_second_class() -> None:
    report = classification_report(np.array([0.1, 0.9, 0.8, 0.3]), [0, 1, 0, 0], ("off", "on"))
    assert report.confusion.tolist() == [[2, 1], [0, 1]]
    # The first class has the score 1 - p, not p.
    assert report.auc.tolist() == [1.0, 1.0]


def test_text_and_json() -> None:
    report = classification_report(np.eye(3)[[0, 0, 0, 2]], [0, 0, 1, 2], CLASSES)
    text = str(report)
    assert "Overall accuracy: 75.000%" in text
    assert "- no        = 0.000%" in text
    assert "true class in rows" in text
    plain = report.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["confusion_matrix"] == [[2, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert plain["classes"][1]["precision"] is None


def test_a_class_without_clips_is_not_known() -> None:
    report = classification_report(np.eye(3)[[0, 1]], [0, 1], CLASSES)
    assert "_unknown_ = not known" in str(report)
    assert report.average_auc == 1.0


@pytest.mark.parametrize(
    ("scores", "labels", "words"),
    [
        (np.zeros((0, 3)), [], "no clips"),
        (np.zeros((2, 3)), [0], "do not fit 2 scores"),
        (np.zeros((2, 3)), [0, 3], "out of range"),
        (np.zeros((2, 2)), [0, 1], "do not fit 3 classes"),
        (np.zeros((2, 3), np.int32), [0, 1], "int32"),
        (np.full((1, 3), np.nan), [0], "not numbers"),
    ],
)
def test_wrong_input_is_refused(scores: Any, labels: list[int], words: str) -> None:
    with pytest.raises(DataError, match=words):
        classification_report(scores, np.array(labels, dtype=np.int64), CLASSES)
