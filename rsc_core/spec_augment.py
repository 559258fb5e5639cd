"""SpecAugment (Park et al. 2019, arXiv:1904.08779): stripes of a spectrogram are hidden, its time is warped.

``mild`` is ours. ``LB``, ``LD``, ``SM`` and ``SS`` are the paper's policies (its table 1). ``patch_mix`` and
``patch_mix_cnn`` are those of Patch-Mix for transformers and for convolutional networks, made for 8 s at 10 ms;
``cycle_guardian`` is that of CycleGuardian, each of whose three maps is masked by itself. Patch-Mix's code compares a
policy's share with a normal draw and so leaves 16 % of the clips alone; ``faithful`` does, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Policy:
    """How much is hidden of a clip; every mask draws its width from 0 up."""

    frequency: int  # bins a mask covers at most
    frequency_masks: int
    time: float  # frames a mask covers at most
    time_masks: int
    time_share: float = 1.0  # and the share of all frames it covers at most
    warp: int = 0  # frames a moment is shifted at most
    clips: float = 1.0  # share of the clips that are changed


POLICIES = {
    "mild": Policy(16, 1, math.inf, 1, time_share=0.1),
    "patch_mix": Policy(48, 2, 160, 2),
    "patch_mix_cnn": Policy(20, 2, 50, 2),
    "LB": Policy(27, 1, 100, 1, warp=80),
    "LD": Policy(27, 2, 100, 2, warp=80),
    "SM": Policy(15, 2, 70, 2, time_share=0.2, warp=40),
    "SS": Policy(27, 2, 70, 2, time_share=0.2, warp=40),
    "cycle_guardian": Policy(9, 2, 4, 10, clips=0.5),
}


def spec_augment(
    features: torch.Tensor, generator: torch.Generator, policy: Policy = POLICIES["mild"], faithful: bool = False
) -> torch.Tensor:
    """Warp spectrograms in time and fill stripes of each by its mean.

    Args:
        features: (batch, frames, bins), or (batch, maps, bins, frames) whose maps are warped and masked one by one.
        generator: draws for every clip by itself.
        policy: how much.
        faithful: leave a clip alone where a normal draw exceeds the policy's ``time_share``.

    Returns:
        The same shape.

    Raises:
        ValueError: the features are no spectrograms.
    """
    if features.ndim == 4:
        maps = features.transpose(2, 3).flatten(0, 1)
        changed = _hide(maps, generator, policy).unflatten(0, features.shape[:2]).transpose(2, 3)
    elif features.ndim == 3:
        changed = _hide(features, generator, policy)
    else:
        raise ValueError("spec_augment masks spectrograms, and these features are waveforms; leave it out of augment")
    one_each = (len(features), *[1] * (features.ndim - 1))
    if faithful:
        applied = torch.randn(one_each, generator=generator) <= policy.time_share
        changed = torch.where(applied.to(features.device), changed, features)
    if policy.clips < 1:
        applied = torch.rand(one_each, generator=generator) < policy.clips
        changed = torch.where(applied.to(features.device), changed, features)
    return changed


def _hide(features: torch.Tensor, generator: torch.Generator, policy: Policy) -> torch.Tensor:
    """(batch, frames, bins) -> the same, each warped and masked."""
    batch, frames, bins = features.shape
    changed = time_warp(features, generator, policy.warp) if policy.warp else features
    hidden = torch.zeros(batch, frames, bins, dtype=torch.bool)
    widest = min(policy.time, int(frames * policy.time_share))
    for _ in range(policy.time_masks):
        hidden |= _stripe(batch, frames, widest, generator).unsqueeze(2)
    for _ in range(policy.frequency_masks):
        hidden |= _stripe(batch, bins, policy.frequency, generator).unsqueeze(1)
    fill = features.mean(dim=(1, 2), keepdim=True)
    return torch.where(hidden.to(features.device), fill, changed)


def time_warp(features: torch.Tensor, generator: torch.Generator, widest: int) -> torch.Tensor:
    """Shift one moment of each clip by up to ``widest`` frames, a quarter of the clip at most; its ends stay.

    Frames between the ends and that moment are spread evenly, linearly interpolated.
    """
    batch, frames, bins = features.shape
    last = frames - 1
    widest = min(widest, last // 4)
    moment = widest + torch.rand(batch, 1, generator=generator) * (last - 2 * widest)
    moved = moment + (2 * torch.rand(batch, 1, generator=generator) - 1) * widest
    time = torch.arange(frames, dtype=torch.float32)
    before = time * moment / moved.clamp_min(1e-6)
    after = last - (last - time) * (last - moment) / (last - moved).clamp_min(1e-6)
    source = torch.where(time < moved, before, after).clamp(0, last).to(features.device)
    return lerp_at(features, source.unsqueeze(2).expand(-1, -1, bins), dim=1)


def lerp_at(values: torch.Tensor, position: torch.Tensor, dim: int) -> torch.Tensor:
    """Values at fractional indices along one dimension, linearly interpolated; shaped as ``position``."""
    below = position.long().clamp_max(values.shape[dim] - 2).clamp_min(0)
    above = (below + 1).clamp_max(values.shape[dim] - 1)
    return torch.lerp(values.gather(dim, below), values.gather(dim, above), (position - below).to(values))


def _stripe(batch: int, length: int, widest: int, generator: torch.Generator) -> torch.Tensor:
    """(batch, length) bool: one run per row, 0 to ``widest`` long, uniformly placed."""
    width = torch.randint(min(widest, length) + 1, (batch, 1), generator=generator)
    start = (torch.rand(batch, 1, generator=generator) * (length - width + 1)).long()
    position = torch.arange(length)
    return (position >= start) & (position < start + width)
