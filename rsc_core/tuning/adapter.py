"""Bottleneck adapters (Houlsby et al. 2019, arXiv:1902.00751; Pfeiffer et al. 2020, arXiv:2005.00247).

A(x) = W_up gelu(W_down x + b_down) + b_up with W_up and b_up zero at the start. Beside a sub-layer S with its residual
h and its normed input n = LN(h):

    sequential: h + S(n) + A(S(n))        parallel: h + S(n) + A(n)

Pfeiffer adapts the MLP, Houlsby attention and MLP. As in LoRA-RSC and PETL the LayerNorm in front of an adapted
sub-layer learns with it. Added and freed parameters per adapted sub-layer: 2 D m + m + D + 2 D; with m = 12 on
AST-base 253,588 (Pfeiffer) and 502,564 (Houlsby), four-class head included.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Config:
    """Options of the bottleneck adapter."""

    bottleneck: int = 12
    placement: str = "pfeiffer"  # "pfeiffer": behind the MLP; "houlsby": behind attention and MLP
    order: str = "sequential"  # "sequential": reads the sub-layer's output; "parallel": its normed input

    def __post_init__(self):
        if self.bottleneck < 1:
            raise ValueError(f"bottleneck must be 1 or more, got {self.bottleneck}")
        if self.placement not in ("pfeiffer", "houlsby"):
            raise ValueError(f'placement must be "pfeiffer" or "houlsby", got {self.placement!r}')
        if self.order not in ("sequential", "parallel"):
            raise ValueError(f'order must be "sequential" or "parallel", got {self.order!r}')


class Bottleneck(nn.Module):
    """W_up gelu(W_down x + b_down) + b_up, zero at the start."""

    def __init__(self, width: int, bottleneck: int):
        super().__init__()
        self.down = nn.Linear(width, bottleneck)
        self.up = nn.Linear(bottleneck, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, width) -> (…, width)."""
        return self.up(F.gelu(self.down(x)))


class AdaptedMLP(nn.Module):
    """An MLP with an adapter behind or beside it."""

    def __init__(self, base: nn.Module, adapter: nn.Module, parallel: bool):
        super().__init__()
        self.base, self.adapter, self.parallel = base, adapter, parallel

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, width) normed input -> (batch, tokens, width)."""
        y = self.base(x)
        return y + self.adapter(x if self.parallel else y)


class AdaptedAttention(AdaptedMLP):
    """Self-attention with an adapter behind or beside it; passes the attention weights through."""

    def forward(self, x: torch.Tensor, *args, **kwargs) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(batch, tokens, width) normed input -> the same shape, and what the attention returns beside it."""
        y, weights = self.base(x, *args, **kwargs)
        return y + self.adapter(x if self.parallel else y), weights


def apply(model: nn.Module, config: Config) -> None:
    """Wrap the MLP, and for Houlsby the attention, of every block."""
    parallel = config.order == "parallel"
    for block in model.blocks:
        block.mlp = AdaptedMLP(block.mlp, Bottleneck(model.width, config.bottleneck), parallel)
        if config.placement == "houlsby":
            block.attention = AdaptedAttention(block.attention, Bottleneck(model.width, config.bottleneck), parallel)


def trainable(config: Config) -> tuple[str, ...]:
    """Return patterns of the parameters that learn beside the head."""
    patterns = ("*.mlp.adapter.*", "*.layernorm_after.*")
    if config.placement == "houlsby":
        patterns += ("*.attention.adapter.*", "*.layernorm_before.*")
    return patterns
