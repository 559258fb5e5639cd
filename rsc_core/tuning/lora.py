"""LoRA (Hu et al. 2021, arXiv:2106.09685): W' = W + s B A, with B zero at the start; and two of its variants.

The layers come from peft. Added parameters: r (rows + columns) per adapted matrix; two attention projections of every
block of AST-base with rank 8 are 12 x 2 x 12,288 = 294,912, and 299,524 with the four-class head.

* ``scaling``: s = alpha / r, or alpha / sqrt(r), which keeps large ranks learning (rsLoRA: Kalajdzievski 2023,
  arXiv:2312.03732). LoRA-RSC's s = alpha / reduction rate = 8 / 96 is alpha = 2 / 3 at its rank 8.
* ``dora``: the length of each row of W' is learned beside its direction, one number a row (Liu et al. 2024,
  arXiv:2402.09353).
* ``pissa``: B A starts as the r largest singular directions of W (Meng et al. 2024, arXiv:2404.02948). The paper
  replaces W by what they leave; here W stays and a fixed second adapter takes B0 A0 away, which is the same function
  and leaves the base model's weights as they are. As a peft folder it is a plain LoRA of rank 2 r, s (B A - B0 A0).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import nn

from rsc_core.options import check, option

MODULES = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "o_proj", "fc1": "fc1", "fc2": "fc2"}
START = "initial"  # name of the adapter that holds PiSSA's first factors


@dataclass(frozen=True)
class Config:
    """Options of LoRA."""

    rank: int = option(8, low=1)
    alpha: float = option(8.0, positive=True)
    scaling: str = option("rank", choices=("rank", "sqrt_rank"))  # s = alpha / rank or alpha / sqrt(rank)
    dropout: float = option(0.0, low=0, below=1)  # on the input of A
    targets: tuple[str, ...] = option(("k", "v"), choices=tuple(MODULES), several=True)  # matrices of every block
    variant: str = option("lora", choices=("lora", "dora", "pissa"))

    def __post_init__(self):
        check(self)


def apply(model: nn.Module, config: Config) -> None:
    """Wrap the target matrices of every block of ``model.hf``."""
    inject_adapter_in_model(_layer_config(config), model.hf)
    if config.variant == "pissa":
        for layer in model.modules():
            if isinstance(layer, LoraLayer):
                _start_at_principal_directions(layer, config)


def trainable(config: Config) -> tuple[str, ...]:
    """Return patterns of the parameters that learn beside the head."""
    return tuple(f"*.{MODULES[target]}.lora_*.default.*" for target in config.targets)


def fixed(config: Config) -> tuple[str, ...]:
    """Return patterns of what does not learn but is stored with what does.

    PiSSA's first factors: singular values may coincide, so another machine's decomposition need not give them again.
    """
    return (f"*.lora_?.{START}.weight",) if config.variant == "pissa" else ()


def peft_config(config: Config) -> LoraConfig:
    """Return the options of the same function as a peft folder spells them."""
    plain = _layer_config(config)
    if config.variant == "pissa":
        plain.r = 2 * config.rank
        plain.lora_alpha = config.alpha * (2**0.5 if plain.use_rslora else 2)
    return plain


def join(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Parameter name -> tensor, with PiSSA's first factors joined to the learned ones: rank 2 r."""
    joined = {name: tensor for name, tensor in state.items() if f".{START}." not in name}
    for name in set(state) - set(joined):
        learned = name.replace(START, "default")
        a = ".lora_A." in name
        joined[learned] = torch.cat([state[learned], state[name] if a else -state[name]], dim=0 if a else 1)
    return joined


def split(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Undo ``join``."""
    parts = {}
    for name, tensor in state.items():
        a = ".lora_A." in name
        if not a and ".lora_B." not in name:
            parts[name] = tensor
            continue
        learned, first = tensor.chunk(2, dim=0 if a else 1)
        parts |= {name: learned, name.replace("default", START): first if a else -first}
    return parts


def _layer_config(config: Config) -> LoraConfig:
    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        use_rslora=config.scaling == "sqrt_rank",
        use_dora=config.variant == "dora",
        target_modules=[MODULES[target] for target in config.targets],
    )


@torch.no_grad()
def _start_at_principal_directions(layer: LoraLayer, config: Config) -> None:
    """Set B A to W's largest directions, and take the same product away by an adapter of negative scale."""
    undropped = LoraConfig(use_rslora=config.scaling == "sqrt_rank")
    layer.update_layer(START, config.rank, -config.alpha, config=undropped)
    layer.set_adapter(["default", START])
    weight = layer.get_base_layer().weight
    left, values, right = torch.linalg.svd(weight, full_matrices=False)
    root = (values[: config.rank] / layer.scaling["default"]).sqrt()
    for name in ("default", START):
        layer.lora_A[name].weight.copy_(root.unsqueeze(1) * right[: config.rank])
        layer.lora_B[name].weight.copy_(left[:, : config.rank] * root)
