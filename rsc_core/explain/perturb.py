"""Take parts of a spectrogram away, and say by what they are replaced.

A part is a tile of the model's grid. Where a short clip was repeated to fill the window, a part is a moment of the
clip in all its copies: taking one copy away would leave the same sound in the others.

Nothing is neutral to a network, so there are two replacements, and a result is always told with its own: the local
mean (the spectrogram blurred until nothing the size of a tile is left; Fong and Vedaldi 2017, arXiv:1704.03296) keeps
the course of loudness and colour, matched noise keeps each mel bin's mean and deviation but no shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.explain import tiles

BLUR = 16.0  # deviation of the Gaussian in frames and in mel bins: one tile
REACH = 3  # deviations after which the Gaussian is cut


@dataclass(frozen=True)
class Parts:
    """Which part, and which tile, each point of a clip's spectrogram belongs to. Every point belongs to one of each.

    Where patches overlap, a point belongs to the tile whose middle is nearest; what lies behind the last patch belongs
    to the last tile.
    """

    grid: tuple[int, int]  # (freq, time) tiles
    shape: tuple[int, int]  # (freq, moments) parts; equals the grid where nothing was repeated
    tile: torch.Tensor  # (frames, bins) int64, row-major in ``grid``
    part: torch.Tensor  # (frames, bins) int64, row-major in ``shape``

    @property
    def count(self) -> int:
        """Number of parts."""
        return self.shape[0] * self.shape[1]

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, frames, bins) -> (batch, parts): the mean over each part's points."""
        flat = self.part.flatten().to(values.device)
        total = values.new_zeros(len(values), self.count).index_add_(1, flat, values.flatten(1))
        return total / torch.bincount(flat, minlength=self.count).clamp_min(1)

    def read(self, patch_map: torch.Tensor) -> torch.Tensor:
        """(batch, freq, time) patch map -> (batch, parts): copies of a moment get the mean of what they show.

        Raises:
            ValueError: the map has another grid.
        """
        if tuple(patch_map.shape[1:]) != self.grid:
            raise ValueError(f"expected a patch map of {self.grid} tiles, got {tuple(patch_map.shape[1:])}")
        return self.mean(patch_map.flatten(1)[:, self.tile.to(patch_map.device)])

    def replace(self, features: torch.Tensor, filling: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        """(batch, frames, bins) features with the (batch, parts) chosen parts taken from ``filling``."""
        return torch.where(chosen[:, self.part.to(chosen.device)], filling, features)


def parts(model: nn.Module, frames: int, bins: int, period: float | None = None) -> Parts:
    """Divide a clip of ``frames`` x ``bins`` into what can be taken away.

    Args:
        model: whose tiles they are (``tiles.grid``).
        frames: of the features.
        bins: of the features.
        period: frames after which a repeated clip starts anew (``cycles.period_samples`` in frames, fractions
            welcome: a rounded one drifts over many copies); None for a clip that was not repeated.

    Raises:
        ValueError: the period is shorter than a frame.
    """
    grid, (patch, stride) = tiles.grid(model, frames), tiles.size(model)
    row = _cell(torch.arange(bins), patch, stride, grid[0])
    column = _cell(torch.arange(frames), patch, stride, grid[1])
    shape, moment = grid, column
    if period is not None:
        shape = grid[0], min(grid[1], max(1, int(period / stride)))
        moment = _cell(tiles.phase(frames, period), patch, stride, shape[1])
    return Parts(grid, shape, row * grid[1] + column[:, None], row * shape[1] + moment[:, None])


def local_mean(features: torch.Tensor, period: float | None, generator: torch.Generator) -> torch.Tensor:
    """(batch, frames, bins) -> the same, blurred; a repeated clip is blurred as it is, copies running into each other.

    Nothing is drawn: ``period`` and ``generator`` are what every replacement is given.
    """
    return blur(features, BLUR)


def matched_noise(features: torch.Tensor, period: float | None, generator: torch.Generator) -> torch.Tensor:
    """(batch, frames, bins) -> normal noise with each mel bin's own mean and deviation; alike in all copies."""
    frames = features.shape[1]
    drawn = torch.randn(features.shape, generator=generator).to(features)
    if period is not None:
        drawn = drawn[:, tiles.phase(frames, period).long().to(features.device)]
    return features.mean(dim=1, keepdim=True) + features.std(dim=1, keepdim=True) * drawn


FILLS = {"local_mean": local_mean, "matched_noise": matched_noise}
"""Name -> replacement of a whole clip: (batch, frames, bins), period, generator -> (batch, frames, bins)."""

FILL_TITLES = {"local_mean": "the local mean", "matched_noise": "noise matched to each mel bin"}


def filling(features: torch.Tensor, name: str, period: float | None = None, seed: int = 0) -> torch.Tensor:
    """Return what parts of (batch, frames, bins) features are replaced by; the same for the same seed.

    Raises:
        ValueError: there is no such replacement.
    """
    if name not in FILLS:
        raise ValueError(f"there is no replacement {name!r}; choose one of {', '.join(FILLS)}")
    return FILLS[name](features, period, torch.Generator().manual_seed(seed))


def blur(values: torch.Tensor, deviation: float) -> torch.Tensor:
    """(batch, rows, columns) under a Gaussian of ``deviation`` rows and columns; at an edge over what there is."""
    reach = math.ceil(REACH * deviation)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1).to(values) / deviation) ** 2)
    for axis in (1, 2):
        along = values.transpose(axis, 2)
        lines = along.reshape(-1, 1, along.shape[2])
        total = F.conv1d(lines, weights[None, None], padding=reach)
        inside = F.conv1d(torch.ones_like(lines[:1]), weights[None, None], padding=reach)
        values = (total / inside).view(along.shape).transpose(axis, 2)
    return values


def _cell(position: torch.Tensor, patch: int, stride: int, cells: int) -> torch.Tensor:
    """The nearest of ``cells`` patches, whose middles are ``stride`` apart, of each position along one axis."""
    return torch.div(position - (patch - stride) // 2, stride, rounding_mode="floor").clamp(0, cells - 1).long()
