"""Does a map depend on what the model has learned? Weights are randomised layer by layer, from the head down.

Adebayo et al. 2018 (arXiv:1810.03292), cascading randomisation: a map that stays the same while the model forgets
shows the sound, not the model. Here a tensor's own values are put into a random order, which destroys what was learned
but keeps every layer's scale, whatever its tuning (a fresh initialisation would silence a LoRA, whose B starts at 0).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

from rsc_core.explain.attention import attends
from rsc_core.models.cnn import Block


@dataclass(frozen=True)
class Step:
    """What is left of a map when a layer and all above it are randomised."""

    layer: str
    similarity: float  # Spearman's rank correlation with the map of the whole model; NaN where a map is constant
    values: np.ndarray  # float32, the map


def layers(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Name -> parameters, from the head down; every parameter stands in one layer, a last norm in the head's."""
    if attends(model):
        blocks = model.blocks
        below = {"patches and positions": model.backbone.embeddings}
    else:
        blocks = [stage for stage in model.stages if isinstance(stage, Block)]
        below = {"stem": model.stem}
    modules = {f"block {i}": block for i, block in reversed(list(enumerate(blocks, start=1)))} | below
    found = {name: list(held.parameters()) for name, held in modules.items()}
    placed = {id(p) for held in found.values() for p in held}
    return {"head": [p for p in model.parameters() if id(p) not in placed], **found}


def cascade(model: nn.Module, explain: Callable[[nn.Module], np.ndarray], seed: int = 0) -> Iterator[Step]:
    """Yield one step a layer, from the head down; a page can count along and stop.

    Args:
        model: stays as it is; a copy forgets.
        explain: model -> map, e.g. ``lambda m: relevance(m, features, "rollout", target).numpy()``.
        seed: of the random orders.
    """
    original = explain(model)
    forgetful = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    for layer, parameters in layers(forgetful).items():
        with torch.no_grad():
            for parameter in parameters:
                order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
                parameter.copy_(parameter.flatten()[order].view_as(parameter))
        values = np.asarray(explain(forgetful), dtype=np.float32)
        yield Step(layer, similarity(original, values), values)


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation over all values; NaN where a map is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first, second, axis=None).statistic)
