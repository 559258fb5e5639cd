"""Verification trials: do two recordings come from the same source? EER and minDCF of embeddings.

A trial list has a line ``LABEL ENROL TEST`` a trial, label 1 for the same source, as VoxCeleb's lists (Nagrani et al.
2017). A trial's score is the cosine of its two embeddings; it is accepted if the score reaches a threshold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rsc_core import metrics


class TrialError(ValueError):
    """A trial list is malformed or names what has no embedding; the message gives file and lines."""


class Trial(NamedTuple):
    """Two recordings to compare."""

    same: bool
    enrol: str
    test: str


def read_trials(path: str | Path) -> tuple[Trial, ...]:
    """Return the trials of a list; empty lines are skipped.

    Raises:
        TrialError: the file is missing, not text or holds no trial, or lines have another form: all of them are named.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TrialError(f"{path} cannot be read as a trial list ({error}); pass a text file") from None
    trials, wrong = [], []
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 3:
            wrong.append(f"line {number}: expected LABEL ENROL TEST, got {len(fields)} columns: {line.strip()!r}")
        elif fields[0] not in ("0", "1"):
            wrong.append(f"line {number}: the label is 1 (same source) or 0, got {fields[0]!r}")
        else:
            trials.append(Trial(fields[0] == "1", *fields[1:]))
    if wrong:
        raise TrialError(f"{path}:\n" + "\n".join(wrong))
    if not trials:
        raise TrialError(f"{path} holds no trial; expected lines of LABEL ENROL TEST")
    return tuple(trials)


def score_trials(embeddings: Mapping[str, np.ndarray], trials: Sequence[Trial]) -> np.ndarray:
    """(trials,) cosines of each trial's two embeddings.

    Args:
        embeddings: name, as the list spells it -> (width,) vector.
        trials: what to compare.

    Raises:
        TrialError: a name has no embedding, or an embedding is zero or holds NaN, so that it has no direction.
    """
    names = sorted({name for trial in trials for name in (trial.enrol, trial.test)})
    if missing := [name for name in names if name not in embeddings]:
        raise TrialError(
            f"{len(missing)} of {len(names)} recordings have no embedding, the first {missing[0]!r}; "
            "expected the list's spelling of each path"
        )
    if not trials:
        return np.zeros(0)
    vectors = np.stack([np.asarray(embeddings[name], dtype=float) for name in names])
    lengths = np.linalg.norm(vectors, axis=1)
    if not (lengths > 0).all():
        name = names[int(np.argmin(lengths > 0))]
        raise TrialError(f"the embedding of {name!r} has no direction (length {lengths.min()}); is it silent?")
    vectors /= lengths[:, None]
    row = {name: i for i, name in enumerate(names)}
    first, second = np.array([(row[trial.enrol], row[trial.test]) for trial in trials]).T
    return (vectors[first] * vectors[second]).sum(axis=1)


def equal_error_rate(same: Sequence[bool], scores: Sequence[float]) -> float:
    """Percent of misses where it equals that of false alarms, between thresholds on the straight line of the ROC.

    NaN without trials of both kinds.

    Raises:
        ValueError: the lengths differ or scores hold NaN.
    """
    misses, alarms = _errors(same, scores)
    if np.isnan(misses + alarms).any():
        return math.nan
    gap = misses - alarms  # falls from 1 to -1
    after = int(np.argmax(gap <= 0))
    share = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(100 * (misses[after - 1] + share * (misses[after] - misses[after - 1])))


def min_dcf(
    same: Sequence[bool], scores: Sequence[float], p_target: float = 0.01, c_miss: float = 1.0, c_fa: float = 1.0
) -> float:
    """Smallest detection cost of any threshold, over that of the better constant answer (NIST SRE; 0 to 1).

    DCF = c_miss * P(miss) * p_target + c_fa * P(false alarm) * (1 - p_target)

    NaN without trials of both kinds.

    Raises:
        ValueError: the lengths differ, scores hold NaN, or a cost or prior is out of range.
    """
    if not 0 < p_target < 1 or c_miss <= 0 or c_fa <= 0:
        raise ValueError(f"expected 0 < p_target < 1 and positive costs, got {p_target}, {c_miss} and {c_fa}")
    misses, alarms = _errors(same, scores)
    cost = c_miss * p_target * misses + c_fa * (1 - p_target) * alarms
    return float(cost.min() / min(c_miss * p_target, c_fa * (1 - p_target)))


def _errors(same: Sequence[bool], scores: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """(thresholds + 1,) shares of misses, falling, and of false alarms, rising; the first accepts nothing."""
    same, scores = metrics.scored(same, scores)
    values, rank = np.unique(-scores, return_inverse=True)
    accepted = [np.concatenate([[0], np.cumsum(np.bincount(rank[k], minlength=len(values)))]) for k in (same, ~same)]
    shares = [counts / (counts[-1] or np.nan) for counts in accepted]
    return 1 - shares[0], shares[1]
