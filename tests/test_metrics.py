import math

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    recall_score,
    roc_auc_score,
)

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


def test_two_class_score_forgives_the_wrong_abnormal_class():
    """Of 10 abnormal clips 3 get their class, 4 another abnormal one: strict 30, lenient 70."""
    labels, predictions = counts((0, 0, 8), (0, 2, 2), (1, 1, 3), (1, 2, 2), (2, 3, 1), (3, 1, 1), (2, 0, 3))
    result = metrics.evaluate(labels, predictions)
    assert (result["specificity"], result["sensitivity"], result["score"]) == (80, 30, 55)
    assert result["two_class"] == {"specificity": 80, "sensitivity": 70, "score": 75}


def test_two_class_score_equals_the_score_of_two_classes():
    labels, predictions = np.random.default_rng(1).integers(4, size=(2, 300))
    binary = metrics.evaluate(labels > 0, predictions > 0, ("normal", "abnormal"))
    assert metrics.evaluate(labels, predictions)["two_class"] == {
        key: binary[key] for key in ("specificity", "sensitivity", "score")
    }


@pytest.mark.parametrize("present", [4, 3, 1])
def test_agrees_with_scikit_learn_also_where_classes_are_absent(present):
    rng = np.random.default_rng(present)
    labels, predictions = rng.integers(present, size=400), rng.integers(min(present + 1, 4), size=400)
    result = metrics.evaluate(labels, predictions, probabilities=rng.random((400, 4)))
    assert result["accuracy"] == pytest.approx(100 * accuracy_score(labels, predictions))
    assert result["macro_f1"] == pytest.approx(100 * f1_score(labels, predictions, average="macro"))
    recalls = [100 * np.mean(predictions[labels == k] == k) for k in range(present)]
    assert result["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    if present == 4:
        expected = 100 * balanced_accuracy_score(labels, predictions)
        assert result["balanced_accuracy"] == pytest.approx(expected)


def test_recall_of_fewer_than_five_cases_is_not_reported():
    labels, predictions = counts((0, 0, 5), (1, 1, 4), (2, 2, 3), (2, 0, 2))
    recall = metrics.evaluate(labels, predictions)["recall"]
    assert recall == {"normal": 100, "crackle": None, "wheeze": 60, "both": None}
    assert [metrics.cell(value) for value in recall.values()] == ["100.0", "-", "60.0", "-"]
    assert metrics.cell(math.nan) == "-"
    assert metrics.cell(12.345, digits=2) in ("12.35", "12.34")


def test_statistics_of_a_stack_of_matrices_are_those_of_each():
    stack = np.random.default_rng(2).integers(9, size=(3, 5, 4, 4))
    for statistic in (
        metrics.specificity,
        metrics.sensitivity,
        metrics.score,
        metrics.accuracy,
        metrics.balanced_accuracy,
        metrics.macro_f1,
    ):
        each = [[statistic(matrix) for matrix in row] for row in stack]
        np.testing.assert_allclose(statistic(stack), each, rtol=1e-12)
    np.testing.assert_array_equal(metrics.lenient(stack)[1, 2], metrics.lenient(stack[1, 2]))


def test_groups_are_evaluated_alone():
    labels, predictions = np.random.default_rng(3).integers(4, size=(2, 90))
    devices = np.array(["Meditron", "Litt3200", "AKGC417L"] * 30)
    result = metrics.by_group(labels, predictions, devices)
    assert list(result) == ["AKGC417L", "Litt3200", "Meditron"]
    for device, found in result.items():
        assert found == metrics.evaluate(labels[devices == device], predictions[devices == device])
    assert metrics.by_group([], [], []) == {}
    with pytest.raises(ValueError, match="one group per label, got 2 for 3"):
        metrics.by_group([0, 1, 2], [0, 1, 2], ["a", "b"])


@pytest.mark.parametrize("digits", [1, 6], ids=["many ties", "no ties"])
def test_auroc_and_average_precision_agree_with_scikit_learn(digits):
    rng = np.random.default_rng(4)
    positive = rng.random(500) < 0.2
    scores = np.round(rng.random(500) + 0.3 * positive, digits)
    assert metrics.auroc(positive, scores) == pytest.approx(100 * roc_auc_score(positive, scores), abs=1e-10)
    expected = 100 * average_precision_score(positive, scores)
    assert metrics.average_precision(positive, scores) == pytest.approx(expected, abs=1e-10)


def test_rankings_by_hand():
    assert metrics.auroc([1, 0, 1, 0], [4, 3, 2, 1]) == 75
    assert metrics.auroc([1, 0], [1, 1]) == 50
    assert metrics.average_precision([1, 0, 1], [3, 2, 1]) == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert math.isnan(metrics.auroc([1, 1], [0, 1]))
    assert math.isnan(metrics.average_precision([0, 0], [0, 1]))
    assert math.isnan(metrics.auroc([], []))


def test_auroc_of_classes_agrees_with_scikit_learn():
    rng = np.random.default_rng(5)
    labels, probabilities = rng.integers(4, size=300), rng.dirichlet([1] * 4, size=300)
    result = metrics.evaluate(labels, probabilities.argmax(1), probabilities=probabilities)["auroc"]
    assert result["macro"] == pytest.approx(100 * roc_auc_score(labels, probabilities, multi_class="ovr"))
    assert result["abnormal"] == pytest.approx(100 * roc_auc_score(labels > 0, probabilities[:, 1:].sum(1)))
    assert result["per_class"]["wheeze"] == pytest.approx(100 * roc_auc_score(labels == 2, probabilities[:, 2]))


def test_auroc_leaves_absent_classes_out_of_the_mean():
    probabilities = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.6, 0.4, 0]])
    result = metrics.ranking([0, 1, 0], probabilities, ("normal", "crackle", "wheeze"))
    assert result["macro"] == 100
    assert math.isnan(result["per_class"]["wheeze"])


