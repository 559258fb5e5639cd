"""What the mixtures compute, by hand."""

import pytest
import torch

from rsc_core import tuning
from rsc_core.tuning.mixture import DenseMixture, SoftMixture
from tests.conftest import TINY

WIDTH, TOKENS = 8, 6


def stir(module):
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.4 * torch.randn(parameter.shape, generator=generator)
    return module


def tokens(batch=2):
    return torch.randn(batch, TOKENS, WIDTH, generator=torch.Generator().manual_seed(1))


def test_dense_by_hand():
    mixture = stir(DenseMixture(WIDTH, 3, 2))
    x = tokens()
    with torch.no_grad():
        output = mixture(x)
        for b in range(2):
            for t in range(TOKENS):
                shares = torch.softmax(mixture.router(x[b, t]), dim=0)
                expected = sum(shares[i] * mixture.adapters[i](x[b, t]) for i in range(3))
                torch.testing.assert_close(output[b, t], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("slots", [1, 2])
def test_soft_by_hand(slots, normalize):
    mixture = stir(SoftMixture(WIDTH, 3, 2, slots, normalize))
    x = tokens()
    with torch.no_grad():
        output = mixture(x)
        for b in range(2):
            rows, columns = x[b], mixture.phi
            if normalize:
                rows = rows / rows.norm(dim=1, keepdim=True)
                columns = mixture.scale * columns / columns.norm(dim=0, keepdim=True)
            logits = rows @ columns
            dispatch, combine = logits.exp() / logits.exp().sum(0), logits.exp() / logits.exp().sum(1, keepdim=True)
            answers = [mixture.adapters[j // slots](dispatch[:, j] @ x[b]) for j in range(3 * slots)]
            expected = sum(combine[:, j : j + 1] * answers[j] for j in range(3 * slots))
            torch.testing.assert_close(output[b], expected, atol=1e-5, rtol=0)


def test_soft_goes_with_its_tokens_in_any_order():
    mixture = stir(SoftMixture(WIDTH, 3, 2, 1, False))
    x, order = tokens(), torch.randperm(TOKENS, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(mixture(x[:, order]), mixture(x)[:, order], atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", ["dense", "soft"])
@pytest.mark.parametrize("place", ["attention", "mlp", "both"])
def test_a_mixture_is_added_once(kind, place, tiny_model):
    tuning.apply(tiny_model, "mixture", tuning.configure("mixture", {"kind": kind, "place": place, "bottleneck": 2}))
    block = stir(tiny_model.blocks[0]).eval()
    hidden = torch.randn(2, 5, TINY.hidden_size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        normed = block.layernorm_before(hidden)
        if place == "mlp":
            middle = hidden + block.attention(normed)[0]
        else:
            middle = hidden + block.attention.base(normed)[0] + block.attention.adapter(normed)
        normed = block.layernorm_after(middle)
        if place == "attention":
            expected = middle + block.mlp(normed)
        else:
            expected = middle + block.mlp.base(normed) + block.mlp.adapter(normed)
        torch.testing.assert_close(block(hidden), expected, atol=1e-4, rtol=1e-5)
