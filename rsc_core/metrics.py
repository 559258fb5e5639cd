"""The ICBHI metrics: specificity, sensitivity and their mean, the Score; with intervals over patients.

Conventions: labels are indices into the classes, 0 is normal; all values are percent. Sensitivity is strict, as in
the ICBHI 2017 challenge: an abnormal cycle counts only if its exact class is predicted, pooled over cycles (not the
mean of the classes' recalls).

    Sp = correct normal / all normal      Se = correct abnormal / all abnormal      Score = (Sp + Se) / 2
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rsc_core.config import CLASSES


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


def specificity(matrix: np.ndarray) -> float:
    """Percent of normal cycles labelled normal; NaN where there is none."""
    return _percent(matrix[0, 0], matrix[0].sum())


def sensitivity(matrix: np.ndarray) -> float:
    """Percent of abnormal cycles given their exact class; NaN where there is none."""
    return _percent(np.diag(matrix)[1:].sum(), matrix[1:].sum())


def evaluate(labels: Sequence[int], predictions: Sequence[int], classes: Sequence[str] = CLASSES) -> dict[str, object]:
    """Return specificity, sensitivity, score, each class's recall (percent) and the confusion matrix (counts)."""
    matrix = confusion(labels, predictions, len(classes))
    sp, se = specificity(matrix), sensitivity(matrix)
    recall = {name: _percent(matrix[i, i], matrix[i].sum()) for i, name in enumerate(classes)}
    return {
        "specificity": sp,
        "sensitivity": se,
        "score": (sp + se) / 2,
        "recall": recall,
        "confusion": matrix.tolist(),
        "cycles": int(matrix.sum()),
    }


def score_interval(
    labels: Sequence[int],
    predictions: Sequence[int],
    patients: Sequence[str],
    classes: Sequence[str] = CLASSES,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Bootstrap interval of the Score in percent, resampling whole patients, whose cycles are not independent."""
    labels, predictions, patients = np.asarray(labels), np.asarray(predictions), np.asarray(patients)
    names = np.unique(patients)
    per_patient = np.stack(
        [confusion(labels[patients == p], predictions[patients == p], len(classes)) for p in names]
    )  # (patients, classes, classes)
    picks = np.random.default_rng(seed).integers(len(names), size=(draws, len(names)))
    weights = np.apply_along_axis(np.bincount, 1, picks, minlength=len(names))
    matrices = np.tensordot(weights, per_patient, axes=1)  # (draws, classes, classes)
    scores = np.array([(specificity(m) + sensitivity(m)) / 2 for m in matrices])
    tail = 50 * (1 - level)
    low, high = np.nanpercentile(scores, [tail, 100 - tail])
    return float(low), float(high)


def _percent(part: float, whole: float) -> float:
    return float(100 * part / whole) if whole else float("nan")
