"""Prefix tuning (Li & Liang 2021, arXiv:2101.00190): every attention gets keys and values of its own to read.

With n / 2 learned keys P_k and as many values P_v, both of the model's width D, a block attends by

    softmax(Q [K; P_k]^T / sqrt(d)) [V; P_v]

for each head's d entries. Parameters: n D a block; with n = 24 on AST-base 225,796 and with n = 96 889,348, four-class
head included. As in LoRA-RSC and PETL there is no MLP behind the prefix; there it stands behind CLS, here it stands
last, which gives the same result and leaves every patch its index. A new prefix takes a share of the attention, so
this tuning does not start as its base model.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.options import check, option


@dataclass(frozen=True)
class Config:
    """Options of prefix tuning."""

    tokens: int = option(24, low=2, multiple=2)  # of every block: half keys, half values

    def __post_init__(self):
        check(self)


class PrefixedProjection(nn.Module):
    """A key or value projection that puts learned tokens in the place of the last ones."""

    def __init__(self, base: nn.Module, tokens: int, width: int):
        super().__init__()
        self.base = base
        self.virtual = nn.Parameter(torch.empty(tokens, width))
        nn.init.xavier_uniform_(self.virtual)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, own + virtual tokens, width) -> the same shape; what stood at virtual tokens is not read."""
        own = self.base(x[:, : -len(self.virtual)])
        return torch.cat([own, self.virtual.to(own.dtype).expand(len(x), -1, -1)], dim=1)


class PrefixAttention(nn.Module):
    """Self-attention over a prefix too.

    The wrapped attention runs as it is, so every kernel and the recording of its weights work: it is given empty
    tokens, whose keys and values are the prefix. What these tokens read themselves is dropped.
    """

    def __init__(self, base: nn.Module, tokens: int, width: int):
        super().__init__()
        self.base, self.tokens = base, tokens
        base.k_proj = PrefixedProjection(base.k_proj, tokens, width)
        base.v_proj = PrefixedProjection(base.v_proj, tokens, width)

    def forward(self, x: torch.Tensor, *args, **kwargs) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(batch, tokens, width) -> the same shape, and the attention's weights over own and virtual tokens."""
        y, weights = self.base(F.pad(x, (0, 0, 0, self.tokens)), *args, **kwargs)
        return y[:, : x.shape[1]], weights


def apply(model: nn.Module, config: Config) -> None:
    """Wrap the attention of every block."""
    for block in model.blocks:
        block.attention = PrefixAttention(block.attention, config.tokens // 2, model.width)


def trainable(config: Config) -> tuple[str, ...]:
    """Return patterns of the parameters that learn beside the head."""
    return ("*.k_proj.virtual", "*.v_proj.virtual")
