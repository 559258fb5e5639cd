"""What our own networks share: a linear classifier of what is pooled, and one file of weights."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import nn

WEIGHTS = "model.safetensors"


class OwnNetwork(nn.Module):
    """Base of a network that ends in a linear classifier; ``__init__`` ends with ``classify_into``.

    Attributes:
        head_parameters: pattern of the parameters every tuning trains.
        classes: what is told apart.
        width: length of a pooled clip.
    """

    head_parameters = "classifier.*"
    classes: tuple[str, ...] = ()
    width: int

    def head(self, pooled: torch.Tensor) -> torch.Tensor:
        """(batch, width) -> (batch, classes)."""
        return self.classifier(pooled)

    def classify_into(self, classes: tuple[str, ...]) -> None:
        """Replace the head by a fresh one unless the model already tells these classes apart."""
        if tuple(classes) != self.classes:
            self.classes = tuple(classes)
            self.classifier = nn.Linear(self.width, len(classes))


Network = TypeVar("Network", bound=OwnNetwork)


def load_into(model: Network, folder: str | Path) -> Network:
    """Give a network the weights stored in a folder, in float32, and return it.

    Raises:
        ValueError: the weights are not those of this geometry.
    """
    try:
        model.load_state_dict(load_file(Path(folder) / WEIGHTS))
    except RuntimeError as error:
        raise ValueError(f"{folder} does not hold a {type(model).__name__} of this geometry: {error}") from error
    return model


def save(folder: str | Path, model: OwnNetwork, dtype: torch.dtype) -> None:
    """Write a network's weights into a folder; counters of the normalisation stay integers."""
    state = {k: (v.to(dtype) if v.is_floating_point() else v).contiguous() for k, v in model.state_dict().items()}
    save_file(state, Path(folder) / WEIGHTS, metadata={"format": "pt"})
