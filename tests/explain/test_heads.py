import math

import numpy as np
import pytest
import torch

from rsc_core.analysis import Heads
from rsc_core.explain import heads, tiles
from rsc_core.explain.attention import record_attention
from rsc_core.models.spectrogram_transformer import TokenLayout


def test_equals_transformers_own_eager_attention(transformer, clips):
    """Asked for with output_attentions=True, within 1e-5; the float16 kept for the page within its rounding."""
    with torch.no_grad():
        with record_attention(transformer) as maps:
            transformer(clips)
        transformer.hf.set_attn_implementation("eager")
        expected = transformer.hf(clips, output_attentions=True).attentions
        transformer.hf.set_attn_implementation("sdpa")
    assert len(maps) == len(expected) == 2
    for own, theirs in zip(maps, expected, strict=True):
        torch.testing.assert_close(own, theirs, atol=1e-5, rtol=0)
        torch.testing.assert_close(own.sum(dim=-1), torch.ones(2, 2, 50), atol=1e-5, rtol=0)
    recorded = heads.record(transformer, clips[1:])
    assert recorded.weights.shape == (2, 2, 50, 50) and recorded.weights.dtype == np.float16
    np.testing.assert_allclose(recorded.weights, torch.stack([block[1] for block in expected]), atol=3e-4)


def test_shown_logits_are_those_of_the_recording_pass(transformer, clips):
    """The first come from the fused kernel."""
    assert transformer.hf.config._attn_implementation == "sdpa"
    with torch.no_grad():
        shown = transformer(clips[:1])[0]
    np.testing.assert_allclose(heads.record(transformer, clips[:1]).logits, shown, atol=1e-5)


def test_one_window_at_a_time(transformer, clips):
    with pytest.raises(ValueError, match="expected one window, got 2"):
        heads.record(transformer, clips)


def test_any_token_can_be_the_reader():
    """CLS, DIST, 2 x 3 patches and one virtual token; every weight tells its block, head, row and column."""
    layout = TokenLayout((2, 3))
    weights = np.arange(2 * 2 * 9 * 9, dtype=np.float32).reshape(2, 2, 9, 9)
    assert heads.montage(weights, layout, "cls").shape == (2, 2, 2, 3)
    np.testing.assert_array_equal(heads.montage(weights, layout, "dist")[1, 0], weights[1, 0, 1, 2:8].reshape(2, 3))
    both = (heads.montage(weights, layout, "cls") + heads.montage(weights, layout, "dist")) / 2
    np.testing.assert_array_equal(heads.montage(weights, layout, "mean"), both)
    np.testing.assert_array_equal(heads.montage(weights, layout, 4)[0, 1], weights[0, 1, 6, 2:8].reshape(2, 3))
    for query, message in (("eos", "no token 'eos'; choose one of cls, dist, mean"), (6, "from 0 to 5, got 6")):
        with pytest.raises(ValueError, match=message):
            heads.montage(weights, layout, query)


def test_what_falls_on_special_and_virtual_tokens_is_stated():
    weights = np.zeros((1, 1, 9, 9), dtype=np.float16)
    weights[0, 0, 5] = [0.125, 0.125, 0.25, 0, 0, 0, 0, 0.125, 0.375]
    none = Heads(*(np.zeros((1, 1)),) * 6)
    recorded = heads.Recorded(weights, TokenLayout((2, 3)), np.zeros(4), none)
    shares = {name: float(share[0, 0]) for name, share in recorded.shares(3).items()}
    assert shares == {"special": 0.25, "patches": 0.375, "virtual": 0.375}
    assert recorded.read(3).sum() == 0.375


class Crafted(torch.nn.Module):
    """A model whose attention is replaced as it comes out of each block."""

    def __init__(self, model, pattern):
        super().__init__()
        self.model, self.hf, self.layout = model, model.hf, model.layout
        for block in model.blocks:
            block.attention.register_forward_hook(lambda *call: (call[2][0], pattern.expand(1, 2, -1, -1)))

    def forward(self, features):
        return self.model(features)


def measured(tiny_model, pattern):
    return heads.record(Crafted(tiny_model, pattern), torch.zeros(1, 98, 128)).heads


def test_even_attention_has_the_highest_entropy_and_the_mean_distance(tiny_model):
    found = measured(tiny_model, torch.full((50, 50), 1 / 50))
    np.testing.assert_allclose(found.entropy, math.log(50), rtol=1e-5)
    np.testing.assert_allclose(found.entropy_share, 1, rtol=1e-5)
    np.testing.assert_allclose(found.special, 2 / 50, rtol=1e-5)
    np.testing.assert_array_equal(found.virtual, 0)
    # |i - j| of two places drawn out of n is (n^2 - 1) / 3n apart on average.
    np.testing.assert_allclose(found.distance_s, 0.16 * (6**2 - 1) / (3 * 6), rtol=1e-4)
    hz = tiles.centres_hz((8, 6), 16, 16)
    np.testing.assert_allclose(found.distance_hz, np.abs(hz[:, None] - hz).mean(), rtol=1e-4)


def test_a_head_that_reads_the_next_patch_in_time(tiny_model):
    """No entropy, one patch further, on the same frequency; what CLS and DIST do does not count."""
    pattern = torch.full((50, 50), 1 / 50)
    pattern[2:] = 0
    for freq in range(8):
        for time in range(6):
            pattern[2 + 6 * freq + time, 2 + 6 * freq + min(time + 1, 5)] = 1
    found = measured(tiny_model, pattern)
    np.testing.assert_allclose(found.entropy, 0, atol=1e-6)
    np.testing.assert_allclose(found.distance_s, 0.16 * 5 / 6, rtol=1e-5)
    np.testing.assert_allclose(found.distance_hz, 0, atol=1e-3)


def test_a_head_that_reads_no_patch_has_no_distance(tiny_model):
    pattern = torch.zeros(50, 50)
    pattern[:, 0] = 1
    found = measured(tiny_model, pattern)
    assert np.isnan(found.distance_s).all() and np.isnan(found.distance_hz).all()
