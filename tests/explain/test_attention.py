import numpy as np
import pytest
import torch

from rsc_core import models
from rsc_core.config import ModelConfig
from rsc_core.explain import attention
from rsc_core.explain.attention import record_attention
from rsc_core.models.spectrogram_transformer import TokenLayout


def test_recorded_weights_are_those_of_the_forward_pass(tiny_model):
    """Against the first block's attention written out, LayerNorm included."""
    features = torch.randn(2, 98, 128)
    with torch.no_grad(), record_attention(tiny_model) as maps:
        tiny_model(features)
        backbone, block = tiny_model.backbone, tiny_model.blocks[0]
        special = [backbone.embeddings.cls_token, backbone.embeddings.distillation_token]
        tokens = torch.cat([*(t.expand(2, -1, -1) for t in special), tiny_model.embed(features)], dim=1)
        normed = block.layernorm_before(tokens + backbone.embeddings.position_embeddings)
        q, k = (p(normed).view(2, -1, 2, 16).transpose(1, 2) for p in (block.attention.q_proj, block.attention.k_proj))
        expected = (q @ k.transpose(2, 3) / 4).softmax(dim=-1)
    torch.testing.assert_close(maps[0], expected, atol=1e-6, rtol=0)


def test_recording_leaves_no_trace_even_after_an_error(tiny_model):
    implementation = tiny_model.hf.config._attn_implementation
    with pytest.raises(RuntimeError, match="stop"), record_attention(tiny_model):
        raise RuntimeError("stop")
    assert tiny_model.hf.config._attn_implementation == implementation
    assert not any(module._forward_hooks for module in tiny_model.modules())


def test_a_network_without_attention_is_named_as_such():
    cnn = models.build(ModelConfig(name="cnn", hidden_size=16, heads=1, frames=98))
    with pytest.raises(ValueError, match="expected a model with attention"), attention.record_attention(cnn):
        pass


def test_last_layer_of_uniform_attention_is_uniform_and_sums_to_1():
    """Also where virtual tokens take a share of it."""
    for virtual in (0, 3):
        tokens = 8 + virtual
        look = attention.last_layer([torch.full((1, 2, tokens, tokens), 1 / tokens)], TokenLayout((2, 3)))
        torch.testing.assert_close(look, torch.full((1, 2, 3), 1 / 6))


def test_last_layer_reads_cls_and_dist_alike_and_averages_heads():
    block = torch.zeros(1, 2, 5, 5)
    block[0, 0, 0, 2] = block[0, 0, 1, 3] = block[0, 1, 0, 3] = block[0, 1, 1, 3] = 1
    look = attention.last_layer([torch.zeros(1, 2, 5, 5), block], TokenLayout((1, 3)))
    torch.testing.assert_close(look, torch.tensor([[[0.25, 0.75, 0.0]]]))


def test_over_frames_gives_each_frame_the_patches_that_cover_it():
    spread = attention.over_frames(np.array([[1.0, 3.0]]), patch=4, stride=2)
    np.testing.assert_allclose(spread, [[1, 1, 2, 2, 3, 3]])


def test_fold_back_averages_copies_of_a_repeated_clip():
    window = np.array([[1.0, 2, 3, 4, 5, 6, 7]])  # a clip of 3 frames, repeated
    folded = attention.fold_back([window], [0], period=3, frames=3)
    np.testing.assert_allclose(folded, np.array([[4, 3.5, 4.5]]) / 12)


def test_fold_back_averages_overlapping_windows_of_a_long_clip():
    folded = attention.fold_back([np.array([[1.0, 1, 1]]), np.array([[3.0, 3, 3]])], [0, 2], period=5, frames=5)
    np.testing.assert_allclose(folded, np.array([[1, 1, 2, 3, 3]]) / 10)


def test_fold_back_carries_the_last_seen_frame_to_the_end():
    folded = attention.fold_back([np.array([[1.0, 3]])], [0], period=4, frames=4)
    np.testing.assert_allclose(folded, np.array([[1, 3, 3, 3]]) / 10)


def test_copies_of_a_fractional_period_do_not_drift():
    """The peaks of six copies, 3.5 frames apart, all lie on frame 1."""
    window = np.zeros((1, 24))
    window[0, [int(np.ceil(3.5 * copy + 1)) for copy in range(6)]] = 1
    folded = attention.fold_back([window], [0], period=3.5, frames=3)
    assert folded[0].tolist() == [0, 1, 0]
