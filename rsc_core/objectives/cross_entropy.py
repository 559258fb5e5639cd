"""Cross-entropy, with label smoothing and mixup (Zhang et al. 2017, arXiv:1710.09412) on normalised features.

Where classes were drawn more alike than they are, ``Task.offset`` holds the logarithm of how much more often each was
drawn. Added to the logits while learning, it leaves the model with the true frequencies (logit adjustment, Menon et
al. 2020, arXiv:2007.07314, equation 10).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.augment import mixup
from rsc_core.objectives.batch import Batch, LabelObjective, LossParts, Task


class CrossEntropy(LabelObjective):
    """Mean cross-entropy of the model's logits.

    Of its task it takes label smoothing, mixup, the offset and class weights.
    """

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> LossParts:
        """Return the loss of one batch."""
        features, targets = mixup(batch.features, batch.targets, self.task.mixup, generator)
        total = label_loss(model(features), targets, self.task)
        return LossParts(total, {"cross_entropy": total.item()})


def label_loss(logits: torch.Tensor, targets: torch.Tensor, task: Task) -> torch.Tensor:
    """Mean cross-entropy of (batch, classes) logits, with the task's offset, label smoothing and class weights."""
    logits = logits.float()
    if task.offset is not None:
        logits = logits + task.offset.to(logits)
    if task.weights is None:
        return F.cross_entropy(logits, targets, label_smoothing=task.label_smoothing)
    weights = task.weights.to(logits)
    total = F.cross_entropy(logits, targets, weights, reduction="sum", label_smoothing=task.label_smoothing)
    return total / (targets @ weights).sum()  # as for targets given by index, which torch divides so by itself
