"""What tuning changed: the weights of each block beside the base model's, and a dial between the two.

Full tuning moves every matrix, W + dW; LoRA adds dW = (alpha / r) B A of rank r or less (Hu et al. 2021,
arXiv:2106.09685); an adapter leaves the matrices alone and adds a branch. How many directions a change really uses is
its effective rank: the exponential of the entropy of its singular values, taken as shares of their sum (Roy and
Vetterli 2007). ``scaled`` moves along the line from base to tuned weights and beyond (task arithmetic: Ilharco et al.
2023, arXiv:2212.04089).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import torch
from peft.tuners.ia3 import IA3Layer
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from rsc_core.tuning import merged
from rsc_core.tuning.adapter import AdaptedMLP
from rsc_core.tuning.ipet import MLPAndAdapter

PROJECTIONS = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "o_proj", "fc1": "fc1", "fc2": "fc2"}
WRAPPERS = (".base_layer.", ".base.")  # peft's and our own name for what a tuning wraps
LARGEST_FACTOR = 1.5
BRANCHED = (AdaptedMLP, MLPAndAdapter)
UNSCALED = (".virtual", ".ends", ".bands")  # parameters of what a tuning adds beside the weights


@dataclass(frozen=True)
class LayerChange:
    """How far one projection of one block moved, or how large a branch was added to the block."""

    layer: int  # from 0
    projection: str  # "q", "k", "v", "o", "fc1", "fc2"; for a branch "attention" or "mlp", the sub-layer it adapts
    kind: str  # "none", "full", "low rank" or "branch"
    norm: float  # Frobenius norm of the change; of a branch: of all its parameters, biases included
    relative_norm: float  # to the base weight's norm; of a branch: to that of the sub-layer's parameters
    singular_values: np.ndarray  # float32, falling, of the change; of a branch: [W_up W_down of each part]
    effective_rank: float  # from 1 to the number of singular values; 0 where nothing changed


def weight_change(base: nn.Module, tuned: nn.Module) -> list[LayerChange]:
    """Compare two transformers of one geometry, block by block: six projections each, then the branches added.

    Biases, LayerNorms, patch embedding, positions and head are left out.

    Args:
        base: the model the tuning started from.
        tuned: the same, tuned by any of ``rsc_core.tuning``.

    Raises:
        ValueError: a model has no transformer blocks, or they differ in number or width.
    """
    for model in (base, tuned):
        if not hasattr(model, "blocks"):
            raise ValueError(f"expected transformers to compare, got a {type(model).__name__}, which has no blocks")
    shapes = [(len(model.blocks), model.width) for model in (base, tuned)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"expected a tuned model of {shapes[0][0]} blocks of width {shapes[0][1]}, got {shapes[1][0]} of "
            f"{shapes[1][1]}: compare a model with the base it was tuned from"
        )
    found = []
    for layer, (before, after) in enumerate(zip(base.blocks, tuned.blocks, strict=True)):
        originals, linears = _projections(before), _projections(after)
        found += [_projection_change(layer, name, originals[name], linears[name]) for name in PROJECTIONS]
        for part in ("attention", "mlp"):
            if isinstance(wrapped := getattr(_wrapped(after), part), BRANCHED):
                found.append(_branch_size(layer, part, wrapped))
    return found


@contextmanager
def scaled(model: nn.Module, base: nn.Module, factor: float) -> Iterator[None]:
    """Apply ``factor`` times what tuning changed within the block; everything is put back behind it, bit by bit.

    LoRA updates and adapter branches are multiplied; parameters and running statistics both models have, such as the
    LayerNorms that learn beside an adapter, lie on the line from the base's value to the tuned one, and so do DoRA's
    lengths and IA3's scales. The head stays
    tuned (the base's may tell other classes apart): at 0 the tuned head reads the base model's embedding, at 1 the
    model is untouched. The model itself is changed meanwhile, so nobody else may run it.

    Raises:
        ValueError: factor is not between 0 and 1.5, the base has other parameters, an adapter replaces what it reads
            instead of adding to it, or the tuning added virtual tokens (a part of a token still takes its share of the
            attention) or a border.
    """
    if any(name.endswith(UNSCALED) for name, _ in model.named_parameters()):
        raise ValueError("expected changed weights or added branches; virtual tokens and borders have no such dial")
    if not 0 <= factor <= LARGEST_FACTOR:
        raise ValueError(f"factor must be between 0 (base) and {LARGEST_FACTOR} (1 is as tuned), got {factor}")
    branched = [module for module in model.modules() if isinstance(module, BRANCHED)]
    if not all(module.only_adds for module in branched):
        raise ValueError('expected adapters that add to the base model, got residual "on" or "off"; train with "auto"')
    pairs = [*_shared(model, base), *_starts(model)]
    changed = [(tensor, start) for tensor, start in pairs if not torch.equal(tensor, start)]
    kept = [tensor.clone() for tensor, _ in changed]
    loras = [(m, dict(m.scaling)) for m in model.modules() if isinstance(m, LoraLayer)]
    hooks = []
    try:
        for tensor, start in changed:
            tensor.copy_(torch.lerp(start, tensor, factor))
        for layer, scaling in loras:
            layer.scaling.update({name: factor * value for name, value in scaling.items()})
        for branch in (branch for module in branched for branch in module.branches):
            hooks.append(branch.register_forward_hook(lambda _module, _inputs, output: factor * output))
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for layer, scaling in loras:
            layer.scaling.update(scaling)
        for (tensor, _), value in zip(changed, kept, strict=True):
            tensor.copy_(value)


def difference(map_a: np.ndarray, map_b: np.ndarray) -> np.ndarray:
    """What map a has more of than map b: both scaled to sum 1, then a - b; float32 of the same shape, sum 0.

    Raises:
        ValueError: the shapes differ, or a map has a negative value or no positive one.
    """
    map_a, map_b = np.asarray(map_a, float), np.asarray(map_b, float)
    if map_a.shape != map_b.shape:
        raise ValueError(
            f"expected two maps of one shape, got {map_a.shape} and {map_b.shape}: explain the same cycle"
        )
    for values in (map_a, map_b):
        if not (values >= 0).all() or not values.sum() > 0:
            raise ValueError("expected maps of shares, nowhere negative and not all 0; signed relevance has no shares")
    return (map_a / map_a.sum() - map_b / map_b.sum()).astype(np.float32)


def effective_rank(singular_values: np.ndarray) -> float:
    """Exponential of the entropy of the singular values as shares of their sum; 0 when all are 0."""
    total = singular_values.sum()
    if not total > 0:
        return 0.0
    share = singular_values[singular_values > 0] / total
    return float(np.exp(-(share * np.log(share)).sum()))


def _projections(block: nn.Module) -> dict[str, nn.Module]:
    """Name -> Linear, or peft's layer around it, of one block."""
    block = _wrapped(block)
    attention, mlp = _wrapped(block.attention), _wrapped(block.mlp)
    return {
        name: _wrapped(getattr(mlp if name.startswith("fc") else attention, own)) for name, own in PROJECTIONS.items()
    }


def _wrapped(module: nn.Module) -> nn.Module:
    """What our own wrappers, if any, were laid around."""
    while isinstance(getattr(module, "base", None), nn.Module):
        module = module.base
    return module


def _projection_change(layer: int, name: str, before: nn.Module, after: nn.Module) -> LayerChange:
    with torch.no_grad():
        original = before.weight
        change, kind = after.weight - original, "full"
        if isinstance(after, LoraLayer) and not after.lora_magnitude_vector:
            low_rank = sum(after.get_delta_weight(adapter) for adapter in after.active_adapters)
            change, kind = change + low_rank, "low rank"
        elif isinstance(after, BaseTunerLayer):  # DoRA and IA3 rescale the rows of the whole matrix, or its columns
            with merged(after):
                change = after.weight - original
        norm = float(change.norm())
        values = torch.linalg.svdvals(change) if norm else torch.zeros(min(change.shape))
        kind = kind if norm else "none"
        return _measured(layer, name, kind, norm, float(original.norm()), values)


def _branch_size(layer: int, part: str, wrapped: AdaptedMLP | MLPAndAdapter) -> LayerChange:
    branches = nn.ModuleList(wrapped.branches)
    norms = [_norm_of_all(module) for module in (branches, wrapped.base)]
    parts = [module for module in branches.modules() if hasattr(module, "up")]
    up = torch.cat([module.up.weight.detach() for module in parts], dim=1)
    # Each part has its own input; a conformer's gates stand behind the rows that W_up reads.
    down = torch.block_diag(*(module.down.weight.detach()[: module.up.in_features] for module in parts))
    # W_up W_down = Q_up (R_up R_down^T) Q_down^T: the small middle has all the singular values that are not 0.
    values = torch.linalg.svdvals(torch.linalg.qr(up).R @ torch.linalg.qr(down.T).R.T)
    return _measured(layer, part, "branch", *norms, values)


def _norm_of_all(module: nn.Module) -> float:
    return float(torch.sqrt(sum(p.detach().square().sum() for p in module.parameters())))


def _measured(
    layer: int, name: str, kind: str, norm: float, reference: float, singular_values: torch.Tensor
) -> LayerChange:
    values = singular_values.numpy().astype(np.float32)
    return LayerChange(layer, name, kind, norm, norm / max(reference, 1e-12), values, effective_rank(values))


def _starts(model: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Each of DoRA's lengths and IA3's scales: (as tuned, as it leaves the base model unchanged)."""
    pairs = []
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            lengths = layer.get_base_layer().weight.detach().norm(dim=1)
            pairs += [(magnitude.weight.detach(), lengths) for magnitude in layer.lora_magnitude_vector.values()]
        if isinstance(layer, IA3Layer):
            pairs += [(scale.detach(), torch.ones_like(scale)) for scale in layer.ia3_l.values()]
    return pairs


def _shared(model: nn.Module, base: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Each floating-point tensor outside the head that both have: (the model's own, the base's)."""
    theirs = base.state_dict()
    pairs = []
    for name, tensor in model.state_dict().items():
        plain = name
        for wrapper in WRAPPERS:
            plain = plain.replace(wrapper, ".")
        if fnmatchcase(name, model.head_parameters) or not tensor.is_floating_point():
            continue
        if plain in theirs:
            if theirs[plain].shape != tensor.shape:
                raise ValueError(
                    f"expected a base whose {plain} has the shape {tuple(tensor.shape)}, got "
                    f"{tuple(theirs[plain].shape)}: pass the model this one was tuned from"
                )
            pairs.append((tensor, theirs.pop(plain)))
    left = sorted(n for n, t in theirs.items() if t.is_floating_point() and not fnmatchcase(n, base.head_parameters))
    if left:
        raise ValueError(f"the model lacks the base's {left[0]}: pass the model this one was tuned from")
    return pairs
