"""The grid all maps share: a model's patches, or 16 x 16 tiles where it has none, on seconds and Hz.

A patch map is (batch, freq, time); features are (batch, frames, bins). Frames and bins behind the last tile are seen
by no tile: the small AST reads 496 of a window's 498 frames.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.config import AudioConfig
from rsc_core.data.loader import repeats_after
from rsc_core.explain.attention import attends
from rsc_core.features.log_mel import HOP_MS, center_frequencies_hz

TILE = 16  # frames and mel bins, of a model without patches


def grid(model: nn.Module, frames: int) -> tuple[int, int]:
    """(freq, time) tiles of a clip of ``frames`` frames."""
    return model.layout(frames).grid if attends(model) else (model.input_shape[1] // TILE, frames // TILE)


def size(model: nn.Module) -> tuple[int, int]:
    """(patch, stride): how many frames and mel bins a tile covers, and how far apart tiles start.

    Raises:
        ValueError: patches stand closer along one axis than along the other.
    """
    if not attends(model):
        return TILE, TILE
    c = model.hf.config
    if c.time_stride != c.frequency_stride:
        raise ValueError(
            f"expected one patch stride for both axes, got {c.time_stride} frames and {c.frequency_stride} mel bins; "
            "maps of such a model are not supported"
        )
    return c.patch_size, c.time_stride


def pool_tiles(values: torch.Tensor, grid: tuple[int, int], patch: int, stride: int) -> torch.Tensor:
    """(batch, frames, bins) -> (batch, freq, time): the sum over each tile.

    A point under several tiles is divided among them, so a map sums to what its points sum to.
    """
    seen = _seen(values, grid, patch, stride) / _cover(grid, patch, stride).to(values)
    return F.avg_pool2d(seen.unsqueeze(1), patch, stride).squeeze(1).transpose(1, 2) * patch**2


def mean_tiles(values: torch.Tensor, grid: tuple[int, int], patch: int, stride: int) -> torch.Tensor:
    """(batch, frames, bins) -> (batch, freq, time): the mean over each tile."""
    return F.avg_pool2d(_seen(values, grid, patch, stride).unsqueeze(1), patch, stride).squeeze(1).transpose(1, 2)


def spread(patch_map: torch.Tensor, frames: int, bins: int, patch: int, stride: int) -> torch.Tensor:
    """(batch, freq, time) -> (batch, frames, bins): each tile laid over the points it covers, the way back of sums.

    Points sum to what the map sums to; the map of evenly spread values is even; points behind the last tile get 0.
    """
    grid = tuple(patch_map.shape[1:])
    cover = _cover(grid, patch, stride).to(patch_map)
    density = patch_map / pool_tiles(torch.ones_like(cover)[None], grid, patch, stride)
    kernel = torch.ones(1, 1, patch, patch).to(patch_map)
    points = F.conv_transpose2d(density.transpose(1, 2).unsqueeze(1), kernel, stride=stride).squeeze(1) / cover
    return F.pad(points, (0, bins - points.shape[2], 0, frames - points.shape[1]))


def fold_copies(values: torch.Tensor, period: float | None) -> torch.Tensor:
    """(batch, frames, bins) -> the same, every moment of a repeated clip with the mean over its copies.

    Args:
        values: of a window that a short clip was repeated to fill.
        period: frames after which the clip starts anew (``cycles.period_samples`` in frames; a rounded one drifts
            over many copies); None for a clip that was not repeated.

    Raises:
        ValueError: the period is shorter than a frame.
    """
    if period is None:
        return values
    moment = phase(values.shape[1], period).long().to(values.device)
    moments = int(moment.max()) + 1
    total = values.new_zeros(len(values), moments, values.shape[2]).index_add_(1, moment, values)
    return (total / torch.bincount(moment, minlength=moments).to(values)[:, None])[:, moment]


def period_frames(samples: int, config: AudioConfig) -> float | None:
    """Frames after which a clip of ``samples`` starts anew in its window, not rounded; None where nothing repeats.

    A clip shorter than a frame counts as one.
    """
    repeated = repeats_after(samples, config)
    return None if repeated is None else max(1.0, repeated / (config.sample_rate * HOP_MS // 1000))


def phase(frames: int, period: float) -> torch.Tensor:
    """(frames,) float64: each frame's position within the repeated clip, in frames.

    Raises:
        ValueError: the period is shorter than a frame.
    """
    if period < 1:
        raise ValueError(f"expected a period of 1 frame or more, or None where nothing repeats, got {period}")
    return torch.arange(frames, dtype=torch.float64) % period


def to_map(model: nn.Module, values: torch.Tensor, period: float | None) -> torch.Tensor:
    """(batch, frames, bins) point values -> patch map of sums, copies of a repeated clip folded together."""
    frames = values.shape[1]
    return pool_tiles(_folded(model, values, period), grid(model, frames), *size(model))


def fold_map(model: nn.Module, patch_map: torch.Tensor, frames: int, period: float | None) -> torch.Tensor:
    """Patch map of a window -> the same with copies of a repeated clip folded together; sums are kept.

    Copies seldom start where a tile starts, so a folded map is a little smoother in time.
    """
    if period is None or period >= frames:
        return patch_map
    points = spread(patch_map, frames, model.input_shape[1], *size(model))
    return pool_tiles(_folded(model, points, period), tuple(patch_map.shape[1:]), *size(model))


def centres_s(grid: tuple[int, int], patch: int, stride: int) -> np.ndarray:
    """(time,) middle of each column of tiles, in seconds from the window's start."""
    return (np.arange(grid[1]) * stride + patch / 2) * HOP_MS / 1000


def centres_hz(grid: tuple[int, int], patch: int, stride: int, sample_rate: int = 16000) -> np.ndarray:
    """(freq,) frequency at the middle of each row of tiles, in Hz, rising."""
    hz = center_frequencies_hz(sample_rate)
    return np.interp(np.arange(grid[0]) * stride + (patch - 1) / 2, np.arange(len(hz)), hz)


def tile_at(grid: tuple[int, int], patch: int, stride: int, time_s: float, hz: float, sample_rate: int = 16000) -> int:
    """Index of the tile whose middle is nearest to a place in a window: in seconds, and in mel bins."""
    bins = np.interp(hz, center_frequencies_hz(sample_rate), np.arange(len(center_frequencies_hz(sample_rate))))
    row = np.abs(np.arange(grid[0]) * stride + (patch - 1) / 2 - bins).argmin()
    return int(row * grid[1] + np.abs(centres_s(grid, patch, stride) - time_s).argmin())


def _folded(model: nn.Module, values: torch.Tensor, period: float | None) -> torch.Tensor:
    """Only frames under tiles are averaged: the others hold nothing."""
    patch, stride = size(model)
    covered = (grid(model, values.shape[1])[1] - 1) * stride + patch
    return fold_copies(values[:, :covered], period)


def _seen(values: torch.Tensor, grid: tuple[int, int], patch: int, stride: int) -> torch.Tensor:
    freq, time = ((cells - 1) * stride + patch for cells in grid)
    return values[:, :time, :freq]


def _cover(grid: tuple[int, int], patch: int, stride: int) -> torch.Tensor:
    """(frames, bins) under tiles: how many of them each point lies under."""
    counts = []
    for cells in (grid[1], grid[0]):
        count = torch.zeros((cells - 1) * stride + patch)
        for start in range(0, cells * stride, stride):
            count[start : start + patch] += 1
        counts.append(count)
    return counts[0][:, None] * counts[1]
