"""Every head of every block, read from any token: what one window's attention looks like from where.

A row of attention sums to 1 over all tokens; what of it falls on CLS and DIST, or on virtual tokens a tuning added,
is stated beside the maps, since the maps show patches only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from rsc_core.analysis import Heads
from rsc_core.explain import tiles
from rsc_core.explain.attention import record_attention
from rsc_core.models.spectrogram_transformer import TokenLayout

QUERIES: dict[str, slice] = {"cls": slice(0, 1), "dist": slice(1, 2), "mean": slice(0, 2)}
"""Name -> the tokens whose reading is meant; a patch is named by its index instead."""


@dataclass(frozen=True)
class Recorded:
    """All attention of one window, small enough to keep on a server: 4.5 MB for the small AST, 100 MB for AST-base."""

    weights: np.ndarray  # (layers, heads, tokens, tokens) float16; a row is what one token reads
    layout: TokenLayout
    logits: np.ndarray  # (classes,) float32, of the recording pass: within 1e-5 of the shown ones
    heads: Heads

    def read(self, query: str | int) -> np.ndarray:
        """Return (layers, heads, freq, time) float32: what ``query`` reads from the patches, as ``montage`` does."""
        return montage(self.weights, self.layout, query)

    def shares(self, query: str | int) -> dict[str, np.ndarray]:
        """Return (layers, heads) float32 shares of what ``query`` reads: "special", "patches" and "virtual" tokens."""
        rows, special, own = _rows(self.weights, self.layout, query), self.layout.special, self._own
        parts = {"special": rows[..., :special], "patches": rows[..., special:own], "virtual": rows[..., own:]}
        return {name: part.sum(axis=-1) for name, part in parts.items()}

    @property
    def _own(self) -> int:
        return self.layout.special + self.layout.patches


def record(model: nn.Module, features: torch.Tensor, sample_rate: int = 16000) -> Recorded:
    """Run one window through the model, explicitly and in float32, and keep all of its attention.

    Args:
        model: in eval mode.
        features: (1, frames, bins) normalised log-mel.
        sample_rate: of the waveform, in Hz, for distances.

    Raises:
        ValueError: there are several windows, or the model has no attention.
    """
    if len(features) != 1:
        raise ValueError(f"expected one window, got {len(features)}; record one at a time")
    with torch.inference_mode(), record_attention(model) as maps:
        logits = model(features)
        layout = model.layout(features.shape[1])
        far = _distances(layout, *tiles.size(model), sample_rate)
        far_s, far_hz = (torch.from_numpy(d).float().to(features.device) for d in far)
        measured = np.stack([_measure(block[0], layout, far_s, far_hz) for block in maps], axis=1)
        packed = torch.cat([block.half() for block in maps])
    entropy, distance_s, distance_hz, special, virtual = measured
    heads = Heads(entropy, entropy / math.log(maps[0].shape[-1]), distance_s, distance_hz, special, virtual)
    return Recorded(packed.cpu().numpy(), layout, logits[0].float().cpu().numpy(), heads)


def montage(weights: np.ndarray, layout: TokenLayout, query: str | int) -> np.ndarray:
    """Return what one token reads from the patches, in every head of every block.

    Args:
        weights: (layers, heads, tokens, tokens).
        layout: which token is which.
        query: "cls", "dist", their "mean", or the index of a patch (row-major in ``layout.grid``).

    Returns:
        (layers, heads, freq, time) float32; a head's map sums to its share on patches.

    Raises:
        ValueError: there is no such token.
    """
    rows = _rows(weights, layout, query)
    return layout.fold(torch.from_numpy(rows)).numpy()


def _rows(weights: np.ndarray, layout: TokenLayout, query: str | int) -> np.ndarray:
    """(layers, heads, tokens) float32: one row, or the mean of two."""
    if isinstance(query, str):
        if query not in QUERIES:
            raise ValueError(f"there is no token {query!r}; choose one of {', '.join(QUERIES)} or a patch's index")
        return weights[:, :, QUERIES[query]].astype(np.float32).mean(axis=2)
    if not 0 <= query < layout.patches:
        raise ValueError(f"expected a patch from 0 to {layout.patches - 1}, got {query}")
    return weights[:, :, layout.special + query].astype(np.float32)


def _distances(layout: TokenLayout, patch: int, stride: int, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """(patches, patches) each: distances between middles in s, and in Hz."""
    hz = np.repeat(tiles.centres_hz(layout.grid, patch, stride, sample_rate), layout.grid[1])
    seconds = np.tile(tiles.centres_s(layout.grid, patch, stride), layout.grid[0])
    return np.abs(seconds[:, None] - seconds), np.abs(hz[:, None] - hz)


def _measure(block: torch.Tensor, layout: TokenLayout, far_s: torch.Tensor, far_hz: torch.Tensor) -> np.ndarray:
    """(heads, tokens, tokens) of one block -> (5, heads) over reading patches: entropy, distances, shares."""
    own = slice(layout.special, layout.special + layout.patches)
    reading = block[:, own]
    entropy = torch.special.entr(reading).sum(dim=-1).mean(dim=-1)
    among = reading[..., own].flatten(1)
    distances = [among @ far.flatten() / among.sum(dim=1) for far in (far_s, far_hz)]
    others = (reading[..., : own.start], reading[..., own.stop :])
    shares = [part.sum(dim=-1).mean(dim=-1) for part in others]
    return torch.stack([entropy, *distances, *shares]).cpu().numpy()
