"""Adapters: small trained branches (branches.py) behind, before or beside the sub-layers of every block.

A sub-layer S (attention or MLP) reads the normed n = LN(h), and its output y is added to the residual h. With an
adapter A:

    sequential, after:  y = S(n) + A(S(n))          parallel:  y = S(n) + A(n)
    sequential, before: y = S(n + A(n))             Hydra:     y = S(n) + A_1(S(n)) + A_2(n)

Pfeiffer (Pfeiffer et al. 2020, arXiv:2005.00247) adapts one of the two sub-layers, the MLP by default, Houlsby
(Houlsby et al. 2019, arXiv:1902.00751) both; Hydra is the pair of LoRA-RSC's code (after Kim et al. 2023,
arXiv:2309.06922) on one. Each starts as the base model. The LayerNorm in front of an adapted sub-layer learns with it,
unless ``train_layernorm`` is off.

``residual`` is the ablation of LoRA-RSC and PETL_AST: "off" leaves out what a sequential adapter reads, y = A(S(n)) or
S(A(n)), "on" adds it to a parallel one, y = S(n) + A(n) + n; neither starts as the base model, so "auto" avoids both.
Their "parallel, after" computes the same as "sequential, after", and their "before" is S(A(n)) + A(n). Their Hydra on
attention adds LN(h) where the MLP's residual h belongs; here it is h. The dropout of 0.1 in their convpass never acts,
as their blocks stay in evaluation mode; ours is 0 unless asked for.

Added and freed parameters per adapter: those of the branch + 2 D; Hydra: twice those of the branch + 2 D. On AST-base
with four classes, head included: bottleneck 12 253,588 (Pfeiffer), 502,564 (Houlsby), 484,132 (Hydra); convpass 12
258,916, 513,220, 494,788; conformer 12 / 8 / 6 387,652 / 275,332 / 219,172 and 770,692 / 546,052 / 433,732.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from rsc_core.options import check, option
from rsc_core.tuning.branches import Bottleneck, Conformer, Convpass, EmbeddedClip

LAYERNORMS = {"attention": "*.layernorm_before.*", "mlp": "*.layernorm_after.*"}
"""Sub-layer -> the parameters of the LayerNorm in front of it."""


@dataclass(frozen=True)
class Config:
    """Options of the adapters."""

    bottleneck: int = option(12, low=1)
    placement: str = option("pfeiffer", choices=("pfeiffer", "houlsby", "hydra"))  # one, both, two adapters on one
    order: str = option("sequential", choices=("sequential", "parallel"))  # in line with the sub-layer, beside it
    kind: str = option("bottleneck", choices=("bottleneck", "convpass", "conformer"))
    place: str = option("mlp", choices=("mlp", "attention"))  # the one sub-layer
    side: str = option("after", choices=("after", "before"))  # of a sequential adapter
    residual: str = option("auto", choices=("auto", "on", "off"))  # input added to output; "auto": if sequential
    dropout: float = option(0.0, low=0, below=1)  # in front of W_up
    train_layernorm: bool = True  # the LayerNorm in front of an adapted sub-layer learns too

    def __post_init__(self):
        check(self)
        if self.placement == "houlsby" and self.place != "mlp":
            raise ValueError(f"houlsby adapts attention and MLP, got place {self.place!r}; leave place out")
        if self.placement == "hydra" and (self.order, self.side, self.residual) != ("sequential", "after", "auto"):
            raise ValueError("hydra is sequential and parallel at once; leave order, side and residual out")
        if self.order == "parallel" and self.side != "after":
            raise ValueError('a parallel adapter stands beside its sub-layer; side "before" goes with "sequential"')

    @property
    def places(self) -> tuple[str, ...]:
        """The sub-layers that are adapted."""
        return ("attention", "mlp") if self.placement == "houlsby" else (self.place,)

    @property
    def keeps_input(self) -> bool:
        """Whether an adapter adds what it reads."""
        return self.order == "sequential" if self.residual == "auto" else self.residual == "on"


class AdaptedMLP(nn.Module):
    """An MLP with an adapter.

    Args:
        base: what is adapted.
        adapter: (batch, tokens, width) -> the same.
        parallel: the adapter stands beside the base, not in line with it.
        before: in line, the adapter comes first.
        keeps_input: the adapter's input is added to its output; None: if it stands in line.
        beside: a second adapter, beside the base (Hydra).
    """

    def __init__(
        self,
        base: nn.Module,
        adapter: nn.Module,
        parallel: bool,
        before: bool = False,
        keeps_input: bool | None = None,
        beside: nn.Module | None = None,
    ):
        super().__init__()
        self.base, self.adapter, self.beside = base, adapter, beside
        self.parallel, self.before = parallel, before
        self.keeps_input = not parallel if keeps_input is None else keeps_input

    @property
    def branches(self) -> list[nn.Module]:
        """The adapters."""
        return [self.adapter] if self.beside is None else [self.adapter, self.beside]

    @property
    def only_adds(self) -> bool:
        """Whether this is the base where the adapters give zero."""
        return self.keeps_input != self.parallel

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, width) normed input -> (batch, tokens, width)."""
        return self.behind(x, self.base(self.ahead(x)))

    def ahead(self, x: torch.Tensor) -> torch.Tensor:
        """What the base reads, from the (batch, tokens, width) normed input."""
        return self._adapted(x) if self.before else x

    def behind(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """What goes to the residual, from the normed input and the base's output, both (batch, tokens, width)."""
        if self.parallel:
            return y + self._adapted(x)
        y = y if self.before else self._adapted(y)
        return y if self.beside is None else y + self.beside(x)

    def _adapted(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.adapter(x) if self.keeps_input else self.adapter(x)


class AdaptedAttention(AdaptedMLP):
    """Self-attention with an adapter; passes the attention weights through."""

    def forward(self, x: torch.Tensor, *args, **kwargs) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(batch, tokens, width) normed input -> the same shape, and what the attention returns beside it."""
        y, weights = self.base(self.ahead(x), *args, **kwargs)
        return self.behind(x, y), weights


ADAPTED = {"attention": AdaptedAttention, "mlp": AdaptedMLP}


def apply(model: nn.Module, config: Config) -> None:
    """Wrap the adapted sub-layers of every block."""
    build = _builder(model, config)
    for block in model.blocks:
        for place in config.places:
            adapter, beside = build(), build() if config.placement == "hydra" else None
            base, parallel = getattr(block, place), config.order == "parallel"
            wrapped = ADAPTED[place](base, adapter, parallel, config.side == "before", config.keeps_input, beside)
            setattr(block, place, wrapped)


def trainable(config: Config) -> tuple[str, ...]:
    """Return patterns of the parameters that learn beside the head."""
    patterns = tuple(f"*.{place}.adapter.*" for place in config.places)
    if config.placement == "hydra":
        patterns += (f"*.{config.place}.beside.*",)
    if config.train_layernorm:
        patterns += tuple(LAYERNORMS[place] for place in config.places)
    return patterns


def _builder(model: nn.Module, config: Config) -> Callable[[], nn.Module]:
    """Return what makes one branch after the other."""
    if config.kind == "bottleneck":
        return lambda: Bottleneck(model.width, config.bottleneck, config.dropout)
    branch, clip = {"convpass": Convpass, "conformer": Conformer}[config.kind], EmbeddedClip(model)
    return lambda: branch(model.width, config.bottleneck, config.dropout, clip)
