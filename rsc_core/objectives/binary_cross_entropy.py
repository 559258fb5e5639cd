"""Binary cross-entropy of every class by itself, for clips that may have several labels; with mixup."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.augment import mixup
from rsc_core.objectives.batch import Batch, LossParts


class BinaryCrossEntropy(nn.Module):
    """Mean over clips and classes of the binary cross-entropy of the model's logits.

    Args:
        classes: number of classes.
        label_smoothing: targets are drawn this share of the way to one half.
        mixup_beta: Beta(b, b) of mixup; 0 switches it off.
    """

    def __init__(self, classes: int, label_smoothing: float = 0.0, mixup_beta: float = 0.0):
        super().__init__()
        self.classes, self.label_smoothing, self.mixup_beta = classes, label_smoothing, mixup_beta

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> LossParts:
        """Return the loss of one batch."""
        features, targets = mixup(batch.features, batch.targets, self.mixup_beta, generator)
        targets = targets * (1 - self.label_smoothing) + self.label_smoothing / 2
        total = F.binary_cross_entropy_with_logits(model(features).float(), targets)
        return LossParts(total, {"binary_cross_entropy": total.item()})
