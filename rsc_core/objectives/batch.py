"""What an objective is given, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from rsc_core.config import FeatureConfig


@dataclass(frozen=True)
class NoOptions:
    """Options of an objective that has none of its own."""


@dataclass(frozen=True)
class Task:
    """What the labels and features of a run are, whatever the objective."""

    classes: tuple[str, ...]
    features: FeatureConfig = FeatureConfig()
    label_smoothing: float = 0.0  # share of a target spread evenly over all classes
    mixup: float = 0.0  # Beta(mixup, mixup) on normalised features; 0 switches it off
    offset: torch.Tensor | None = None  # (classes,) added to the logits while learning: undoes a balanced sampling
    weights: torch.Tensor | None = None  # (classes,) by which a clip counts in the loss, by its label


class LabelObjective(nn.Module):
    """An objective without options of its own that asks nothing of a model but its logits.

    Args:
        options: none.
        task: what the labels are.
        model: not needed here.
    """

    Config = NoOptions
    labels = True

    def __init__(self, options: NoOptions, task: Task, model: nn.Module):
        super().__init__()
        self.task = task


@dataclass(frozen=True)
class Batch:
    """Clips as an objective sees them."""

    features: torch.Tensor  # (batch, frames, bins) normalised
    targets: torch.Tensor  # (batch, classes), 1 where a clip has a label


@dataclass(frozen=True)
class LossParts:
    """What to minimise, and its parts for the log."""

    total: torch.Tensor  # scalar
    parts: dict[str, float]
