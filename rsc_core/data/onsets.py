"""How the weights of ``rsc_core.segmentation`` are learned: where does a respiratory cycle start?

A logistic regression from the band levels around a moment to whether an annotated cycle starts or ends there, over all
moments of ICBHI's training recordings. Its target is a bump over each boundary, since annotators are not exact.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rsc_core import audio, segmentation
from rsc_core.data.breaths import Annotated

BUMP_S = 0.12  # standard deviation
PENALTY = 100.0  # on the squared weights
STEPS = 12  # of Newton's method


def examples(waveform: np.ndarray, sample_rate: int, boundaries_s: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the (frames, inputs) and (frames,) targets of one recording."""
    inputs = segmentation.around(segmentation.normalised(segmentation.band_levels(waveform, sample_rate)))
    times = np.arange(len(inputs)) * segmentation.STEP / segmentation.RATE_HZ
    target = np.zeros(len(inputs))
    for boundary in boundaries_s:
        target = np.maximum(target, np.exp(-(((times - boundary) / BUMP_S) ** 2) / 2))
    return inputs, target


def fit(inputs: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the (lags, bands) weights and the bias of a ridge logistic regression.

    Args:
        inputs: (frames, lags * bands).
        target: (frames,) between 0 and 1.
    """
    design = np.column_stack([inputs, np.ones(len(inputs))])
    penalty = np.full(design.shape[1], PENALTY)
    penalty[-1] = 0  # the bias is free
    weights = np.zeros(design.shape[1])
    for _ in range(STEPS):
        probability = 1 / (1 + np.exp(-design @ weights))
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + np.diag(penalty)
        weights -= np.linalg.solve(curvature, design.T @ (probability - target) + penalty * weights)
    return weights[:-1].reshape(-1, len(segmentation.BANDS_HZ)), float(weights[-1])


def learn(recordings: Iterable[Annotated]) -> str:
    """Return the constants ``ONSET_WEIGHTS`` and ``ONSET_BIAS`` as they stand in ``rsc_core.segmentation``."""
    pairs = []
    for item in recordings:
        heard = audio.load(item.path)
        pairs.append(examples(heard.waveform, heard.sample_rate, item.boundaries_s))
    weights, bias = fit(np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs]))
    rows = "".join(f"        ({', '.join(f'{w:.3f}' for w in row)}),\n" for row in weights)
    return f"ONSET_WEIGHTS = np.array(\n    (\n{rows}    )\n)\nONSET_BIAS = {bias:.3f}"
