"""A contrastive loss for mixed clips: each is pulled towards both clips it was mixed from, by their shares.

It is the loss of Patch-Mix (Bae et al. 2023, arXiv:2305.14032), an InfoNCE (van den Oord et al. 2018,
arXiv:1807.03748) with two positives. Where nothing is mixed, or every clip with itself, it is InfoNCE.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.options import option

TARGETS = ("grad_block", "grad_flow", "project_block", "project_flow")
"""What a mixed clip is compared with: the clips' features or their projections, with or without a gradient."""

NEGATIVES = ("diff_label", "all")
"""Which other clips a mixed one is pushed away from: those of another class than its own, or every one."""


@dataclass(frozen=True)
class Comparison:
    """What is compared with what."""

    temperature: float = option(0.06, positive=True)
    target: str = option("grad_block", choices=TARGETS)
    negatives: str = option("diff_label", choices=NEGATIVES)


def projector(width: int) -> nn.Sequential:
    """Return the two-layer network features pass before they are compared: (batch, width) -> (batch, width)."""
    return nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, width))


def mixed_contrastive(
    mixed: torch.Tensor,
    clips: torch.Tensor,
    partner: torch.Tensor,
    kept: float,
    temperature: float,
    labels: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean over mixed clips of the cross-entropy between their similarities to all clips and their two shares.

    Args:
        mixed: (batch, width) features of the mixed clips, of any length.
        clips: (batch, width) features of the clips themselves.
        partner: (batch,) index of the clip each was mixed with.
        kept: share of itself that each kept.
        temperature: cosine similarities are divided by it.
        labels: (batch,) class of each clip; clips of a mixed one's own class are then left out of the comparison,
            but for the two it was mixed from. None: all are in it.

    Returns:
        A scalar in float32, whatever the precision around it.
    """
    with torch.autocast(mixed.device.type, enabled=False):
        similarity = F.normalize(mixed.float(), dim=1) @ F.normalize(clips.float(), dim=1).T / temperature
    own = torch.arange(len(mixed), device=mixed.device)
    if labels is not None:
        compared = labels.unsqueeze(1) != labels
        compared[own, own] = compared[own, partner] = True
        similarity = similarity.masked_fill(~compared, -torch.inf)
    log_share = similarity.log_softmax(dim=1)
    return -(kept * log_share[own, own] + (1 - kept) * log_share[own, partner]).mean()
