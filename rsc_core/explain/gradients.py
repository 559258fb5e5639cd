"""Relevance by differentiating a target's score: by the attention weights, or by the points of the spectrogram.

* Gradient-weighted attention (Chefer et al. 2021, arXiv:2103.15679, rule for self-attention): R starts as the identity
  and every block adds mean over heads of relu(dS/dA * A) times R; read from CLS and DIST.
* Gradient x input (Shrikumar et al. 2017, arXiv:1605.01713): what a linear model with this gradient would add to the
  score for each point, counted from 0, the training set's mean level.
* Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365): the gradient averaged on the way from a baseline
  to the clip, times their difference. They sum to the difference of the two scores. The baseline is the local mean,
  the spectrogram blurred until no crackle or wheeze is left. The usual 0 is no silence here: no SPRSound recording
  reaches it above 4 kHz, so there it would be a loud noise.

Each works in whatever grad mode it is called and leaves no gradient on the model's parameters.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from rsc_core.explain.attention import from_special, record_attention
from rsc_core.explain.perturb import filling
from rsc_core.explain.target import Target, score

STEPS = 32  # on the way of integrated gradients
BATCH = 8  # clips differentiated at once


def gradient_attention(model: nn.Module, features: torch.Tensor, target: Target) -> torch.Tensor:
    """(batch, frames, bins) -> (batch, freq, time), 0 or more: gradient-weighted attention.

    Virtual tokens behind the patches are left out, and with them what flows through them.

    Raises:
        ValueError: the model has no attention.
    """
    layout = model.layout(features.shape[1])
    with torch.inference_mode(False), torch.enable_grad(), record_attention(model) as maps:
        # With a frozen backbone only the input makes the attention part of a graph.
        total = score(model(_leaf(features)), target).sum()
        slopes = torch.autograd.grad(total, maps)
    own = layout.special + layout.patches
    relevance = torch.eye(own).to(features)
    for block, slope in zip(maps, slopes, strict=True):
        gained = (slope * block.detach()).clamp_min(0).mean(dim=1)[..., :own, :own]
        relevance = relevance + gained @ relevance
    return from_special(relevance, layout)


def gradient_input(model: nn.Module, features: torch.Tensor, target: Target) -> torch.Tensor:
    """(batch, frames, bins) -> the same shape, signed: gradient x input of every point."""
    return _slope(model, features, target) * features


def integrated_gradients(
    model: nn.Module,
    features: torch.Tensor,
    target: Target,
    period: float | None = None,
    baseline: torch.Tensor | None = None,
    steps: int = STEPS,
) -> torch.Tensor:
    """(batch, frames, bins) -> the same shape, signed: integrated gradients of every point.

    Args:
        model: in eval mode.
        features: of some windows.
        target: whose score is followed.
        period: frames after which a repeated clip starts anew.
        baseline: (batch, frames, bins) to start from; the local mean if None.
        steps: points of Gauss and Legendre's rule.
    """
    if baseline is None:
        baseline = filling(features, "local_mean", period)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    total = torch.zeros_like(features)
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        total += weight * _slope(model, baseline + node * (features - baseline), target)
    return total * (features - baseline)


def _slope(model: nn.Module, features: torch.Tensor, target: Target) -> torch.Tensor:
    """(batch, frames, bins) gradient of each clip's score by its own points."""
    slopes = []
    with torch.inference_mode(False), torch.enable_grad():
        for part in features.split(BATCH):
            leaf = _leaf(part)
            slopes += torch.autograd.grad(score(model(leaf), target).sum(), leaf)
    return torch.cat(slopes)


def _leaf(features: torch.Tensor) -> torch.Tensor:
    return features.detach().clone().requires_grad_(True)
