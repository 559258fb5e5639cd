"""What takes the steps of a training: AdamW over all that learns, and how its rate changes from step to step."""

from __future__ import annotations

import math

import torch
from torch import nn

from rsc_core.config import TrainConfig

LOWERED_AT = (200 / 600, 350 / 600, 450 / 600, 550 / 600)
"""Shares of all epochs after which the schedule "steps" lowers the rate: CycleGuardian's code, for four classes."""

LOWERED_BY = 0.33


def build_optimizer(model: nn.Module, objective: nn.Module, settings: TrainConfig) -> torch.optim.Optimizer:
    """Return AdamW over what learns in a model and in its objective; without weight decay it is Adam.

    Biases, norms, tokens, positions and cluster centres decay with ``decay_all`` alone.
    """
    learning = [(n, p) for m in (model, objective) for n, p in m.named_parameters() if p.requires_grad]
    undecayed = [
        p
        for n, p in learning
        if not settings.decay_all
        and (p.ndim < 2 or n.endswith((".virtual", ".centres")) or "embeddings" in n and "projection" not in n)
    ]
    decayed = [p for _, p in learning if all(p is not u for u in undecayed)]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": undecayed, "weight_decay": 0.0}],
        lr=settings.lr,
        betas=settings.betas,
        eps=settings.eps,
    )
    covered = sum(p.numel() for group in optimizer.param_groups for p in group["params"])
    expected = sum(p.numel() for _, p in learning)
    assert covered == expected, f"the optimizer covers {covered:,} of {expected:,} learning parameters"
    return optimizer


def rate(step: int, steps: int, settings: TrainConfig) -> float:
    """Return the share of the peak learning rate that one step is taken at.

    A linear rise over ``warmup`` of all steps, then half a cosine to zero; with the schedule "steps" the rate stays
    and is multiplied by ``LOWERED_BY`` after each share of ``LOWERED_AT``.

    Args:
        step: from 0.
        steps: of the whole training.
        settings: ``warmup`` and ``schedule``.
    """
    rise = round(steps * settings.warmup)
    if step < rise:
        return (step + 1) / rise
    if settings.schedule == "steps":
        return LOWERED_BY ** sum(step >= round(share * steps) for share in LOWERED_AT)
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))
