"""Logit adjustment: what a balanced sampling taught is undone while learning."""

import pytest
import torch
from torch.nn import functional as F

from rsc_core import engine, objectives
from rsc_core.config import run_config
from rsc_core.data.corpus import Clip
from rsc_core.objectives import Batch, Task


def clips(counts):
    """So many clips of each class."""
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    return [Clip("r", None, 0.0, 1.0, (label,), "p", "Meditron", "Al", "train", "") for label in labels]


def test_the_offset_is_how_much_more_often_a_class_is_drawn():
    counts = 80, 40, 20, 10
    config = run_config("full", "icbhi", "small", {"balance": 0.5, "logit_adjustment": True})
    offset = engine._task(config, clips(counts)).offset
    true = torch.tensor(counts) / sum(counts)
    drawn = true**0.5 / (true**0.5).sum()
    expected = (drawn / true).log()
    torch.testing.assert_close(offset - offset[0], expected - expected[0])
    assert engine._task(run_config("full", "icbhi", "small"), clips(counts)).offset is None


def test_the_offset_stands_in_the_loss_and_not_in_the_model():
    logits = torch.randn(5, 4)
    targets = torch.eye(4)[[0, 1, 2, 3, 0]]
    offset = torch.tensor([0.0, 1.0, 2.0, 3.0])
    task = Task(("a", "b", "c", "d"), label_smoothing=0.1, offset=offset)
    objective = objectives.build("cross_entropy", {}, task, None)
    parts = objective.loss(lambda features: features, Batch(logits, targets), torch.Generator())
    expected = F.cross_entropy(logits + offset, targets, label_smoothing=0.1)
    assert parts.total.item() == pytest.approx(expected.item(), rel=1e-6)


def test_an_unknown_option_is_refused():
    with pytest.raises(ValueError, match="has no temperature"):
        objectives.build("cross_entropy", {"temperature": 2.0}, Task(("a", "b")), None)
