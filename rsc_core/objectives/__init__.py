"""What is minimised on a batch.

Each objective is a class whose ``loss(model, batch, generator)`` returns ``LossParts``. What it owns and learns
(projectors, cluster centres) are ``parameters()`` of it, so the engine gives them to the optimizer.
"""

from __future__ import annotations

from rsc_core.objectives.batch import Batch, LossParts
from rsc_core.objectives.cross_entropy import CrossEntropy

__all__ = ["OBJECTIVES", "Batch", "LossParts"]

OBJECTIVES = {"cross_entropy": CrossEntropy}
