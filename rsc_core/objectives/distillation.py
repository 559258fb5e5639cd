"""A transformer learns from a convolutional teacher: its labels into the DIST token, its features into the patches.

DeiT (Touvron et al. 2021, arXiv:2012.12877) gave the transformer a second token that learns the teacher's labels while
CLS learns the true ones; the AST inherited that token. Here the one head reads (CLS + DIST) / 2 for the true labels
and, in this objective, DIST alone for the teacher's. A transformer from scratch learns little from a few thousand
labels, so each patch also learns, through a linear projector that is thrown away, what the teacher's last stage but
one holds at its place (FitNets, Romero et al. 2015, arXiv:1412.6550): a target for every patch instead of one a clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core import checkpoint
from rsc_core.augment import mixup
from rsc_core.models.cnn import CNN
from rsc_core.models.spectrogram_transformer import SpectrogramTransformer
from rsc_core.objectives.batch import Batch, LossParts, Task
from rsc_core.objectives.cross_entropy import label_loss


@dataclass(frozen=True)
class Config:
    """How much the teacher says."""

    teacher: str = "checkpoints/sprsound-cnn"  # run folder of a CNN
    label_weight: float = 0.5  # of the teacher's labels
    feature_weight: float = 1.0  # of the teacher's features
    temperature: float = 1.0  # both label distributions are softened by it
    patch_dropout: float = 0.0  # share of patches left out of a batch

    def __post_init__(self):
        if min(self.label_weight, self.feature_weight) < 0 or self.temperature <= 0:
            raise ValueError(
                "label_weight and feature_weight must not be negative and temperature must be positive, got "
                f"{self.label_weight}, {self.feature_weight} and {self.temperature}"
            )
        if not 0 <= self.patch_dropout < 1:
            raise ValueError(f"patch_dropout must be from 0 to below 1, got {self.patch_dropout}")


class Distillation(nn.Module):
    """Cross-entropy of the labels + the teacher's labels at DIST + the teacher's features at every patch.

    Args:
        options: the teacher and the weights of what it says.
        task: classes, label smoothing, mixup; teacher and student see the same mixed clip.
        model: the student, an Audio Spectrogram Transformer.

    Raises:
        ValueError: student or teacher is not of its kind, or they tell different classes apart.
        CheckpointError: the teacher cannot be loaded.
    """

    Config = Config
    labels = True

    def __init__(self, options: Config, task: Task, model: nn.Module):
        super().__init__()
        loaded = checkpoint.load(options.teacher)
        if not isinstance(loaded.model, CNN) or not isinstance(model, SpectrogramTransformer):
            raise ValueError(
                "distillation teaches an Audio Spectrogram Transformer by a CNN; got the student "
                f"{type(model).__name__} and the teacher {type(loaded.model).__name__} from {options.teacher}"
            )
        if loaded.config.model.classes != task.classes:
            raise ValueError(
                f"the teacher in {options.teacher} tells {', '.join(loaded.config.model.classes)} apart, the run "
                f"{', '.join(task.classes)}; train a teacher on the run's labels"
            )
        self.options, self.task = options, task
        self._teacher = (loaded.model.requires_grad_(False),)  # in a tuple: neither stored nor trained with the run
        self._scale, self._shift = loaded.config.features.translate(task.features)
        channels = loaded.model.local_channels
        self.projector = nn.Linear(model.width, channels)
        self.standardise = nn.BatchNorm1d(channels, affine=False)

    def loss(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> LossParts:
        """Return the loss of one batch and its three parts."""
        options, task = self.options, self.task
        features, targets = mixup(batch.features, batch.targets, task.mixup, generator)
        layout = model.layout(features.shape[1])
        kept = None
        if options.patch_dropout:
            count = max(1, round(layout.patches * (1 - options.patch_dropout)))
            kept = torch.randperm(layout.patches, generator=generator)[:count].sort().values.to(features.device)
        tokens = model.encode(model.embed(features), layout, kept)
        held, taught = self._ask(features)
        total = label_loss(model.head(model.pool(tokens)), targets, task)
        parts = {"cross_entropy": total.item()}
        if options.label_weight:
            said = F.log_softmax(model.head(tokens[:, 1]).float() / options.temperature, dim=1)
            wanted = F.softmax(taught / options.temperature, dim=1)
            labels = F.kl_div(said, wanted, reduction="batchmean") * options.temperature**2
            total = total + options.label_weight * labels
            parts["teacher_labels"] = labels.item()
        if options.feature_weight:
            held = held[:, :, : layout.grid[0], : layout.grid[1]].flatten(2).transpose(1, 2)
            held = held if kept is None else held[:, kept]
            wanted = self.standardise(held.flatten(0, 1))
            seen = self.projector(tokens[:, layout.special :]).float().flatten(0, 1)
            local = F.smooth_l1_loss(seen, wanted)
            total = total + options.feature_weight * local
            parts["teacher_features"] = local.item()
        return LossParts(total, parts)

    @torch.no_grad()
    def _ask(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The teacher's (batch, channels, freq, time) features and (batch, classes) logits of a student's batch."""
        teacher = self._teacher[0].to(features.device)
        local, logits = teacher.look(features * self._scale + self._shift)
        return local.float(), logits.float()
