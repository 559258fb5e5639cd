"""Linear probe: only the head (LayerNorm + Linear) learns, 2 D + (D + 1) C parameters; 4,612 at D = 768, C = 4."""

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
    return ()
