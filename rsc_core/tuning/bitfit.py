"""BitFit (Ben Zaken et al. 2021, arXiv:2106.10199): the biases of the transformer learn, and the head's Linear.

As in PETL these are the biases of every Linear and LayerNorm of the backbone (the patch embedding is a convolution),
and the head's own LayerNorm is frozen: L (7 D + 4 D) + D + 4 D + 4 = 105,220 on AST-base with four classes. The bias
of the keys is among them although it cannot move: it shifts all scores of a query alike, which a softmax ignores.
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
    """Return patterns of the parameters that learn beside the head, and of the head's that do not."""
    return ("*.layers.*.bias", "*.layernorm.bias", "!*.classifier.layernorm.*")
