"""An exponential moving average of the weights that learn (Polyak averaging); it labels better than the last step.

Early on the average follows closely, as its decay rises with the number of updates: min(decay, (1 + n) / (10 + n)).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from rsc_core.config import RunConfig
from rsc_core.resume import copy, paste


class Average:
    """The average of a model's learning weights over its updates.

    Args:
        model: starts the average.
        decay: share of the average that one update keeps.

    Attributes:
        weights: name -> averaged tensor; counters and other integers are the latest.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.decay = decay
        self.weights = copy(model)
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights after one step."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, tensor in copy(model).items():
            if tensor.is_floating_point():
                self.weights[name].lerp_(tensor, 1 - decay)
            else:
                self.weights[name] = tensor

    @contextmanager
    def shown(self, model: nn.Module) -> Iterator[None]:
        """Let the model hold the average within the block."""
        own = copy(model)
        paste(model, self.weights)
        try:
            yield
        finally:
            paste(model, own)


class ShortenedStep(Average):
    """What Patch-Mix's code does under the name of an average: training goes on from it.

    The weights before a step make up ``decay`` of those after it, so the step is shortened to the other share. With
    AdamW that is a learning rate of ``1 - decay`` of the one that was set.
    """

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take back a share of the last step."""
        self.updates += 1
        for name, tensor in copy(model).items():
            self.weights[name] = (
                self.weights[name].lerp(tensor, 1 - self.decay) if tensor.is_floating_point() else tensor
            )
        paste(model, self.weights)


def averaging(model: nn.Module, config: RunConfig) -> Average | None:
    """Return the average a run keeps, if any; Patch-Mix followed faithfully shortens its steps instead."""
    if not config.train.average:
        return None
    kind = ShortenedStep if config.follows == "patch_mix" else Average
    return kind(model, config.train.average)
