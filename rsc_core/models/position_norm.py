"""Batch normalisation with the statistics of each position by itself, for all positions in one call."""

from __future__ import annotations

import torch
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm


class PositionBatchNorm(_BatchNorm):
    """What a batch normalisation does when it is called for one position after another, in one call.

    While training, every position's values are normalised by their own mean and variance over the batch, and the
    running statistics take the positions in one after another. In evaluation it is a plain batch normalisation. One
    value has no variance: it is normalised by the running statistics.

    Args:
        channels: as of ``nn.BatchNorm1d`` and ``nn.BatchNorm2d``.
        positions: how many there are.
    """

    def __init__(self, channels: int, positions: int):
        super().__init__(channels)
        self.positions = positions

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch * positions, channels, …) -> the same, normalised; the positions of a clip stand together."""
        batch = len(values) // self.positions
        if not self.training or batch * values[0, 0].numel() == 1:
            return F.batch_norm(values, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        mean = torch.zeros(self.positions * self.num_features, device=values.device)
        variance = torch.ones_like(mean)
        weight, bias = self.weight.repeat(self.positions), self.bias.repeat(self.positions)
        # With a momentum of 1, mean and variance become those of the batch.
        normalised = F.batch_norm(
            values.reshape(batch, len(mean), *values.shape[2:]), mean, variance, weight, bias, True, 1.0, self.eps
        )
        self._take_in(self.running_mean, mean)
        self._take_in(self.running_var, variance)
        self.num_batches_tracked += self.positions
        return normalised.reshape(values.shape)

    @torch.no_grad()
    def _take_in(self, running: torch.Tensor, found: torch.Tensor) -> None:
        """Move a running statistic as far as one call a position, in their order, would have moved it."""
        kept = (1 - self.momentum) ** torch.arange(self.positions, -1, -1, device=running.device)
        own = (self.momentum * kept[1:, None] * found.view(self.positions, -1)).sum(dim=0)
        running.mul_(kept[0]).add_(own)
