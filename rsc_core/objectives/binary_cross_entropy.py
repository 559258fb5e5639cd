"""Binary cross-entropy of every class by itself, for clips that may have several labels; with mixup."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.augment import mixup
from rsc_core.objectives.batch import Batch, LabelObjective, LossParts


class BinaryCrossEntropy(LabelObjective):
    """Mean over clips and classes of the binary cross-entropy of the model's logits.

    Of its task it takes mixup, and label smoothing: targets are drawn that share of the way to one half.
    """

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> LossParts:
        """Return the loss of one batch."""
        features, targets = mixup(batch.features, batch.targets, self.task.mixup, generator)
        smoothing = self.task.label_smoothing
        targets = targets * (1 - smoothing) + smoothing / 2
        total = F.binary_cross_entropy_with_logits(model(features).float(), targets)
        return LossParts(total, {"binary_cross_entropy": total.item()})
