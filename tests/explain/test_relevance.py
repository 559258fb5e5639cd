from dataclasses import replace

import pytest
import torch

from rsc_core.explain import tiles
from rsc_core.explain.attention import attends
from rsc_core.explain.gradients import gradient_input
from rsc_core.explain.occlusion import occlude
from rsc_core.explain.relevance import METHODS, relevance
from rsc_core.explain.target import Target
from rsc_core.models import spectrogram_transformer
from tests.conftest import TINY
from tests.explain.conftest import decided

WITHOUT_ATTENTION = {"gradient_input", "integrated_gradients", "occlusion"}


@pytest.fixture(params=METHODS.values(), ids=METHODS)
def method(request):
    return request.param


def test_every_method_keeps_what_it_says_of_itself(method, network, clips):
    """Shape, sign, whether it needs attention, and whether it asks for the class."""
    assert method.needs_attention == (method.name not in WITHOUT_ATTENTION)
    if method.needs_attention and not attends(network):
        others = "gradient_input, integrated_gradients, occlusion"
        with pytest.raises(ValueError, match=f"{method.name} needs a model with attention.*one of {others}"):
            relevance(network, clips, method.name, Target(1))
        return
    targets = (Target(1), Target(2), Target(1, against=2))
    maps = [relevance(network, clips[:1], method.name, target) for target in targets]
    for found in maps:
        assert found.shape == (1, 8, 6) and found.dtype == torch.float32 and not found.requires_grad
        assert found.isfinite().all() and found.std() > 0
        assert bool((found < 0).any()) == method.signed
    assert torch.equal(maps[0], maps[1]) != method.by_class
    assert torch.equal(maps[0], maps[2]) != method.by_class


def test_no_method_tells_copies_apart(method):
    """A clip of two tiles' length, repeated over six: each copy's map is the same, whatever the positions add."""
    model = decided("full")
    clip = torch.randn(1, 32, 128, generator=torch.Generator().manual_seed(0))
    features = clip[:, torch.arange(98) % 32]
    found = relevance(model, features, method.name, Target(2), period=32.0)
    torch.testing.assert_close(found, found[..., :2].repeat(1, 1, 3), atol=1e-6, rtol=1e-4)
    assert found[..., 0].sub(found[..., 1]).abs().max() > 0 or method.name == "occlusion"  # its tile spans both
    raw = relevance(model, features, method.name, Target(2))
    if method.name != "occlusion":
        torch.testing.assert_close(found.sum(), raw.sum(), atol=1e-3, rtol=1e-3)
        assert not torch.allclose(raw, found, rtol=1e-2)


def test_maps_of_points_are_sums_and_of_falls_means(network, clips):
    points, falls = gradient_input(network, clips, Target(1)), occlude(network, clips, Target(1))
    for name, expected in (("gradient_input", points), ("occlusion", falls / 256)):
        seen = expected[:, :96].unflatten(1, (6, 16)).unflatten(3, (8, 16)).sum(dim=(2, 4)).transpose(1, 2)
        torch.testing.assert_close(relevance(network, clips, name, Target(1)), seen, atol=1e-5, rtol=1e-4)


def test_overlapping_patches(clips):
    """AST-base's stride of 10 on a toy network, with copies: 12 x 9 patches."""
    model = spectrogram_transformer.build(replace(TINY, stride=10)).eval()
    assert tiles.grid(model, 98) == (12, 9)
    for name in METHODS:
        assert relevance(model, clips[:1], name, Target(0), period=40.5).shape == (1, 12, 9)


def test_an_unknown_method_is_named(network, clips):
    with pytest.raises(ValueError, match="no method 'lime'; choose one of attention, rollout, rollout_max"):
        relevance(network, clips, "lime", Target(0))


def test_names_are_keys():
    assert all(name == method.name and method.title for name, method in METHODS.items())
