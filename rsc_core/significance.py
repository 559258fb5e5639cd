"""How sure a result is: bootstrap over patients, and tests between two runs on the same clips.

A patient's clips are alike, so they are not independent cases: whole patients are drawn with replacement (the cluster
bootstrap, Davison and Hinkley 1997, 3.8), for a difference the same ones for both runs. Intervals are percentiles of
the draws. A draw that leaves the statistic undefined (no abnormal clip) is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from rsc_core import metrics
from rsc_core.config import CLASSES

Statistic = Callable[[np.ndarray], np.ndarray]
"""(..., classes, classes) counts -> (...): ``metrics.score``, ``metrics.macro_f1`` …"""


def interval(
    labels: Sequence[int],
    predictions: Sequence[int],
    patients: Sequence[str],
    classes: Sequence[str] = CLASSES,
    statistic: Statistic = metrics.score,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Bootstrap interval of a statistic of the confusion matrix, over patients.

    Returns:
        (low, high) in the statistic's unit; NaN with fewer than two patients, who tell nothing of their spread.

    Raises:
        ValueError: the lengths differ or an index is outside the classes.
    """
    counts = _per_patient(labels, predictions, patients, len(classes))
    return _percentiles(statistic(_resampled(counts, _weights(len(counts), draws, seed))), level, len(counts))


def difference(
    labels: Sequence[int],
    first: Sequence[int],
    second: Sequence[int],
    patients: Sequence[str],
    classes: Sequence[str] = CLASSES,
    statistic: Statistic = metrics.score,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, float]:
    """Paired bootstrap over patients of how much more the second run's statistic is than the first's.

    Returns:
        "estimate", "low", "high" in the statistic's unit, and "p": twice the smaller share of draws on one side of 0,
        two-sided, never below 2 / (draws + 1). Runs that agree on everything give p 1. With fewer than two patients
        all but the estimate are NaN.

    Raises:
        ValueError: the lengths differ or an index is outside the classes.
    """
    sides = [_per_patient(labels, predictions, patients, len(classes)) for predictions in (first, second)]
    patient_count = len(sides[0])
    weights = _weights(patient_count, draws, seed)
    drawn = np.subtract(*(statistic(_resampled(counts, weights)) for counts in reversed(sides)))
    low, high = _percentiles(drawn, level, patient_count)
    known = drawn[~np.isnan(drawn)]
    # The draws on both sides hold zero: a tie speaks for neither run. The observed sample counts as one draw.
    smaller = min((known <= 0).sum(), (known >= 0).sum())
    p = math.nan if math.isnan(low) else min(1.0, 2 * (smaller + 1) / (len(known) + 1))
    estimate = float(np.subtract(*(statistic(counts.sum(0)) for counts in reversed(sides))))
    return {"estimate": estimate, "low": low, "high": high, "p": p}


def mean_interval(
    values: Sequence[float], patients: Sequence[str], draws: int = 2000, level: float = 0.95, seed: int = 0
) -> dict[str, float]:
    """Bootstrap interval over patients of the mean of one number a clip, such as a paired difference.

    Returns:
        "estimate", "low", "high" in the values' unit; with fewer than two patients the last two are NaN.

    Raises:
        ValueError: the lengths differ.
    """
    values, patients = np.asarray(values, dtype=float), np.asarray(patients, dtype=str)
    if patients.shape != values.shape:
        raise ValueError(f"expected one patient per value, got {len(patients)} for {len(values)}")
    names, owner = np.unique(patients, return_inverse=True)
    sums, counts = np.bincount(owner, values), np.bincount(owner)
    weights = _weights(len(names), draws, seed)
    low, high = _percentiles(weights @ sums / (weights @ counts), level, len(names))
    return {"estimate": float(values.mean()), "low": low, "high": high}


def mcnemar(labels: Sequence[int], first: Sequence[int], second: Sequence[int]) -> dict[str, float]:
    """Exact binomial McNemar test (1947) of whether two runs label equally many clips rightly.

    It takes clips as independent; where patients have many clips each, p is too small and ``difference`` is the test
    to believe.

    Returns:
        "only_first" and "only_second" (clips that run alone labels rightly) and "p", two-sided; 1 without such clips.

    Raises:
        ValueError: the lengths differ.
    """
    labels, first, second = np.asarray(labels), np.asarray(first), np.asarray(second)
    if not labels.shape == first.shape == second.shape:
        raise ValueError(
            f"expected two predictions per label, got {len(first)} and {len(second)} for {len(labels)} labels"
        )
    only_first = int(((first == labels) & (second != labels)).sum())
    only_second = int(((second == labels) & (first != labels)).sum())
    total, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(total, k) for k in range(fewer + 1))
    return {"only_first": only_first, "only_second": only_second, "p": min(1.0, 2 * tail / 2**total)}


def _per_patient(
    labels: Sequence[int], predictions: Sequence[int], patients: Sequence[str], classes: int
) -> np.ndarray:
    """(patients, classes, classes) confusion counts."""
    labels, predictions, patients = np.asarray(labels), np.asarray(predictions), np.asarray(patients, dtype=str)
    if patients.shape != labels.shape:
        raise ValueError(f"expected one patient per label, got {len(patients)} for {len(labels)}")
    names, owner = np.unique(patients, return_inverse=True)
    metrics.confusion(labels, predictions, classes)  # for its checks
    counts = np.zeros((len(names), classes, classes))
    np.add.at(counts, (owner, labels.astype(int), predictions.astype(int)), 1)
    return counts


def _weights(patients: int, draws: int, seed: int) -> np.ndarray:
    """(draws, patients): how often each patient is drawn."""
    if not patients:
        return np.zeros((draws, 0))
    picks = np.random.default_rng(seed).integers(patients, size=(draws, patients))
    flat = (picks + patients * np.arange(draws)[:, None]).ravel()
    return np.bincount(flat, minlength=draws * patients).reshape(draws, patients)


def _resampled(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(draws, classes, classes)."""
    return np.tensordot(weights, counts, axes=1)


def _percentiles(drawn: np.ndarray, level: float, patients: int) -> tuple[float, float]:
    known = drawn[~np.isnan(drawn)]
    if patients < 2 or not known.size:
        return math.nan, math.nan
    tail = 50 * (1 - level)
    low, high = np.percentile(known, [tail, 100 - tail])
    return float(low), float(high)
