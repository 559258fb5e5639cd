"""Cross-entropy, with label smoothing and mixup (Zhang et al. 2017, arXiv:1710.09412) on normalised features."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.augment import mixup
from rsc_core.objectives.batch import Batch, LossParts


class CrossEntropy(nn.Module):
    """Mean cross-entropy of the model's logits.

    Args:
        classes: number of classes.
        label_smoothing: share of the target spread evenly over all classes.
        mixup_beta: Beta(b, b) of mixup; 0 switches it off.
    """

    def __init__(self, classes: int, label_smoothing: float = 0.0, mixup_beta: float = 0.0):
        super().__init__()
        self.classes, self.label_smoothing, self.mixup_beta = classes, label_smoothing, mixup_beta

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> LossParts:
        """Return the loss of one batch."""
        features, targets = mixup(batch.features, batch.targets, self.mixup_beta, generator)
        total = F.cross_entropy(model(features).float(), targets, label_smoothing=self.label_smoothing)
        return LossParts(total, {"cross_entropy": total.item()})
