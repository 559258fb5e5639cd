import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients

from rsc_core.explain import gradients
from rsc_core.explain.perturb import filling
from rsc_core.explain.target import Target, score
from tests.explain.conftest import decided

WHEEZE, AGAINST = Target(2), Target(2, against=1)


def test_gradient_input_equals_captum(network, clips):
    expected = InputXGradient(network).attribute(clips.clone().requires_grad_(), target=2)
    found = gradients.gradient_input(network, clips, WHEEZE)
    torch.testing.assert_close(found, expected.detach(), atol=1e-6, rtol=1e-4)
    assert found.abs().max() > 1e-4


def test_integrated_gradients_equal_captum(network, clips):
    baseline = torch.full_like(clips, -0.5)
    expected = IntegratedGradients(network).attribute(clips, baseline, target=2, n_steps=8, method="gausslegendre")
    found = gradients.integrated_gradients(network, clips, WHEEZE, baseline=baseline, steps=8)
    torch.testing.assert_close(found, expected.detach().float(), atol=1e-6, rtol=1e-4)
    assert found.abs().max() > 1e-4


@pytest.mark.parametrize("target", [WHEEZE, AGAINST], ids=["class", "difference"])
def test_integrated_gradients_are_complete(transformer, clips, target):
    """They sum to what the score gained since the baseline, the local mean; attention is smooth, as after training."""
    with torch.no_grad():
        for name, parameter in transformer.named_parameters():
            if "q_proj" in name:
                parameter *= 0.2
    found = gradients.integrated_gradients(transformer, clips, target).sum(dim=(1, 2))
    with torch.no_grad():
        gained = score(transformer(clips), target) - score(transformer(filling(clips, "local_mean")), target)
    assert gained.abs().max() > 0.05
    torch.testing.assert_close(found, gained, atol=2e-3, rtol=0)


def test_the_difference_of_two_classes_is_the_difference_of_their_maps(network, clips):
    own, other = (gradients.gradient_input(network, clips, Target(i)) for i in (2, 1))
    torch.testing.assert_close(gradients.gradient_input(network, clips, AGAINST), own - other, atol=1e-5, rtol=1e-4)


def attend_by_hand(model, features):
    """Logits and each block's (1, heads, 50, 50) attention, written out without transformers."""
    embeddings, maps = model.backbone.embeddings, []
    special = [embeddings.cls_token, embeddings.distillation_token]
    hidden = torch.cat([*special, model.embed(features)], dim=1) + embeddings.position_embeddings
    for block in model.blocks:
        normed, part = block.layernorm_before(hidden), block.attention
        q, k, v = (p(normed).view(1, -1, 2, 16).transpose(1, 2) for p in (part.q_proj, part.k_proj, part.v_proj))
        maps.append((q @ k.transpose(2, 3) / 4).softmax(dim=-1))
        hidden = hidden + part.o_proj((maps[-1] @ v).transpose(1, 2).flatten(2))
        hidden = hidden + block.mlp(block.layernorm_after(hidden))
    return model.head(model.pool(model.backbone.layernorm(hidden))), maps


def test_gradient_attention_follows_chefers_rule(clips):
    """Entry by entry in numpy, on attention that was written out."""
    model = decided("full")
    logits, maps = attend_by_hand(model, clips[:1])
    slopes = torch.autograd.grad(logits[0, 2] - logits[0, 1], maps)
    relevance = np.eye(50)
    for block, slope in zip(maps, slopes, strict=True):
        gained = np.zeros((50, 50))
        for head in range(2):
            gained += np.maximum(slope[0, head].numpy() * block[0, head].detach().numpy(), 0) / 2
        relevance += gained @ relevance
    expected = (relevance[0, 2:] + relevance[1, 2:]).reshape(8, 6) / 2
    found = gradients.gradient_attention(model, clips[:1], AGAINST)[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.max())
    assert expected.max() > 0


def test_gradient_attention_leaves_virtual_tokens_out(clips):
    """Two more tokens behind the patches in every block: the map keeps its shape and its places."""
    model = decided("full")
    spare = torch.zeros(2, 2, 32)
    model.blocks[0].register_forward_pre_hook(lambda _block, args: (torch.cat([args[0], spare], dim=1),))
    found = gradients.gradient_attention(model, clips, WHEEZE)
    assert found.shape == (2, 8, 6) and (found >= 0).all() and found.max() > 0


@pytest.mark.parametrize("function", [gradients.gradient_attention, gradients.gradient_input])
def test_no_gradient_is_left_behind_in_whatever_mode(transformer, clips, function):
    expected = function(transformer, clips, WHEEZE)
    with torch.inference_mode():
        found = function(transformer, clips.clone(), WHEEZE)
    assert torch.equal(found, expected) and not found.requires_grad
    assert all(parameter.grad is None for parameter in transformer.parameters())


def test_each_window_is_explained_by_itself(transformer, clips):
    for function in (gradients.gradient_attention, gradients.gradient_input):
        together = function(transformer, clips, WHEEZE)
        alone = torch.cat([function(transformer, clip[None], WHEEZE) for clip in clips])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-3)
