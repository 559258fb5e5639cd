"""IA3 (Liu et al. 2022, arXiv:2205.05638): keys, values and the MLP's inner activations are rescaled, entry by entry.

The layers come from peft; every scale is 1 at the start. Scales per block: 2 D + 4 D on an MLP four times as wide;
59,908 learn on AST-base, four-class head included. As in peft the scale of keys and values takes their bias with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from peft import IA3Config, inject_adapter_in_model
from torch import nn


@dataclass(frozen=True)
class Config:
    """No options."""


def apply(model: nn.Module, config: Config) -> None:
    """Wrap the key and value projections and the second Linear of the MLP of every block of ``model.hf``."""
    inject_adapter_in_model(peft_config(config), model.hf)


def trainable(config: Config) -> tuple[str, ...]:
    """Return patterns of the parameters that learn beside the head."""
    return ("*.ia3_l.*",)


def peft_config(config: Config) -> IA3Config:
    """Return the options as a peft folder spells them; the MLP is scaled at the input of its second Linear."""
    return IA3Config(target_modules=["k_proj", "v_proj", "fc2"], feedforward_modules=["fc2"])
