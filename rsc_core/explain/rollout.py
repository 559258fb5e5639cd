"""Attention rollout: attention followed through all blocks (Abnar & Zuidema 2020, arXiv:2005.00928).

Each block counts half its attention and half its residual connection. Beyond the paper's mean over heads, the maximum
or minimum over heads may be taken, and a share of each block's weights, the smallest, be discarded first, as in
Gildenblat's vit-explain. That code spares a single entry, CLS reading itself, and divides rows by columns' sums; here
what anyone reads from CLS and DIST is never discarded, and rows sum to 1.

Of the model's decision rollout knows nothing: it is the same for every class.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from rsc_core.explain.attention import from_special
from rsc_core.models.spectrogram_transformer import TokenLayout

FUSIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "mean": lambda block: block.mean(dim=1),
    "max": lambda block: block.amax(dim=1),
    "min": lambda block: block.amin(dim=1),
}
"""Name -> (batch, heads, tokens, tokens) -> (batch, tokens, tokens)."""


def rollout(maps: list[torch.Tensor], layout: TokenLayout, fusion: str = "mean", discard: float = 0.0) -> torch.Tensor:
    """Return (batch, freq, time), what reaches CLS and DIST through all blocks.

    A map sums to 1, or is 0 where nothing was left of what a special token reads from the patches.

    Args:
        maps: (batch, heads, tokens, tokens) each, first block first. Virtual tokens behind the patches are left out,
            and with them what flows through them.
        layout: which token is which.
        fusion: of ``FUSIONS``.
        discard: share of a block's fused weights to set to 0, the smallest, from 0 to below 1.

    Raises:
        ValueError: there is no such fusion, or the share is out of range.
    """
    if fusion not in FUSIONS:
        raise ValueError(f"there is no fusion {fusion!r}; choose one of {', '.join(FUSIONS)}")
    if not 0 <= discard < 1:
        raise ValueError(f"expected a share to discard from 0 to below 1, got {discard}")
    flow = identity = torch.eye(layout.special + layout.patches).to(maps[0])
    for block in maps:
        fused = _without_smallest(FUSIONS[fusion](own_tokens(block, layout)), layout.special, discard)
        step = fused + identity
        flow = step / step.sum(dim=-1, keepdim=True) @ flow
    rows = from_special(flow, layout)
    return rows / rows.sum(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(rows.dtype).tiny)


def own_tokens(attention: torch.Tensor, layout: TokenLayout) -> torch.Tensor:
    """(…, tokens, tokens) among CLS, DIST and the patches, each row summing to 1; virtual tokens are left out."""
    own = layout.special + layout.patches
    attention = attention[..., :own, :own]
    return attention / attention.sum(dim=-1, keepdim=True)


def _without_smallest(attention: torch.Tensor, special: int, discard: float) -> torch.Tensor:
    """(batch, tokens, tokens) with the smallest weights 0, except in the columns of CLS and DIST."""
    count = int(attention[0].numel() * discard)
    smallest = attention.flatten(1).topk(count, largest=False).indices
    kept = attention.flatten(1).scatter(1, smallest, 0.0).view_as(attention)
    kept[..., :special] = attention[..., :special]
    return kept
