"""What a CycleGuardian clusters a clip's windows into, what each counts, and what it answers without a cluster.

To silence a cluster is to take its windows out before they are summed up: it then tells what a cluster tells that no
window belongs to, and the other clusters are as they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from rsc_core import models
from rsc_core.config import ModelConfig
from rsc_core.models.clustering import CENTRES
from rsc_core.models.cycle_guardian import STRIDE, WINDOW, CycleGuardian


@dataclass(frozen=True)
class Clustered:
    """The windows of clips."""

    soft: np.ndarray  # (clips, windows, clusters) assignments, a sum of 1
    distances: np.ndarray  # (clips, windows, clusters) of each code from each centre
    answers: np.ndarray  # (clips, 2 ** clusters, class) probabilities; bit i of the index: cluster i is silenced


@torch.inference_mode()
def cluster(model: CycleGuardian, features: torch.Tensor, config: ModelConfig) -> Clustered:
    """Return how a network in evaluation mode clusters (clips, 3, 84, frames) maps, and all it could answer.

    Args:
        model: in evaluation mode.
        features: (clips, 3, 84, frames) standardised maps.
        config: of the model.
    """
    windows = model.embed(features)
    soft, distances = model.clustering(windows), model.clustering.squared_distances(windows).sqrt()
    members = F.one_hot(soft.argmax(dim=2), CENTRES)
    bits = torch.arange(2**CENTRES, device=members.device).unsqueeze(1) >> torch.arange(CENTRES, device=members.device)
    answers = []
    for heard in 1 - (bits & 1):
        logits = model.head(model.pool(model.summarise(windows, members * heard)))
        answers.append(models.probabilities(logits, config))
    return Clustered(soft.cpu().numpy(), distances.cpu().numpy(), torch.stack(answers, dim=1).cpu().numpy())


def edges_s(windows: int, hop_s: float) -> np.ndarray:
    """(windows, 2): where each begins and ends in its clip, in seconds, of frames that are ``hop_s`` apart."""
    first = np.arange(windows)[:, None] * STRIDE
    return (first + [0, WINDOW]) * hop_s
