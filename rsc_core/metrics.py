"""Metrics of labelled clips: the ICBHI Score, the lenient two-class score, recall, F1, AUROC, mAP and d'.

Conventions: labels are indices into the classes; where a label set has a normal class it is class 0; values are
percent, except d'. Sensitivity is strict, as in the ICBHI 2017 challenge (Rocha et al. 2019): an abnormal clip counts
only if its exact class is predicted, pooled over clips (not the mean of the classes' recalls).

    Sp = correct normal / all normal      Se = correct abnormal / all abnormal      Score = (Sp + Se) / 2

What cannot be measured (no clips, a class absent) is NaN. A statistic of a confusion matrix takes (..., classes,
classes) counts and returns (...), so that a bootstrap computes all its draws at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from rsc_core.config import CLASSES

FEWEST_CASES = 5  # a recall over fewer is not reported


def confusion(labels: Sequence[int], predictions: Sequence[int], classes: int = len(CLASSES)) -> np.ndarray:
    """(classes, classes) counts, rows the true class, columns the predicted one.

    Raises:
        ValueError: the lengths differ or an index is outside the classes.
    """
    labels, predictions = np.asarray(labels, dtype=int), np.asarray(predictions, dtype=int)
    if labels.shape != predictions.shape:
        raise ValueError(f"expected one prediction per label, got {len(predictions)} for {len(labels)}")
    both = np.concatenate([labels, predictions])
    if both.size and not 0 <= both.min() <= both.max() < classes:
        raise ValueError(f"expected class indices from 0 to {classes - 1} (did you pass probabilities or names?)")
    return np.bincount(labels * classes + predictions, minlength=classes**2).reshape(classes, classes)


def specificity(matrix: np.ndarray) -> np.ndarray:
    """Percent of normal clips labelled normal."""
    return percent(matrix[..., 0, 0], matrix[..., 0, :].sum(-1))


def sensitivity(matrix: np.ndarray) -> np.ndarray:
    """Percent of abnormal clips given their exact class."""
    return percent(_hits(matrix)[..., 1:].sum(-1), matrix[..., 1:, :].sum((-2, -1)))


def score(matrix: np.ndarray) -> np.ndarray:
    """The ICBHI Score: the mean of specificity and sensitivity."""
    return (specificity(matrix) + sensitivity(matrix)) / 2


def lenient(matrix: np.ndarray) -> np.ndarray:
    """(..., 2, 2) counts of normal and abnormal: any abnormal prediction for an abnormal clip is a hit."""
    return np.stack(
        [
            np.stack([matrix[..., 0, 0], matrix[..., 0, 1:].sum(-1)], -1),
            np.stack([matrix[..., 1:, 0].sum(-1), matrix[..., 1:, 1:].sum((-2, -1))], -1),
        ],
        -2,
    )


def accuracy(matrix: np.ndarray) -> np.ndarray:
    """Percent of clips given their class."""
    return percent(_hits(matrix).sum(-1), matrix.sum((-2, -1)))


def balanced_accuracy(matrix: np.ndarray) -> np.ndarray:
    """Mean recall of the classes that have clips, as scikit-learn defines it."""
    return _mean(percent(_hits(matrix), matrix.sum(-1)))


def macro_f1(matrix: np.ndarray) -> np.ndarray:
    """Mean F1 of the classes that occur among labels or predictions, as scikit-learn defines it."""
    return _mean(percent(2 * _hits(matrix), matrix.sum(-1) + matrix.sum(-2)))


def evaluate(
    labels: Sequence[int],
    predictions: Sequence[int],
    classes: Sequence[str] = CLASSES,
    probabilities: np.ndarray | None = None,
) -> dict[str, object]:
    """Return every metric of one label a clip; with (clips, classes) probabilities also the AUROCs.

    The keys: "specificity", "sensitivity", "score"; "two_class" (the same three, lenient); "accuracy",
    "balanced_accuracy", "macro_f1"; "recall" by class, None below five clips; "confusion" (counts); "cycles" (how many
    clips); "auroc" (``ranking``).

    Raises:
        ValueError: the lengths differ or an index is outside the classes.
    """
    matrix = confusion(labels, predictions, len(classes))
    recall = percent(_hits(matrix), matrix.sum(-1))
    reported = matrix.sum(-1) >= FEWEST_CASES
    result: dict[str, object] = {
        **_three(matrix),
        "two_class": _three(lenient(matrix)),
        "accuracy": float(accuracy(matrix)),
        "balanced_accuracy": float(balanced_accuracy(matrix)),
        "macro_f1": float(macro_f1(matrix)),
        "recall": {
            name: float(value) if enough else None
            for name, value, enough in zip(classes, recall, reported, strict=True)
        },
        "confusion": matrix.tolist(),
        "cycles": int(matrix.sum()),
    }
    if probabilities is not None:
        result["auroc"] = ranking(labels, probabilities, classes)
    return result


def by_group(
    labels: Sequence[int], predictions: Sequence[int], groups: Sequence[str], classes: Sequence[str] = CLASSES
) -> dict[str, dict[str, object]]:
    """Evaluate each group of clips (a device, a place on the chest) alone; groups in alphabetical order.

    Raises:
        ValueError: as ``evaluate``, or the number of groups differs.
    """
    labels, predictions, groups = np.asarray(labels), np.asarray(predictions), np.asarray(groups, dtype=str)
    if groups.shape != labels.shape:
        raise ValueError(f"expected one group per label, got {len(groups)} for {len(labels)}")
    return {
        str(name): evaluate(labels[groups == name], predictions[groups == name], classes) for name in np.unique(groups)
    }


def auroc(positive: Sequence[bool], scores: Sequence[float]) -> float:
    """Percent of pairs of a positive and a negative clip that are ranked rightly, ties half (Mann and Whitney 1947).

    NaN without positives or without negatives.
    """
    positive, scores = scored(positive, scores)
    negatives = len(positive) - positive.sum()
    values, rank = np.unique(scores, return_inverse=True)
    below = np.bincount(rank[~positive], minlength=len(values))
    wins = (np.cumsum(below) - below / 2)[rank[positive]].sum()
    return float(percent(wins, positive.sum() * negatives))


def average_precision(positive: Sequence[bool], scores: Sequence[float]) -> float:
    """Mean precision at the recalls gained, in percent, without interpolation; equal scores count as one step.

    NaN without positives.
    """
    positive, scores = scored(positive, scores)
    if not positive.any():
        return math.nan
    values, rank = np.unique(-scores, return_inverse=True)
    hits = np.bincount(rank[positive], minlength=len(values))
    precision = np.cumsum(hits) / np.cumsum(np.bincount(rank, minlength=len(values)))
    return float(100 * (precision * hits).sum() / hits.sum())


def d_prime(auroc_percent: float) -> float:
    """Deviations between two equally wide normal distributions of that AUROC: d' = sqrt(2) * Phi^-1(AUROC).

    Infinite at 100 and 0 percent, NaN for NaN.
    """
    if not 0 < auroc_percent < 100:
        return {100: math.inf, 0: -math.inf}.get(auroc_percent, math.nan)
    return math.sqrt(2) * NormalDist().inv_cdf(auroc_percent / 100)


def ranking(labels: Sequence[int], probabilities: np.ndarray, classes: Sequence[str] = CLASSES) -> dict[str, object]:
    """AUROC of each class against the rest, their mean, and that of 1 - P(class 0) for abnormal against normal.

    Args:
        labels: (clips,) class indices.
        probabilities: (clips, classes).
        classes: names.

    Returns:
        "per_class" {name: percent}, "macro" (over the classes that occur), "abnormal".

    Raises:
        ValueError: probabilities have another shape, or hold NaN.
    """
    labels, probabilities = np.asarray(labels, dtype=int), np.asarray(probabilities, dtype=float)
    _check_shape(probabilities, (len(labels), len(classes)), "probabilities")
    values = [auroc(labels == i, probabilities[:, i]) for i in range(len(classes))]
    return {
        "per_class": dict(zip(classes, values, strict=True)),
        "macro": float(_mean(np.array(values))),
        "abnormal": auroc(labels != 0, 1 - probabilities[:, 0]),
    }


def evaluate_multi_label(targets: np.ndarray, scores: np.ndarray, classes: Sequence[str]) -> dict[str, object]:
    """Return the ranking metrics of clips that may hold several classes, as AudioSet and FSD50K are scored.

    mAP is the mean over the classes that occur; AUROC over those that neither every clip nor none holds; d' is that of
    the mean AUROC (Gong et al. 2021, AST).

    Args:
        targets: (clips, classes), 1 where a clip holds a class.
        scores: (clips, classes), the higher the likelier.
        classes: names.

    Returns:
        "mean_average_precision", "auroc", "d_prime", "average_precision" by class, "clips".

    Raises:
        ValueError: a shape differs, or scores hold NaN.
    """
    targets, scores = scored(targets, scores)
    _check_shape(targets, (len(targets), len(classes)), "targets")
    precisions = [average_precision(targets[:, i], scores[:, i]) for i in range(len(classes))]
    area = float(_mean(np.array([auroc(targets[:, i], scores[:, i]) for i in range(len(classes))])))
    return {
        "mean_average_precision": float(_mean(np.array(precisions))),
        "auroc": area,
        "d_prime": d_prime(area),
        "average_precision": dict(zip(classes, precisions, strict=True)),
        "clips": len(targets),
    }


def scored(positive: Sequence[bool], scores: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return what is true, as bool, and how likely each was held, as float, both of one shape.

    Raises:
        ValueError: the shapes differ, or scores hold NaN.
    """
    positive, scores = np.asarray(positive, dtype=bool), np.asarray(scores, dtype=float)
    _check_shape(scores, positive.shape, "scores")
    return positive, scores


def cell(value: float | None, digits: int = 1) -> str:
    """Return a number as a table prints it; "-" for what was not measured."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _three(matrix: np.ndarray) -> dict[str, float]:
    values = specificity(matrix), sensitivity(matrix), score(matrix)
    return dict(zip(("specificity", "sensitivity", "score"), map(float, values), strict=True))


def _hits(matrix: np.ndarray) -> np.ndarray:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def percent(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """100 part / whole; NaN where the whole is 0."""
    whole = np.asarray(whole, dtype=float)
    return 100 * np.asarray(part) / np.where(whole == 0, np.nan, whole)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    return percent(np.where(known, values, 0).sum(-1), known.sum(-1)) / 100


def _check_shape(values: np.ndarray, shape: tuple[int, ...], what: str) -> None:
    if values.shape != shape:
        raise ValueError(f"expected {what} of shape {shape}, got {values.shape}")
    if np.isnan(values).any():
        raise ValueError(f"expected numbers as {what}, got NaN; did the model diverge?")
