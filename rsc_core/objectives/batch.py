"""What an objective takes and returns."""

from __future__ import annotations

from dataclasses import dataclass

import torch


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
