"""The contrastive loss against its formula."""

import math

import pytest
import torch
from torch.nn import functional as F

from rsc_core import tuning
from rsc_core.objectives.contrastive import mixed_contrastive, projector


def by_hand(mixed, clips, partner, kept, temperature, labels=None):
    """The formula written out, a clip and a column at a time."""
    total = 0.0
    for i, own in enumerate(mixed.tolist()):
        columns = []
        for other in clips.tolist():
            dot = sum(a * b for a, b in zip(own, other, strict=True))
            lengths = math.dist(own, [0] * len(own)) * math.dist(other, [0] * len(other))
            columns.append(math.exp(dot / lengths / temperature))
        j = int(partner[i])
        allowed = [c for c in range(len(clips)) if labels is None or c in (i, j) or labels[c] != labels[i]]
        denominator = sum(columns[c] for c in allowed)
        total -= kept * math.log(columns[i] / denominator) + (1 - kept) * math.log(columns[j] / denominator)
    return total / len(mixed)


def draws(seed=0, batch=7, width=5):
    generator = torch.Generator().manual_seed(seed)
    mixed, clips = torch.randn(2, batch, width, generator=generator)
    return mixed, clips, torch.randperm(batch, generator=generator)


@pytest.mark.parametrize("labels", [None, torch.tensor([0, 1, 0, 2, 0, 1, 0]), torch.zeros(7, dtype=torch.long)])
@pytest.mark.parametrize(("kept", "temperature"), [(0.7, 0.2), (0.0, 0.06), (1.0, 1.0)])
def test_it_is_the_formula(labels, kept, temperature):
    mixed, clips, partner = draws()
    found = mixed_contrastive(mixed, clips, partner, kept, temperature, labels)
    assert found.item() == pytest.approx(by_hand(mixed, clips, partner, kept, temperature, labels), rel=1e-4)


def test_nothing_mixed_or_each_with_itself_is_infonce():
    mixed, clips, partner = draws()
    similarity = F.cosine_similarity(mixed.unsqueeze(1), clips, dim=2) / 0.1
    infonce = F.cross_entropy(similarity, torch.arange(7))
    torch.testing.assert_close(mixed_contrastive(mixed, clips, partner, 1.0, 0.1), infonce)
    for kept in (0.0, 0.3, 1.0):
        torch.testing.assert_close(mixed_contrastive(mixed, clips, torch.arange(7), kept, 0.1), infonce)


def test_lengths_do_not_count_and_the_order_of_the_batch_neither():
    mixed, clips, partner = draws()
    before = mixed_contrastive(mixed, clips, partner, 0.4, 0.1)
    torch.testing.assert_close(mixed_contrastive(3 * mixed, 0.2 * clips, partner, 0.4, 0.1), before)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(5))
    moved = order.argsort()[partner[order]]
    torch.testing.assert_close(mixed_contrastive(mixed[order], clips[order], moved, 0.4, 0.1), before)


def test_clips_of_one_class_are_not_pushed_apart():
    """All of one class: only a clip's own two are compared, so the others get no gradient."""
    mixed, clips, _ = draws()
    partner = torch.arange(7)
    clips.requires_grad_()
    mixed_contrastive(mixed, clips, partner, 0.4, 0.1, torch.zeros(7)).backward()
    assert clips.grad.abs().max() == 0
    mixed_contrastive(mixed, clips, partner, 0.4, 0.1).backward()
    assert clips.grad.abs().max() > 0


def test_it_is_computed_in_float32_under_autocast():
    mixed, clips, partner = draws()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = mixed_contrastive(mixed, clips, partner, 0.4, 0.06)
    assert torch.equal(inside, mixed_contrastive(mixed, clips, partner, 0.4, 0.06))


def test_the_projector_is_as_large_as_published():
    assert tuning.count_trainable(projector(768)) == 1_182_720
