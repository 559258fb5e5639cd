"""Every way to say what a decision rests on, as a patch map; the app, the scores and the tests read ``METHODS``.

All return (batch, freq, time) on the grid of ``tiles.py``, copies of a repeated clip folded together, so no method
claims that a copy mattered more than the original. Units differ: attention and rollouts are shares that sum to 1, the
others are in logits. Compare them by rank. To add one: a function here or in a file of its own, and a line below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from rsc_core.explain import attention, gradients, occlusion, tiles
from rsc_core.explain.attention import record_attention
from rsc_core.explain.rollout import rollout
from rsc_core.explain.target import Target
from rsc_core.models.spectrogram_transformer import TokenLayout

DISCARD = 0.9  # Gildenblat's choice for the maximum and minimum over heads


@dataclass(frozen=True)
class Method:
    """One way to explain."""

    name: str
    title: str
    signed: bool  # negative where a place speaks against the target
    needs_attention: bool
    by_class: bool  # differs from target to target; the others show where a model looks, whatever it decides
    function: Callable[[nn.Module, torch.Tensor, Target, float | None], torch.Tensor]


def relevance(
    model: nn.Module, features: torch.Tensor, method: str, target: Target, period: float | None = None
) -> torch.Tensor:
    """Return the (batch, freq, time) float32 patch map of one method, on the features' device.

    Args:
        model: in eval mode; its parameters keep their gradients as they were.
        features: (batch, frames, bins) normalised log-mel.
        method: of ``METHODS``.
        target: what is explained; methods that are not ``by_class`` ignore it.
        period: frames after which a repeated clip starts anew, ``cycles.period_samples`` in frames; None for a clip
            that fills its window.

    Raises:
        ValueError: there is no such method or class, or the model lacks the attention the method needs.
    """
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}; choose one of {', '.join(METHODS)}")
    chosen = METHODS[method]
    if chosen.needs_attention and not attention.attends(model):
        others = ", ".join(name for name, other in METHODS.items() if not other.needs_attention)
        raise ValueError(f"{method} needs a model with attention, and this one has none; choose one of {others}")
    return chosen.function(model, features, target, period).detach().float()


def _look(
    read: Callable[[list[torch.Tensor], TokenLayout], torch.Tensor],
    model: nn.Module,
    features: torch.Tensor,
    target: Target,
    period: float | None,
) -> torch.Tensor:
    with torch.no_grad(), record_attention(model) as maps:
        model(features)
    return tiles.fold_map(model, read(maps, model.layout(features.shape[1])), features.shape[1], period)


def _gradient_attention(
    model: nn.Module, features: torch.Tensor, target: Target, period: float | None
) -> torch.Tensor:
    patch_map = gradients.gradient_attention(model, features, target)
    return tiles.fold_map(model, patch_map, features.shape[1], period)


def _gradient_input(model: nn.Module, features: torch.Tensor, target: Target, period: float | None) -> torch.Tensor:
    return tiles.to_map(model, gradients.gradient_input(model, features, target), period)


def _integrated(model: nn.Module, features: torch.Tensor, target: Target, period: float | None) -> torch.Tensor:
    return tiles.to_map(model, gradients.integrated_gradients(model, features, target, period), period)


def _occlusion(model: nn.Module, features: torch.Tensor, target: Target, period: float | None) -> torch.Tensor:
    falls = occlusion.occlude(model, features, target, period)
    return tiles.mean_tiles(falls, tiles.grid(model, features.shape[1]), *tiles.size(model))


_STRONGEST = partial(rollout, fusion="max", discard=DISCARD)
_WEAKEST = partial(rollout, fusion="min", discard=DISCARD)

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("attention", "Attention of the last block", False, True, False, partial(_look, attention.last_layer)),
        Method("rollout", "Rollout, mean over heads", False, True, False, partial(_look, rollout)),
        Method("rollout_max", "Rollout, strongest head", False, True, False, partial(_look, _STRONGEST)),
        Method("rollout_min", "Rollout, weakest head", False, True, False, partial(_look, _WEAKEST)),
        Method("gradient_attention", "Gradient-weighted attention", False, True, True, _gradient_attention),
        Method("gradient_input", "Gradient x input", True, False, True, _gradient_input),
        Method("integrated_gradients", "Integrated gradients", True, False, True, _integrated),
        Method("occlusion", "Occlusion", True, False, True, _occlusion),
    )
}
"""Name -> method, in display order."""
