"""Prompt tuning (Jia et al. 2022, arXiv:2203.12119): learned tokens go through the blocks beside the patches.

Shallow: n tokens of the model's width D enter the first block. Deep: before every further block the n tokens are
replaced by that block's own. Parameters: n D, or n D a block; on AST-base with the four-class head 158,212 (shallow,
n = 200), 235,012 (deep, n = 25) and 1,847,812 (deep, n = 200).

LoRA-RSC and PETL put the prompts behind CLS and drop DIST. Here they stand last, which gives the same result and
leaves every patch its index, and DIST stays, since the AudioSet weights decide by both. Prompts are read by every
token, so this tuning does not start as its base model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from rsc_core.options import check, option

POOLINGS = ("special", "cls", "all", "prompts", "patches", "prompts_patches")
"""Whose mean the head reads; "special" means CLS and DIST."""


@dataclass(frozen=True)
class Config:
    """Options of prompt tuning."""

    tokens: int = option(25, low=1)  # of every block if deep, else of the first
    deep: bool = True
    pooling: str = option("all", choices=POOLINGS)

    def __post_init__(self):
        check(self)


class PromptedBlock(nn.Module):
    """A transformer block with learned tokens behind its own, in the place of the block's before it or in addition."""

    def __init__(self, base: nn.Module, tokens: int, width: int, replaces: bool):
        super().__init__()
        self.base, self.replaces = base, replaces
        self.virtual = nn.Parameter(torch.empty(tokens, width))
        nn.init.xavier_uniform_(self.virtual)

    def forward(self, hidden: torch.Tensor, *args, **kwargs) -> torch.Tensor:
        """(batch, own [+ virtual] tokens, width) -> (batch, own + virtual tokens, width)."""
        own = hidden[:, : -len(self.virtual)] if self.replaces else hidden
        prompts = self.virtual.to(own.dtype).expand(len(own), -1, -1)
        return self.base(torch.cat([own, prompts], dim=1), *args, **kwargs)


def pool(tokens: torch.Tensor, pooling: str, special: int, prompts: int) -> torch.Tensor:
    """(batch, special + patches + prompts, width) -> (batch, width): the mean over those ``pooling`` names."""
    end = tokens.shape[1]
    first, last = {
        "special": (0, special),
        "cls": (0, 1),
        "all": (0, end),
        "prompts": (end - prompts, end),
        "patches": (special, end - prompts),
        "prompts_patches": (special, end),
    }[pooling]
    return tokens[:, first:last].mean(dim=1)


def apply(model: nn.Module, config: Config) -> None:
    """Wrap the first block, or every block if deep, and let the model pool as the config says.

    Raises:
        ValueError: the pooling reads special tokens and the model has none.
    """
    special = model.layout(model.input_shape[0]).special
    if config.pooling in ("special", "cls") and not special:
        raise ValueError(
            f"pooling {config.pooling!r} reads special tokens, and this model has none; choose one of "
            f"{', '.join(POOLINGS[2:])}"
        )
    for index in range(len(model.blocks) if config.deep else 1):
        model.blocks[index] = PromptedBlock(model.blocks[index], config.tokens, model.width, replaces=index > 0)
    model.pooling = partial(pool, pooling=config.pooling, special=special, prompts=config.tokens)


def trainable(config: Config) -> tuple[str, ...]:
    """Return patterns of the parameters that learn beside the head."""
    return ("*.virtual",)
