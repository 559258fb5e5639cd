"""LN-tuning (Zhao et al. 2023, arXiv:2312.11420): every LayerNorm's weight and bias learn, and the head.

(2 L + 1) 2 D parameters and the head: 43,012 on AST-base with four classes. Nothing is added, so nothing is wrapped:
peft copies each LayerNorm to train the copy, which is the same function.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Config:
    """No options."""


def apply(model: nn.Module, config: Config) -> None:
    """Add nothing."""


def trainable(config: Config) -> tuple[str, ...]:
    """Return patterns of the parameters that learn beside the head."""
    return ("*.layernorm*",)
