"""What is explained: why a class, or why this class and not that one."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Target:
    """A class, or with ``against`` the difference of two ("why wheeze and not crackle?")."""

    index: int  # of the model's classes
    against: int | None = None

    def __post_init__(self):
        if min(self.index, self.against or 0) < 0 or self.index == self.against:
            raise ValueError(
                f"a target is one class, or two that differ, counted from 0; got {self.index} against {self.against}"
            )


def score(logits: torch.Tensor, target: Target) -> torch.Tensor:
    """(batch, classes) logits -> (batch,): the class's logit, or by how much it exceeds the other's.

    Raises:
        ValueError: the model has no such class.
    """
    if max(target.index, target.against or 0) >= logits.shape[1]:
        raise ValueError(f"the model tells {logits.shape[1]} classes apart, counted from 0; got {target}")
    own = logits[:, target.index]
    return own if target.against is None else own - logits[:, target.against]