def test_d_prime_of_two_normal_distributions():
    """Means 1.5 deviations apart: AUROC = Phi(1.5 / sqrt 2) = 85.56."""
    assert metrics.d_prime(85.5578) == pytest.approx(1.5, abs=1e-4)
    assert metrics.d_prime(50) == 0
    assert (metrics.d_prime(100), metrics.d_prime(0)) == (math.inf, -math.inf)
    assert math.isnan(metrics.d_prime(math.nan))


def test_several_labels_a_clip_agree_with_scikit_learn():
    rng = np.random.default_rng(6)
    targets = rng.random((200, 5)) < 0.3
    targets[:, 3] = False  # occurs nowhere: in neither mean
    targets[:, 4] = True  # occurs everywhere: in the precision alone
    scores = rng.random((200, 5)) + 0.4 * targets
    result = metrics.evaluate_multi_label(targets, scores, "abcde")
    known = [0, 1, 2, 4]
    precision = 100 * average_precision_score(targets[:, known], scores[:, known], average="macro")
    area = 100 * roc_auc_score(targets[:, :3], scores[:, :3], average="macro")
    assert result["mean_average_precision"] == pytest.approx(precision)
    assert result["auroc"] == pytest.approx(area)
    assert result["d_prime"] == metrics.d_prime(result["auroc"]) > 0
    assert math.isnan(result["average_precision"]["d"])
    assert result["clips"] == 200


def test_no_clips_are_defined_for_several_labels():
    result = metrics.evaluate_multi_label(np.zeros((0, 2)), np.zeros((0, 2)), "ab")
    assert math.isnan(result["mean_average_precision"]) and math.isnan(result["d_prime"])


def test_scores_of_another_shape_or_without_value_are_named():
    with pytest.raises(ValueError, match=r"expected probabilities of shape \(2, 4\), got \(2, 3\)"):
        metrics.evaluate([0, 1], [0, 1], probabilities=np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"expected scores of shape \(3,\), got \(2,\)"):
        metrics.auroc([0, 1, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="got NaN; did the model diverge"):
        metrics.evaluate_multi_label([[0, 1]], [[0.5, math.nan]], "ab")
    with pytest.raises(ValueError, match=r"expected targets of shape \(1, 3\)"):
        metrics.evaluate_multi_label([[0, 1]], [[0.5, 1]], "abc")
