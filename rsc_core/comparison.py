"""Models beside each other on one recording, and a tuned model beside the base it was tuned from.

Which base that is, is read from the run folder: a tuning names its base model, a fully tuned model the backbone it
started from. It is offered when that model is at hand, has the same geometry, and has learned what the tuned one
learned first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rsc_core import checkpoint, models
from rsc_core.analysis import Analysis, AttentionMap
from rsc_core.explain import weights
from rsc_core.explain.weights import LayerChange
from rsc_core.inference import Analyser

FEWEST, MOST = 2, 4
FACTORS = tuple(i * weights.LARGEST_FACTOR / 6 for i in range(7))


@dataclass(frozen=True)
class Comparison:
    """One recording as several models label it; the cycles are the same."""

    analyses: tuple[Analysis, ...]

    @property
    def differs(self) -> np.ndarray:
        """(cycle,) bool: two models give it different labels."""
        return np.array([len(set(labels)) > 1 for labels in zip(*(a.labels for a in self.analyses), strict=True)])

    @property
    def gaps(self) -> np.ndarray:
        """(cycle,) largest difference of two models in P(crackle present) or P(wheeze present)."""
        present = np.stack([[a.crackle_present, a.wheeze_present] for a in self.analyses])
        return np.ptp(present, axis=0).max(axis=0)

    def order(self, disagreements_first: bool) -> list[int]:
        """Return the cycles in time, or those with different labels first, each part by falling ``gaps``."""
        cycles = range(len(self.differs))
        return sorted(cycles, key=lambda i: (not self.differs[i], -self.gaps[i])) if disagreements_first else [*cycles]


@dataclass(frozen=True)
class Tuned:
    """What tuning changed: in the weights of a base's offspring, and in one of them on one cycle."""

    name: str
    base: str
    classes: tuple[str, ...]
    factors: tuple[float, ...]  # how much of the tuning; 1 is as tuned
    probabilities: np.ndarray  # (factor, class) of the cycle
    more_than_base: tuple[AttentionMap, ...]  # the tuned model's share of attention minus the base's; sums to 0
    changes: dict[str, tuple[LayerChange, ...]]  # of every model at hand tuned from this base, its own first

    @property
    def label(self) -> str:
        """The most probable class of the cycle, as tuned."""
        return self.classes[int(self.probabilities[self.factors.index(1)].argmax())]

    @property
    def telling(self) -> LayerChange:
        """The model's largest change among those that most of the models share."""

        def shared(change: LayerChange) -> int:
            place = (change.layer, change.projection)
            others = (other for changes in self.changes.values() for other in changes)
            return sum((other.layer, other.projection) == place and other.norm > 0 for other in others)

        return max((c for c in self.changes[self.name] if c.norm > 0), key=lambda c: (shared(c), c.relative_norm))


def compare(analyser: Analyser, analysis: Analysis, names: list[str]) -> Comparison:
    """Label a recording that was analysed with several models.

    Raises:
        ValueError: fewer than two models, more than four, or one twice.
        CheckpointError: there is no such model, or it cannot be loaded.
    """
    if not FEWEST <= len(names) <= MOST or len(set(names)) < len(names):
        raise ValueError(f"expected {FEWEST} to {MOST} different models, got {', '.join(names) or 'none'}")
    return Comparison(tuple(analyser.relabel(analysis, name) for name in names))


def bases(analyser: Analyser) -> dict[str, str]:
    """Return tuned model -> the base it was tuned from, in display order, of those whose base is at hand."""
    facts = {name: checkpoint.read_facts(analyser.folder / name) for name in analyser.cards}
    found = {name: Path(one.get("base") or one["config"]["backbone"]).name for name, one in facts.items()}
    return {
        name: base
        for name, base in found.items()
        if base in facts and base != name and _descends(facts[name], facts[base])
    }


def what_tuning_changed(analyser: Analyser, analysis: Analysis, index: int, name: str) -> Tuned:
    """Compare a tuned model with its base, on one cycle of a recording.

    Raises:
        ValueError: the model has no base at hand.
        IndexError: the analysis has no such cycle.
        CheckpointError: a model cannot be loaded.
    """
    known = bases(analyser)
    if name not in known:
        raise ValueError(f"expected a tuned model whose base is at hand ({', '.join(known) or 'none'}), got {name}")
    more = tuple(
        replace(after, values=weights.difference(after.values, start.values))
        for after, start in zip(
            analyser.attention(analysis, index, name), analyser.attention(analysis, index, known[name]), strict=True
        )
    )
    siblings = [name, *(other for other, base in known.items() if base == known[name] and other != name)]
    with analyser.alone_with(known[name], *siblings) as (base, *tuned):
        changes = {
            sibling: tuple(weights.weight_change(base.model, one.model))
            for sibling, one in zip(siblings, tuned, strict=True)
        }
        features = analyser.inputs(analysis.recording, analysis.cycles[index], tuned[0])
        with torch.inference_mode():
            probabilities = []
            for factor in FACTORS:
                with weights.scaled(tuned[0].model, base.model, factor):
                    logits = tuned[0].model(features)
                probabilities.append(models.probabilities(logits, tuned[0].config.model).mean(dim=0).cpu().numpy())
    classes = tuned[0].config.model.classes
    return Tuned(name, known[name], classes, FACTORS, np.stack(probabilities), more, changes)


def _descends(tuned: dict[str, Any], base: dict[str, Any]) -> bool:
    """Whether one transformer can have been tuned from another: its geometry, and what it learned first."""
    own, theirs = ({**facts["config"]["model"], "classes": None} for facts in (tuned, base))
    learned_first = tuned["learned_from"][: len(base["learned_from"])]
    return own["name"] == "spectrogram_transformer" and own == theirs and learned_first == base["learned_from"]
