import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, recall_score

from rsc_core import metrics


def counts(*rows):
    """(labels, predictions) from (label, prediction, how many) rows."""
    labels = [label for label, _, n in rows for _ in range(n)]
    predictions = [prediction for _, prediction, n in rows for _ in range(n)]
    return labels, predictions


def test_published_lora_rsc_counts():
    labels, predictions = counts((0, 0, 1347), (0, 1, 1579 - 1347), (1, 1, 425), (2, 1, 1177 - 425))
    result = metrics.evaluate(labels, predictions)
    assert round(result["specificity"], 2) == 85.31
    assert round(result["sensitivity"], 2) == 36.11
    assert round(result["score"], 2) == 60.71


def test_perfect_and_constant_predictors():
    labels, _ = counts((0, 0, 1579), (1, 1, 649), (2, 2, 385), (3, 3, 143))
    assert metrics.evaluate(labels, labels)["score"] == 100
    normal = metrics.evaluate(labels, np.zeros(len(labels), int))
    assert (normal["specificity"], normal["sensitivity"], normal["score"]) == (100, 0, 50)
    both = metrics.evaluate(labels, np.full(len(labels), 3))
    assert (both["specificity"], round(both["sensitivity"], 2)) == (0, 12.15)


def test_another_abnormal_class_is_an_error():
    assert metrics.evaluate([1, 2, 3], [3, 1, 2])["sensitivity"] == 0


def test_order_does_not_matter_and_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(4, size=(2, 500))
    order = rng.permutation(500)
    result = metrics.evaluate(labels, predictions)
    assert result == metrics.evaluate(labels[order], predictions[order])
    assert result["confusion"] == confusion_matrix(labels, predictions).tolist()
    np.testing.assert_allclose(list(result["recall"].values()), 100 * recall_score(labels, predictions, average=None))


def test_absent_classes_and_no_clips_are_defined():
    only_normal = metrics.evaluate([0, 0], [0, 1])
    assert only_normal["specificity"] == 50
    assert math.isnan(only_normal["sensitivity"])
    assert math.isnan(metrics.evaluate([], [])["score"])


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="one prediction per label, got 1 for 2"):
        metrics.evaluate([0, 1], [0])
    with pytest.raises(ValueError, match="class indices from 0 to 3"):
        metrics.evaluate([0, 4], [0, 0])


def test_interval_resamples_patients_not_cycles():
    """Two opinions per patient: cycles of one patient stand or fall together, so the interval is wide."""
    labels = np.tile([0, 1], 500)
    patients = np.repeat([f"p{i}" for i in range(10)], 100)
    right = np.repeat(np.arange(10) % 2 == 0, 100)
    predictions = np.where(right, labels, 1 - labels)
    low, high = metrics.score_interval(labels, predictions, patients)
    assert low <= 20 and high >= 80
    each_alone = metrics.score_interval(labels, predictions, [str(i) for i in range(1000)])
    assert each_alone[1] - each_alone[0] < 10
    assert (low, high) == metrics.score_interval(labels, predictions, patients)


def test_interval_of_perfect_predictions_is_a_point():
    labels = [0, 1, 2, 3] * 5
    assert metrics.score_interval(labels, labels, ["a", "b"] * 10) == (100, 100)
