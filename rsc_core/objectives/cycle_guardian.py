"""CycleGuardian's weighted sum of four objectives (Chu et al. 2025, arXiv:2502.00734).

Cross-entropy of the labels; deep clustering of the clip's windows (``models.clustering``); a contrastive loss between
clips and clips some of whose windows were replaced by another's (Patch-Mix on windows, ``contrastive``); and the
likeness of what the clusters tell, which is to be small. Clustering and likeness count for both views of a clip.

The network says whether the published code is followed. Its projector never reaches the optimizer and stays as it
was drawn, its clustering loss is a sum over the batch and moves its own targets, and clusters without windows stay so.
Here the projector learns, the clustering loss is a mean, its targets are constants, and a cluster that holds no window
of a batch gets half of the fullest one. Nor are clips of one class pushed apart, as they are there (``negatives``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from rsc_core import models
from rsc_core.models.clustering import clustering_loss
from rsc_core.models.cycle_guardian import CycleGuardian
from rsc_core.objectives.batch import Batch, LossParts, Task
from rsc_core.objectives.contrastive import TARGETS, Comparison, projector
from rsc_core.objectives.cross_entropy import label_loss
from rsc_core.objectives.patch_mix import Mix, choose_patches, contrast, draw_share
from rsc_core.options import check, option

TELLING = 4
"""Clips of a batch from which on a cluster without windows counts as lost."""


@dataclass(frozen=True)
class Config(Comparison):
    """How much each objective counts beside the cross-entropy, and how windows are mixed."""

    cluster_weight: float = option(1.0, low=0)
    contrastive_weight: float = option(0.5, low=0)
    similarity_weight: float = option(0.2, low=0)
    beta: float = option(1.0, low=0)  # the share of windows kept is of Beta(beta, beta); 0: all are kept
    target: str = option("project_flow", choices=TARGETS)

    def __post_init__(self):
        check(self)


class CycleGuardianObjective(nn.Module):
    """Cross-entropy + clustering + contrast between clips and mixed clips + likeness of the clusters.

    Args:
        options: the weights, and how windows are mixed and compared.
        task: classes, label smoothing, class weights and the offset.
        model: a CycleGuardian; a faithful one is trained as the published code does.

    Raises:
        ValueError: the model is another one, or mixup would mix the clips too.
    """

    Config = Config
    labels = True

    def __init__(self, options: Config, task: Task, model: nn.Module):
        super().__init__()
        if not isinstance(model, CycleGuardian):
            raise ValueError(f"this objective trains a CycleGuardian, got {type(model).__name__}; use cross_entropy")
        if task.mixup:
            raise ValueError(f"cycle_guardian mixes windows by itself, so mixup must be 0, got {task.mixup}")
        self.options, self.task, self.faithful = options, task, model.faithful
        self.projector = projector(model.width).requires_grad_(not model.faithful)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> LossParts:
        """Return the loss of one batch and its parts; ``kept`` is the share of windows each clip kept."""
        options, windows = self.options, model.embed(batch.features)
        if not self.faithful and len(windows) >= TELLING:
            model.clustering.revive(windows)
        share = draw_share(options.beta, generator)
        replaced = choose_patches(models.layout_of(model, batch.features), share, "patch", generator)
        mix = Mix(replaced, torch.randperm(len(windows), generator=generator))
        own, mixed = model.cluster(windows), model.cluster(mix.tokens(windows))
        views = own, mixed
        weighed = {
            "cross_entropy": (1.0, label_loss(model.head(own.pooled), batch.targets, self.task)),
            "clustering": (options.cluster_weight, sum(clustering_loss(view.soft, self.faithful) for view in views)),
            "similarity": (options.similarity_weight, sum(model.likeness(view.vectors) for view in views)),
        }
        if len(windows) > 1:  # one clip by itself has nothing to be compared with
            apart = contrast(self.projector, own.pooled, mixed.pooled, mix, batch.targets, options)
            weighed["contrastive"] = options.contrastive_weight, apart
        total = sum(weight * loss for weight, loss in weighed.values())
        return LossParts(total, {name: loss.item() for name, (_, loss) in weighed.items()} | {"kept": mix.kept})
