"""Occlusion: by how much a score falls when a tile of the spectrogram is taken away (Zeiler & Fergus 2014).

arXiv:1311.2901, in time x frequency. In a tile's place stands the local mean: the usual 0 is no silence here, but a
loud noise wherever a recording holds little (``gradients.py``). A moment of a repeated clip is taken from all of its
copies at once; the others would go on telling of it.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from rsc_core.explain import tiles
from rsc_core.explain.perturb import filling
from rsc_core.explain.target import Target, score

SIZE = (32, 32)  # frames (0.32 s) and mel bins: a quarter as many forward passes as at one patch of 16 x 16
BATCH = 8  # clips in a forward pass


def occlude(
    model: nn.Module,
    features: torch.Tensor,
    target: Target,
    period: float | None = None,
    size: tuple[int, int] = SIZE,
    baseline: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return (batch, frames, bins), signed: the fall of the score when the tile over a point is taken away.

    Args:
        model: in eval mode.
        features: (batch, frames, bins) of some windows.
        target: whose score falls.
        period: frames after which a repeated clip starts anew; None for one that was not repeated.
        size: of a tile, in frames and in mel bins; tiles stand side by side, the last ones cut at the end.
        baseline: (batch, frames, bins) that fills a tile; the local mean if None.

    Raises:
        ValueError: a tile is empty.
    """
    if min(size) < 1:
        raise ValueError(f"expected a tile of 1 frame and 1 mel bin or more, got {size[0]} and {size[1]}")
    if baseline is None:
        baseline = filling(features, "local_mean", period)
    tile = _tiles(features.shape[1], features.shape[2], size, period).to(features.device)
    falls = torch.zeros(len(features), int(tile.max()) + 1, device=features.device)
    with torch.no_grad():
        whole = score(model(features), target)
        for numbers in torch.arange(falls.shape[1]).split(max(1, BATCH // len(features))):
            taken = tile == numbers.to(tile.device)[:, None, None, None]  # (tiles, 1, frames, bins)
            left = score(model(torch.where(taken, baseline, features).flatten(0, 1)), target)
            falls[:, numbers] = whole[:, None] - left.view(len(numbers), -1).T
    return falls[:, tile]


def _tiles(frames: int, bins: int, size: tuple[int, int], period: float | None) -> torch.Tensor:
    """(frames, bins) int64: which tile each point lies in; copies of a moment lie in one."""
    moment = torch.arange(frames) if period is None else tiles.phase(frames, period)
    across = math.ceil(bins / size[1])
    return (moment // size[0]).long()[:, None] * across + torch.arange(bins) // size[1]
