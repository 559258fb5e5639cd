"""LoRA (Hu et al. 2021, arXiv:2106.09685): W' = W + (alpha / r) B A, with B zero at the start.

The layers come from peft. Added parameters: L layers x targets x 2 D r; with rank 8 on keys and values of AST-base
12 x 2 x 12,288 = 294,912, and 299,524 with the four-class head. LoRA-RSC adapts keys and values; its code scales by
alpha / reduction rate = 8 / 96 where we use alpha / r.
"""

from __future__ import annotations

from dataclasses import dataclass

from peft import LoraConfig, inject_adapter_in_model
from torch import nn

TARGETS = ("q", "k", "v", "o")


@dataclass(frozen=True)
class Config:
    """Options of LoRA."""

    rank: int = 8
    alpha: float = 8.0  # the update is scaled by alpha / rank
    dropout: float = 0.0  # on the input of A
    targets: tuple[str, ...] = ("k", "v")  # attention projections: any of q, k, v, o

    def __post_init__(self):
        if self.rank < 1:
            raise ValueError(f"rank must be 1 or more, got {self.rank}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {self.dropout}")
        if not self.targets or set(self.targets) - set(TARGETS):
            raise ValueError(f"targets must be some of {', '.join(TARGETS)}, got {', '.join(self.targets) or 'none'}")


def apply(model: nn.Module, config: Config) -> None:
    """Wrap the target projections of every block of ``model.hf``."""
    inject_adapter_in_model(peft_config(config), model.hf)


def trainable(config: Config) -> tuple[str, ...]:
    """Return patterns of the parameters that learn beside the head."""
    return tuple(f"*.{target}_proj.lora_*" for target in config.targets)


def peft_config(config: Config) -> LoraConfig:
    """Return the same options as peft spells them."""
    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=[f"{target}_proj" for target in config.targets],
    )
