import pytest
import torch
from captum.attr import Occlusion

from rsc_core.explain.occlusion import occlude
from rsc_core.explain.perturb import filling
from rsc_core.explain.target import Target, score


@pytest.mark.parametrize("size", [(16, 16), (32, 64), (40, 48)])
def test_equals_captum(network, clips, size):
    """The last size divides neither the frames nor the bins."""
    expected = Occlusion(network).attribute(clips, size, strides=size, baselines=-0.5, target=2)
    found = occlude(network, clips, Target(2), size=size, baseline=torch.full_like(clips, -0.5))
    torch.testing.assert_close(found, expected.float(), atol=1e-5, rtol=0)
    assert found.abs().max() > 1e-3


def test_copies_of_a_short_clip_are_taken_together(network):
    """A clip of 33.5 frames, repeated: the second of its two tiles in time, and all its copies, by hand."""
    frames = torch.arange(98)
    features = torch.randn(1, 34, 128, generator=torch.Generator().manual_seed(0))[:, (frames % 33.5).long()]
    found = occlude(network, features, Target(2, against=1), period=33.5, size=(20, 128))
    later = torch.zeros(98, dtype=torch.bool)
    later[20:34] = later[54:67] = later[87:98] = True
    without = torch.where(later[:, None], filling(features, "local_mean", 33.5), features)
    with torch.no_grad():
        fall = score(network(features), Target(2, 1)) - score(network(without), Target(2, 1))
    assert fall.abs() > 1e-4
    torch.testing.assert_close(found[:, later], fall.expand(1, int(later.sum()), 128), atol=1e-5, rtol=0)
    assert found[0, 0, 0] == found[0, 34, 0] == found[0, 67, 0] != found[0, 20, 0]


def test_an_empty_tile_is_refused(network, clips):
    with pytest.raises(ValueError, match="expected a tile of 1 frame and 1 mel bin or more, got 16 and 0"):
        occlude(network, clips, Target(0), size=(16, 0))
