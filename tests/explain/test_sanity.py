import copy

import numpy as np
import pytest
import torch

from rsc_core import models, tuning
from rsc_core.config import ModelConfig
from rsc_core.explain import attention, sanity
from tests.conftest import TINY

CNN = ModelConfig(name="cnn", hidden_size=16, heads=1, frames=98)


def built(kind):
    torch.manual_seed(0)
    model = models.build(CNN if kind == "cnn" else TINY)
    if kind not in ("cnn", "full"):
        tuning.apply(model, kind, tuning.configure(kind, {}))
    return model.eval()


def last_layer(model):
    features = torch.randn(1, 98, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), attention.record_attention(model) as maps:
        model(features)
    return attention.last_layer(maps, model.layout(98)).numpy()


@pytest.mark.parametrize("kind", ["full", "lora", "adapter", "cnn"])
def test_every_parameter_stands_in_one_layer_head_first(kind):
    model = built(kind)
    found = sanity.layers(model)
    placed = [id(p) for held in found.values() for p in held]
    assert sorted(placed) == sorted(id(p) for p in model.parameters())
    middle = [f"block {i}" for i in range(8 if kind == "cnn" else 2, 0, -1)]
    assert list(found) == ["head", *middle, "stem" if kind == "cnn" else "patches and positions"]
    head = model.classifier if kind == "cnn" else model.hf.classifier
    assert {id(p) for p in head.parameters()} <= {id(p) for p in found["head"]}


def test_layers_are_randomised_one_after_the_other_and_the_model_stays_as_it_is():
    model = built("full")
    before = copy.deepcopy(model.state_dict())
    seen = []

    def explain(asked):
        seen.append(copy.deepcopy(asked.state_dict()))
        return last_layer(asked)

    steps = list(sanity.cascade(model, explain))
    assert [s.layer for s in steps] == list(sanity.layers(model))
    changed = [{k for k, v in state.items() if not torch.equal(v, before[k])} for state in seen]
    assert not changed[0] and all(a < b for a, b in zip(changed[:-1], changed[1:], strict=True))
    assert all("classifier" in k or k.endswith("layernorm.weight") for k in changed[1])
    assert not any(".layers.0." in k for k in changed[2]) and any(".layers.1." in k for k in changed[2])
    for key, value in seen[-1].items():
        torch.testing.assert_close(value.flatten().sort().values, before[key].flatten().sort().values, rtol=0, atol=0)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_attention_forgets_with_its_block_and_not_with_the_head():
    """The head reads behind the blocks, so attention does not feel it: a similarity of 1 there is no praise."""
    model = built("full")
    with torch.no_grad():  # attention of a fresh model is flat
        for block in model.blocks:
            block.attention.q_proj.weight.normal_(std=0.5)
            block.attention.k_proj.weight.normal_(std=0.5)
    steps = {s.layer: s for s in sanity.cascade(model, last_layer)}
    assert steps["head"].similarity == pytest.approx(1)
    assert steps["block 2"].similarity < 0.999
    assert abs(steps["patches and positions"].similarity) < 0.6
    assert steps["head"].values.dtype == np.float32


def test_the_same_seed_forgets_the_same_way():
    values = [list(sanity.cascade(built("full"), last_layer, seed))[-1].values for seed in (1, 1, 2)]
    np.testing.assert_array_equal(values[0], values[1])
    assert not np.array_equal(values[0], values[2])


def test_similarity_is_spearmans():
    assert sanity.similarity(np.array([[1.0, 2, 3]]), np.array([[1.0, 8, 27]])) == pytest.approx(1)
    assert sanity.similarity(np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 4, 3])) == pytest.approx(1 - 6 * 4 / (4 * 15))
    assert np.isnan(sanity.similarity(np.ones(4), np.arange(4)))
