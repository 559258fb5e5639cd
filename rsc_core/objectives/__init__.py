"""What is minimised on a batch.

Each objective is a class whose ``loss(model, batch, generator)`` returns ``LossParts``. What it owns and learns
(projectors, cluster centres) are ``parameters()`` of it, so the engine gives them to the optimizer.
"""

from __future__ import annotations

from rsc_core.objectives.batch import Batch, LossParts
from rsc_core.objectives.binary_cross_entropy import BinaryCrossEntropy
from rsc_core.objectives.cross_entropy import CrossEntropy

__all__ = ["MULTI_LABEL", "OBJECTIVES", "Batch", "LossParts"]

OBJECTIVES = {"cross_entropy": CrossEntropy, "binary_cross_entropy": BinaryCrossEntropy}

MULTI_LABEL = {"cross_entropy": "binary_cross_entropy"}
"""What takes an objective's place where a clip may have several labels."""
