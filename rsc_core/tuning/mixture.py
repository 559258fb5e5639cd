"""Mixtures of adapters (Cappellazzo et al. 2024, arXiv:2402.00828): N bottlenecks A_i beside a sub-layer.

With n the sub-layer's normed input, the mixture's output M(n) is added to the sub-layer's:

    Dense-MoA: M(n) = sum_i g_i A_i(n), with g = softmax(W n + b) for each token
    Soft-MoA (after Puigcerver et al. 2023, arXiv:2308.00951), with p slots for each A_i and Phi of N p columns:
        every slot reads the tokens' mean under softmax(n Phi) over tokens; its A_i answers;
        M(n) is the mean of the answers under softmax(n Phi) over slots

``normalize`` takes the logits from n scaled to length 1 and columns of Phi scaled to a learned length; slots still
read n itself, where PETL_AST lets them read the scaled one. All A_i start at zero, so the model starts as its base.
The LayerNorm in front of an adapted sub-layer learns with it, unless ``train_layernorm`` is off.

PETL_AST adds the output of a mixture beside attention twice, behind attention and again behind the MLP; here it is
added once. Added and freed parameters per mixture, width D, bottleneck m: N (2 D m + m + D) + 2 D, and N (D + 1) for
the router or N p D for Phi (+ 1 if normalised). Seven bottlenecks of 6 on AST-base with four classes, head included:
Dense-MoA 926,800, Soft-MoA with one slot each 926,716, and 1,848,820 beside attention and MLP.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from rsc_core.options import check, option
from rsc_core.tuning.adapter import ADAPTED, LAYERNORMS
from rsc_core.tuning.branches import Bottleneck

PLACES = {"attention": ("attention",), "mlp": ("mlp",), "both": ("attention", "mlp")}


@dataclass(frozen=True)
class Config:
    """Options of the mixtures."""

    kind: str = option("soft", choices=("soft", "dense"))
    adapters: int = option(7, low=1)
    bottleneck: int = option(6, low=1)
    place: str = option("attention", choices=tuple(PLACES))
    slots: int = option(1, low=1)  # of each adapter; "soft" only
    normalize: bool = False  # logits of normalised tokens and slots; "soft" only
    train_layernorm: bool = True  # the LayerNorm in front of an adapted sub-layer learns too

    def __post_init__(self):
        check(self)
        if self.kind == "dense" and (self.slots > 1 or self.normalize):
            raise ValueError('a dense mixture has no slots; leave slots and normalize out, or take kind "soft"')


class DenseMixture(nn.Module):
    """Every token goes through all adapters; its router says how much each counts."""

    def __init__(self, width: int, adapters: int, bottleneck: int):
        super().__init__()
        self.router = nn.Linear(width, adapters)
        self.adapters = nn.ModuleList(Bottleneck(width, bottleneck) for _ in range(adapters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, width) -> (batch, tokens, width)."""
        shares = self.router(x).softmax(dim=-1)
        return sum(shares[..., i : i + 1] * adapter(x) for i, adapter in enumerate(self.adapters))


class SoftMixture(nn.Module):
    """Each adapter answers for its own slots, which are means over all tokens."""

    def __init__(self, width: int, adapters: int, bottleneck: int, slots: int, normalize: bool):
        super().__init__()
        self.phi = nn.Parameter(torch.empty(width, adapters * slots))  # an adapter's slots side by side
        nn.init.xavier_normal_(self.phi)
        self.scale = nn.Parameter(torch.ones(())) if normalize else None
        self.adapters = nn.ModuleList(Bottleneck(width, bottleneck) for _ in range(adapters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, width) -> (batch, tokens, width)."""
        if self.scale is None:
            logits = x @ self.phi
        else:
            logits = F.normalize(x, dim=-1) @ (self.scale * F.normalize(self.phi, dim=0))
        slots = (logits.softmax(dim=1).transpose(1, 2) @ x).chunk(len(self.adapters), dim=1)
        answers = torch.cat([adapter(own) for adapter, own in zip(self.adapters, slots, strict=True)], dim=1)
        return logits.softmax(dim=2) @ answers


def apply(model: nn.Module, config: Config) -> None:
    """Put a mixture beside the chosen sub-layers of every block."""
    for block in model.blocks:
        for place in PLACES[config.place]:
            size = model.width, config.adapters, config.bottleneck
            soft = config.kind == "soft"
            mixture = SoftMixture(*size, config.slots, config.normalize) if soft else DenseMixture(*size)
            setattr(block, place, ADAPTED[place](getattr(block, place), mixture, parallel=True))


def trainable(config: Config) -> tuple[str, ...]:
    """Return patterns of the parameters that learn beside the head."""
    places = PLACES[config.place]
    patterns = tuple(f"*.{place}.adapter.*" for place in places)
    return patterns + tuple(LAYERNORMS[place] for place in places if config.train_layernorm)
