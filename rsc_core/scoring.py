"""How answers to labelled clips are scored under each label set, in training and in evaluation alike.

* A label set whose first class is normal or healthy: the ICBHI Score.
* Diagnoses belong to patients: a patient's clips are averaged into one answer first.
* Classes without a normal one (a table's own): balanced accuracy.
* Several labels a clip: mean average precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rsc_core import metrics
from rsc_core.config import NORMAL_CLASSES, RunConfig
from rsc_core.data.corpus import Clip


@dataclass(frozen=True)
class Cases:
    """What is counted: clips, or patients."""

    labels: np.ndarray  # (cases,) class indices
    probabilities: np.ndarray  # (cases, classes)
    patients: np.ndarray  # (cases,) names

    @property
    def predictions(self) -> np.ndarray:
        """(cases,) the likeliest class of each."""
        return self.probabilities.argmax(axis=1) if len(self.probabilities) else np.zeros(0, int)


def measure(config: RunConfig) -> str:
    """Return the key of the result that a run is judged by."""
    if config.model.multi_label:
        return "mean_average_precision"
    return "score" if config.model.classes[0] in NORMAL_CLASSES else "balanced_accuracy"


def chosen_by(config: RunConfig) -> str:
    """Return the key of the result that a run's epoch is chosen by: its measure, or as CycleGuardian's was."""
    return "accuracy" if config.follows == "cycle_guardian" else measure(config)


def shown(config: RunConfig) -> tuple[str, ...]:
    """Return the keys of the results that a log shows."""
    judged = ("specificity", "sensitivity", "score") if measure(config) == "score" else (measure(config),)
    return tuple(dict.fromkeys((*judged, chosen_by(config))))


def cases(clips: Sequence[Clip], probabilities: np.ndarray, config: RunConfig) -> Cases:
    """Return what a single-label run is scored on, in the order of the clips or of first appearance.

    Args:
        clips: labelled clips.
        probabilities: (clips, classes).
        config: of the run.
    """
    labels = np.array([clip.label for clip in clips], dtype=int)
    patients = np.array([clip.patient for clip in clips], dtype=str)
    if not config.data.labels.startswith("diagnosis"):
        return Cases(labels, probabilities, patients)
    names = list(dict.fromkeys(patients.tolist()))
    mine = [patients == name for name in names]
    mean = [probabilities[own].mean(axis=0) for own in mine]
    return Cases(
        np.array([labels[own][0] for own in mine], dtype=int),
        np.array(mean).reshape(len(names), -1),
        np.array(names, dtype=str),
    )


def evaluate(clips: Sequence[Clip], probabilities: np.ndarray, config: RunConfig) -> dict[str, object]:
    """Return the metrics of (clips, classes) probabilities; the keys are those of ``rsc_core.metrics``."""
    classes = config.model.classes
    if config.model.multi_label:
        targets = np.zeros((len(clips), len(classes)))
        for row, clip in zip(targets, clips, strict=True):
            row[list(clip.labels)] = 1
        return metrics.evaluate_multi_label(targets, probabilities, classes)
    found = cases(clips, probabilities, config)
    return metrics.evaluate(found.labels, found.predictions, classes, found.probabilities)
