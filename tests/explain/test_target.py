import pytest
import torch

from rsc_core.explain.target import Target, score

LOGITS = torch.tensor([[1.0, 5.0, 2.0], [0.0, -1.0, 7.0]])


def test_a_class_or_the_difference_of_two():
    torch.testing.assert_close(score(LOGITS, Target(1)), torch.tensor([5.0, -1.0]))
    torch.testing.assert_close(score(LOGITS, Target(1, against=0)), torch.tensor([4.0, -1.0]))


@pytest.mark.parametrize("pair", [(1, 1), (-1, None), (0, -2)])
def test_impossible_targets_are_refused(pair):
    with pytest.raises(ValueError, match="one class, or two that differ"):
        Target(*pair)


@pytest.mark.parametrize("target", [Target(3), Target(0, 3)])
def test_a_class_the_model_lacks_is_named(target):
    with pytest.raises(ValueError, match="the model tells 3 classes apart"):
        score(LOGITS, target)
