"""What is minimised on a batch.

Each objective is a class built from its own ``Config``, the ``Task`` and the model it trains. Its ``loss(model, batch,
generator)`` returns ``LossParts``. What it owns and learns (projectors, cluster centres) are ``parameters()`` of it,
so the engine gives them to the optimizer. ``labels`` says whether it teaches the head to label clips; a run whose
objective does not is never judged by its labels.

Adding an objective: one file, one line in ``OBJECTIVES``.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from rsc_core.config import from_json
from rsc_core.objectives.batch import Batch, LossParts, Task
from rsc_core.objectives.binary_cross_entropy import BinaryCrossEntropy
from rsc_core.objectives.cross_entropy import CrossEntropy
from rsc_core.objectives.cycle_guardian import CycleGuardianObjective
from rsc_core.objectives.distillation import Distillation
from rsc_core.objectives.masked_patches import MaskedPatches
from rsc_core.objectives.patch_mix import PatchMix

__all__ = ["MULTI_LABEL", "OBJECTIVES", "ONE_LABEL", "Batch", "LossParts", "Task", "build"]

OBJECTIVES = {
    "cross_entropy": CrossEntropy,
    "binary_cross_entropy": BinaryCrossEntropy,
    "distillation": Distillation,
    "masked_patches": MaskedPatches,
    "patch_mix": PatchMix,
    "cycle_guardian": CycleGuardianObjective,
}

MULTI_LABEL = {"cross_entropy": "binary_cross_entropy"}
"""What takes an objective's place where a clip may have several labels."""

ONE_LABEL = ("distillation", "patch_mix", "cycle_guardian")
"""Objectives for clips of one label each."""


def build(name: str, options: dict[str, Any], task: Task, model: nn.Module) -> nn.Module:
    """Return objective ``name`` with ``options`` set.

    Raises:
        ValueError: an option is unknown or out of range, or the model is not of a kind the objective can train.
    """
    kind = OBJECTIVES[name]
    return kind(from_json(kind.Config, options), task, model)
