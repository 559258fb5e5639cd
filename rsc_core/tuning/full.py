"""Full fine-tuning: every parameter learns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Config:
    """No options."""


def apply(model: nn.Module, config: Config) -> None:
    """Add nothing."""


def trainable(config: Config) -> tuple[str, ...]:
    """Return patterns of the parameters that learn."""
    return ("*",)
