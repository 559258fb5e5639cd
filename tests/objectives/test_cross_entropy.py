"""Logit adjustment: what a balanced sampling taught is undone while learning."""

import pytest
import torch
from torch.nn import functional as F

from rsc_core import engine, objectives
from rsc_core.config import run_config
from rsc_core.data.corpus import Clip
from rsc_core.objectives import Batch, Task
from rsc_core.objectives.cross_entropy import label_loss


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


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_class_weights_are_those_of_torch(share):
    """With ``class_weight`` 1, the inverse of the counts; only their ratios matter."""
    counts = 80, 40, 20, 10
    task = engine._task(run_config("full", "icbhi", "small", {"class_weight": share}), clips(counts))
    logits, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 0])
    weights = torch.tensor(counts).float() ** -share
    weights = weights / weights.sum()
    expected = F.cross_entropy(logits, labels, weights)
    torch.testing.assert_close(label_loss(logits, F.one_hot(labels, 4).float(), task), expected)
    assert engine._task(run_config("full", "icbhi", "small"), clips(counts)).weights is None


def test_class_weights_of_mixed_labels_weigh_both():
    """lambda CE(y) + (1 - lambda) CE(y of the partner), each weighted as it is by itself."""
    logits, labels, partner = torch.randn(4, 4), torch.tensor([0, 1, 2, 3]), torch.tensor([1, 2, 3, 0])
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0])
    one_hot = F.one_hot(labels, 4).float()
    found = label_loss(logits, 0.3 * one_hot + 0.7 * one_hot[partner], Task(("a", "b", "c", "d"), weights=weights))
    own, other = (F.cross_entropy(logits, y, weights) for y in (labels, labels[partner]))
    torch.testing.assert_close(found, 0.3 * own + 0.7 * other)


def test_offset_and_class_weights_together():
    counts = 80, 40, 20, 10
    options = {"balance": 0.5, "logit_adjustment": True, "class_weight": 0.5}
    task = engine._task(run_config("full", "icbhi", "small", options), clips(counts))
    expected = (torch.tensor(counts).float() / 80) ** -0.5
    torch.testing.assert_close((task.offset - task.offset[0]).exp(), expected)
    torch.testing.assert_close(task.weights / task.weights[0], expected)
