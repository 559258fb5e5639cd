"""SPRSound's official tasks: 1-1 and 1-2 label events, 2-1 and 2-2 whole records.

Definition: the BioCAS 2022 and 2023 challenges' "Submission Documentation for Model Validation". A prediction counts
if its class is exact among the task's classes, pooled over all adventitious ones; all values are percent:

    SE = correct adventitious / all adventitious      SP = correct normal / all normal
    AS = (SE + SP) / 2      HS = 2 SE SP / (SE + SP)      Score = (AS + HS) / 2

So predicting normal always gives AS 50 but Score 25. A Poor Quality record enters neither SE nor SP, while calling
another record Poor Quality is an error: the documentation does not spell this out, published entries compute it so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rsc_core import metrics
from rsc_core.config import CLASSES
from rsc_core.cycles import SPRSOUND_CLASSES

NORMAL, POOR, ADVENTITIOUS = "Normal", "Poor Quality", "Adventitious"
EVENTS = tuple(SPRSOUND_CLASSES)
RECORDS = (NORMAL, POOR, "CAS", "DAS", "CAS & DAS")  # continuous, discontinuous adventitious sounds

TASKS: dict[str, dict[str, str]] = {
    "1-1": {
        **{name: NORMAL if name == NORMAL else ADVENTITIOUS for name in EVENTS},
        **{name: NORMAL if name == CLASSES[0] else ADVENTITIOUS for name in CLASSES},
    },
    "1-2": {name: name for name in EVENTS},
    "2-1": {name: name if name in (NORMAL, POOR) else ADVENTITIOUS for name in RECORDS},
    "2-2": {name: name for name in RECORDS},
}
"""What each task calls a label; 1-1 also takes the four classes of ``config.CLASSES``, 2-1 the labels of 2-2."""


def evaluate(task: str, labels: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
    """Score one task's predictions.

    Args:
        task: key of ``TASKS``.
        labels: (n,) the corpus's own names, of events or of records.
        predictions: (n,) names of the same kind; in 1-1 and 2-1 also "Adventitious".

    Returns:
        "sensitivity", "specificity", "average" (AS), "harmonic" (HS, 0 if nothing is right), "score", "cases"; for
        records "poor_quality_recall". NaN where a side has no case.

    Raises:
        ValueError: no such task, a name the task does not know, or the lengths differ.
    """
    if task not in TASKS:
        raise ValueError(f"there is no SPRSound task {task!r}; choose one of {', '.join(TASKS)}")
    truth, guesses = _names(task, labels), _names(task, predictions)
    if len(truth) != len(guesses):
        raise ValueError(f"expected one prediction per label, got {len(guesses)} for {len(truth)}")
    right, normal, poor = truth == guesses, truth == NORMAL, truth == POOR
    sp, se = _recall(right, normal), _recall(right, ~normal & ~poor)
    average = (se + sp) / 2
    harmonic = 0.0 if se + sp == 0 else 2 * se * sp / (se + sp)
    result = {
        "sensitivity": se,
        "specificity": sp,
        "average": average,
        "harmonic": harmonic,
        "score": (average + harmonic) / 2,
        "cases": len(truth),
    }
    if POOR in TASKS[task]:
        result["poor_quality_recall"] = _recall(right, poor)
    return result


def by_split(
    task: str, labels: Sequence[str], predictions: Sequence[str], splits: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Score each split ("intra", "inter") and all of them together, "pooled".

    Raises:
        ValueError: as ``evaluate``, or the number of splits differs.
    """
    labels, predictions, splits = np.asarray(labels, str), np.asarray(predictions, str), np.asarray(splits, str)
    if not len(labels) == len(predictions) == len(splits):
        raise ValueError(
            f"expected one prediction and one split per label, got {len(predictions)} and {len(splits)} "
            f"for {len(labels)}"
        )
    result = {str(s): evaluate(task, labels[splits == s], predictions[splits == s]) for s in np.unique(splits)}
    return {**result, "pooled": evaluate(task, labels, predictions)}


def _names(task: str, names: Sequence[str]) -> np.ndarray:
    """(n,) the task's own names."""
    table = TASKS[task] | {name: name for name in TASKS[task].values()}
    if unknown := sorted({str(name) for name in names} - table.keys()):
        raise ValueError(f"task {task} knows {', '.join(table)}; got {', '.join(unknown)}")
    return np.array([table[str(name)] for name in names], dtype=str)


def _recall(right: np.ndarray, cases: np.ndarray) -> float:
    return float(metrics.percent(right[cases].sum(), cases.sum()))
