"""Prefixes and prompts, against their equations and against tokens that stand first."""

import copy
import math

import pytest
import torch

from rsc_core import tuning
from rsc_core.config import TrainConfig
from rsc_core.explain import heads
from rsc_core.explain.rollout import rollout
from rsc_core.explain.weights import scaled, weight_change
from rsc_core.optimizer import build_optimizer
from rsc_core.tuning import prompt

FEATURES = torch.randn(2, 98, 128, generator=torch.Generator().manual_seed(1))


def tuned(model, name, **options):
    model = copy.deepcopy(model)
    torch.manual_seed(4)
    tuning.apply(model, name, tuning.configure(name, options))
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith(".virtual"):
                parameter.normal_()
    return model.eval()


def split_heads(x, count):
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def test_prefix_attention_follows_its_equation(tiny_model):
    """softmax(Q [K; P_k]^T / sqrt(d)) [V; P_v], with the prefix in front as the references have it."""
    plain = tiny_model.blocks[0].attention
    prefixed = tuned(tiny_model, "prefix", tokens=10).blocks[0].attention
    hidden = torch.randn(2, 7, 32)
    with torch.no_grad():
        own = [projection(hidden) for projection in (plain.k_proj, plain.v_proj)]
        before = [getattr(prefixed.base, name).virtual.expand(2, -1, -1) for name in ("k_proj", "v_proj")]
        assert [b.shape for b in before] == [(2, 5, 32)] * 2
        keys, values = (split_heads(torch.cat(pair, dim=1), 2) for pair in zip(before, own, strict=True))
        queries = split_heads(plain.q_proj(hidden), 2)
        weights = (queries @ keys.transpose(2, 3) / math.sqrt(16)).softmax(dim=-1)
        expected = plain.o_proj((weights @ values).transpose(1, 2).flatten(2))
        torch.testing.assert_close(prefixed(hidden)[0], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("deep", [True, False])
def test_prompts_behind_the_patches_equal_prompts_in_front(tiny_model, deep):
    model = tuned(tiny_model, "prompt", tokens=3, deep=deep, pooling="special")
    hidden = torch.randn(2, 50, 32)
    with torch.no_grad():
        last, first = hidden, torch.cat([torch.zeros(2, 3, 32), hidden], dim=1)
        for index, (plain, prompted) in enumerate(zip(tiny_model.blocks, model.blocks, strict=True)):
            last = prompted(last)
            if deep or index == 0:
                first = torch.cat([prompted.virtual.expand(2, -1, -1), first[:, 3:]], dim=1)
            first = plain(first)
        assert last.shape == (2, 53, 32)
        torch.testing.assert_close(last, torch.cat([first[:, 3:], first[:, :3]], dim=1), atol=1e-5, rtol=0)


def test_each_pooling_reads_the_tokens_it_names(tiny_model):
    """CLS, DIST, 48 patches and two prompts."""
    tokens = torch.randn(2, 52, 32)
    read = {
        "special": [0, 1],
        "cls": [0],
        "all": range(52),
        "prompts": [50, 51],
        "patches": range(2, 50),
        "prompts_patches": range(2, 52),
    }
    assert set(read) == set(prompt.POOLINGS)
    for pooling, indices in read.items():
        model = tuned(tiny_model, "prompt", tokens=2, pooling=pooling)
        torch.testing.assert_close(model.pool(tokens), tokens[:, list(indices)].mean(dim=1))
        with torch.no_grad():
            encoded = model.encode(model.embed(FEATURES), model.layout(98))
            assert encoded.shape == (2, 52, 32)
            assert torch.equal(model(FEATURES), model.head(model.pool(encoded)))


@pytest.mark.parametrize(("name", "virtual"), [("prefix", 5), ("prompt", 10)])
def test_maps_show_patches_and_state_what_virtual_tokens_take(tiny_model, name, virtual):
    model = tuned(tiny_model, name, tokens=10)
    recorded = heads.record(model, FEATURES[:1])
    assert recorded.weights.shape == (2, 2, 50 + virtual, 50 + virtual)
    assert recorded.read("mean").shape == (2, 2, 8, 6)
    shares = recorded.shares("mean")
    assert (shares["virtual"] > 0.001).all()
    torch.testing.assert_close(torch.from_numpy(sum(shares.values())), torch.ones(2, 2), atol=2e-3, rtol=0)
    flow = rollout([torch.from_numpy(w)[None].float() for w in recorded.weights], recorded.layout)
    assert flow.shape == (1, 8, 6) and float(flow.sum()) == pytest.approx(1)


@pytest.mark.parametrize("name", ["prefix", "prompt"])
def test_what_changed_is_found_inside_the_wrappers(tiny_model, name):
    model = tuned(tiny_model, name)
    assert {row.kind for row in weight_change(tiny_model, model)} == {"none"}
    with pytest.raises(ValueError, match="virtual tokens and borders"), scaled(model, tiny_model, 0.5):
        pass


@pytest.mark.parametrize("name", ["prefix", "prompt"])
def test_virtual_tokens_are_not_decayed(tiny_model, name):
    model = tuned(tiny_model, name)
    decayed, undecayed = build_optimizer(model, torch.nn.Identity(), TrainConfig()).param_groups
    virtual = [p for n, p in model.named_parameters() if n.endswith(".virtual")]
    assert virtual and all(any(p is u for u in undecayed["params"]) for p in virtual)
    assert len(decayed["params"]) == 1  # the head's matrix
