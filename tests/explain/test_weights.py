import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rsc_core import checkpoint, tuning
from rsc_core.config import ModelConfig
from rsc_core.explain.weights import difference, effective_rank, scaled, weight_change
from rsc_core.models import cnn, spectrogram_transformer
from tests.conftest import TINY

SHIPPED = Path(__file__).parents[2] / "checkpoints"
TUNINGS = [
    ("full", {}),
    ("linear", {}),
    ("lora", {"rank": 3, "alpha": 6.0, "targets": ("q", "v")}),
    ("adapter", {"bottleneck": 4}),
    ("adapter", {"bottleneck": 4, "placement": "houlsby", "order": "parallel"}),
    ("lora", {"rank": 3, "targets": ("q", "fc1"), "variant": "pissa"}),
    ("lora", {"rank": 3, "targets": ("q", "fc1"), "variant": "dora"}),
    ("ia3", {}),
    ("bitfit", {}),
    ("adapter", {"bottleneck": 4, "placement": "hydra"}),
    ("adapter", {"bottleneck": 4, "kind": "conformer", "order": "parallel"}),
    ("mixture", {"bottleneck": 2, "kind": "dense"}),
    ("ipet", {"prompts": 0, "rank": 4, "learn_scale": True}),
]
SMALL_CNN = ModelConfig("cnn", hidden_size=32, heads=2, frames=98)
FEATURES = torch.randn(2, 98, 128, generator=torch.Generator().manual_seed(5))


def tune(base, name, options):
    """A tuned copy of ``base``: what the tuning trains is moved at random, as if it had learned."""
    model = copy.deepcopy(base)
    torch.manual_seed(2)
    tuning.apply(model, name, tuning.configure(name, options))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


@pytest.fixture(
    params=TUNINGS,
    ids=[
        *("full", "linear", "lora", "pfeiffer", "houlsby", "pissa", "dora", "ia3", "bitfit"),
        *("hydra", "conformer", "mixture", "ipet"),
    ],
)
def tuned(request, tiny_model):
    return tune(tiny_model, *request.param)


def test_each_tuning_changes_what_it_says(tuned, tiny_model, request):
    rows = {(r.layer, r.projection): r for r in weight_change(tiny_model, tuned)}
    kinds = {projection: {r.kind for (_, p), r in rows.items() if p == projection} for _, projection in rows}
    projections = dict.fromkeys(("q", "k", "v", "o", "fc1", "fc2"), {"none"})
    assert (
        kinds
        == {
            "full": dict.fromkeys(projections, {"full"}),
            "linear": projections,
            "lora": projections | {"q": {"low rank"}, "v": {"low rank"}},
            "pfeiffer": projections | {"mlp": {"branch"}},
            "houlsby": projections | {"mlp": {"branch"}, "attention": {"branch"}},
            "pissa": projections | {"q": {"low rank"}, "fc1": {"low rank"}},
            "dora": projections | {"q": {"full"}, "fc1": {"full"}},
            "ia3": projections | {"k": {"full"}, "v": {"full"}, "fc2": {"full"}},
            "bitfit": projections,
            "hydra": projections | {"mlp": {"branch"}},
            "conformer": projections | {"mlp": {"branch"}},
            "mixture": projections | {"attention": {"branch"}},
            "ipet": projections | {"mlp": {"branch"}},
        }[request.node.callspec.id]
    )
    assert {layer for layer, _ in rows} == {0, 1}
    assert all((r.norm > 0) == (r.effective_rank >= 1) == (r.kind != "none") for r in rows.values())


def test_full_tuning_is_measured_by_the_weights_themselves(tiny_model):
    model = copy.deepcopy(tiny_model)
    moved, original = model.blocks[1].mlp.fc2, tiny_model.blocks[1].mlp.fc2.weight.detach()
    with torch.no_grad():
        moved.weight[:2, :2] += torch.tensor([[3.0, 0], [0, 4]])
    (row,) = [r for r in weight_change(tiny_model, model) if r.norm]
    assert (row.layer, row.projection, row.kind) == (1, "fc2", "full")
    assert row.norm == pytest.approx(5, rel=1e-5)
    assert row.relative_norm == pytest.approx(5 / float(original.norm()), rel=1e-5)
    np.testing.assert_allclose(row.singular_values, [4, 3] + [0] * 30, atol=1e-5)
    share = np.array([3, 4]) / 7
    assert row.effective_rank == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-4)


def test_a_lora_change_is_its_scaled_product_of_rank_r(tiny_model):
    model = tune(tiny_model, "lora", {"rank": 3, "alpha": 6.0, "targets": ("q", "v")})
    row = next(r for r in weight_change(tiny_model, model) if (r.layer, r.projection) == (1, "v"))
    layer = model.blocks[1].attention.v_proj
    product = 6 / 3 * layer.lora_B.default.weight @ layer.lora_A.default.weight
    expected = np.linalg.svd(product.detach().numpy(), compute_uv=False)
    np.testing.assert_allclose(row.singular_values, expected, atol=1e-6)
    assert row.norm == pytest.approx(float(product.detach().norm()), rel=1e-5)
    assert (row.singular_values > 1e-5 * row.singular_values[0]).sum() == 3
    assert 1 <= row.effective_rank <= 3.001


def test_a_branch_is_measured_by_its_parameters(tiny_model):
    model = tune(tiny_model, "adapter", {"bottleneck": 4})
    row = next(r for r in weight_change(tiny_model, model) if r.kind == "branch")
    adapter, base = model.blocks[0].mlp.adapter, tiny_model.blocks[0].mlp
    norms = [np.sqrt(sum(float(p.detach().square().sum()) for p in m.parameters())) for m in (adapter, base)]
    assert row.norm == pytest.approx(norms[0], rel=1e-5)
    assert row.relative_norm == pytest.approx(norms[0] / norms[1], rel=1e-5)
    product = (adapter.up.weight @ adapter.down.weight).detach().numpy()
    np.testing.assert_allclose(row.singular_values, np.linalg.svd(product, compute_uv=False)[:4], atol=1e-6)


def test_a_branch_of_several_parts_is_measured_whole(tiny_model):
    """What two adapters add is [W_up1 W_up2] applied to both their W_down."""
    model = tune(tiny_model, "adapter", {"bottleneck": 4, "placement": "hydra"})
    row = next(r for r in weight_change(tiny_model, model) if r.kind == "branch")
    mlp = model.blocks[0].mlp
    parts = (mlp.adapter, mlp.beside)
    assert row.norm == pytest.approx(
        np.sqrt(sum(float(p.detach().square().sum()) for m in parts for p in m.parameters()))
    )
    product = torch.cat([m.up.weight @ m.down.weight for m in parts], dim=1).detach().numpy()
    np.testing.assert_allclose(row.singular_values, np.linalg.svd(product, compute_uv=False)[:8], atol=1e-5)


def test_scaled_refuses_an_adapter_that_replaces_what_it_reads(tiny_model):
    model = tune(tiny_model, "adapter", {"bottleneck": 4, "residual": "off"})
    with pytest.raises(ValueError, match="expected adapters that add to the base model"), scaled(model, tiny_model, 1):
        pass


def test_scaled_runs_from_the_base_to_the_tuned_model_and_puts_all_back(tuned, tiny_model):
    with torch.no_grad():
        features, as_tuned = tiny_model.embedding(FEATURES), tuned(FEATURES)
        before = {name: tensor.clone() for name, tensor in tuned.state_dict().items()}
        hooks = [len(module._forward_hooks) for module in tuned.modules()]
        with scaled(tuned, tiny_model, 0):
            torch.testing.assert_close(tuned(FEATURES), tuned.head(features), atol=1e-6, rtol=0)
        with scaled(tuned, tiny_model, 1):
            assert torch.equal(tuned(FEATURES), as_tuned)
        with pytest.raises(RuntimeError, match="stop"), scaled(tuned, tiny_model, 1.5):
            beyond = tuned(FEATURES)
            raise RuntimeError("stop")
        assert torch.equal(tuned(FEATURES), as_tuned)
    assert all(torch.equal(tensor, before[name]) for name, tensor in tuned.state_dict().items())
    assert hooks == [len(module._forward_hooks) for module in tuned.modules()]
    same_features = torch.equal(features, tuned.embedding(FEATURES))  # a linear probe has nothing to scale
    assert torch.equal(beyond, as_tuned) == same_features


def test_scaling_a_lora_equals_a_lora_of_another_alpha(tiny_model):
    half, whole = (tune(tiny_model, "lora", {"rank": 3, "alpha": alpha}) for alpha in (1.5, 3.0))
    with torch.no_grad(), scaled(whole, tiny_model, 0.5):
        torch.testing.assert_close(whole(FEATURES), half(FEATURES), atol=1e-6, rtol=0)


def test_scaled_covers_running_statistics_of_a_cnn():
    torch.manual_seed(0)
    base = cnn.build(SMALL_CNN).eval()
    model = tune(base, "full", {})
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer += 0.1
    with torch.no_grad(), scaled(model, base, 0):
        torch.testing.assert_close(model.embedding(FEATURES), base.embedding(FEATURES), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["icbhi-full", "icbhi-lora", "icbhi-adapter"])
def test_shipped_models_go_back_to_their_base(name):
    base, loaded = checkpoint.load(SHIPPED / "sprsound-base").model, checkpoint.load(SHIPPED / name)
    features = torch.randn(1, 498, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        as_tuned, expected = loaded.model(features), loaded.model.head(base.embedding(features))
        with scaled(loaded.model, base, 0):
            torch.testing.assert_close(loaded.model(features), expected, atol=1e-5, rtol=0)
        assert not torch.allclose(as_tuned, expected, atol=1e-2)
        assert torch.equal(loaded.model(features), as_tuned)
    rows = weight_change(base, loaded.model)
    changed = [r for r in rows if r.kind != "none"]
    rank = loaded.config.tuning_options.get("rank") or loaded.config.tuning_options.get("bottleneck")
    if rank:
        assert all(r.effective_rank <= rank + 0.01 for r in changed)
    else:
        assert len(changed) == 72 and all(0 < r.relative_norm < 0.5 for r in changed)


def test_difference_of_maps_is_between_their_shares():
    np.testing.assert_allclose(difference(np.array([[2.0, 2]]), np.array([[1.0, 3]])), [[0.25, -0.25]])
    with pytest.raises(ValueError, match=r"one shape, got \(1, 2\) and \(2, 1\)"):
        difference(np.ones((1, 2)), np.ones((2, 1)))
    for wrong in ([[1.0, -1]], [[0.0, 0]], [[np.nan, 1]]):
        with pytest.raises(ValueError, match="expected maps of shares"):
            difference(np.array(wrong), np.ones((1, 2)))


def test_effective_rank_of_equal_values_is_their_number():
    assert effective_rank(np.array([2.0, 2, 2, 0])) == pytest.approx(3)
    assert effective_rank(np.zeros(4)) == 0


def test_refuses_what_cannot_be_compared(tiny_model):
    small = cnn.build(SMALL_CNN)
    with pytest.raises(ValueError, match="expected transformers to compare, got a CNN"):
        weight_change(tiny_model, small)
    with pytest.raises(ValueError, match="the model lacks the base's"), scaled(small, tiny_model, 1):
        pass
    longer = spectrogram_transformer.build(replace(TINY, frames=130))
    shapes = r"has the shape \(1, 50, 32\), got \(1, 66, 32\)"
    with pytest.raises(ValueError, match=shapes), scaled(tiny_model, longer, 1):
        pass
    with pytest.raises(ValueError, match=r"factor must be between 0 \(base\) and 1.5 .* got 2"):
        with scaled(tiny_model, tiny_model, 2):
            pass
    other = copy.deepcopy(tiny_model)
    other.hf.audio_spectrogram_transformer.layers = other.blocks[:1]
    with pytest.raises(ValueError, match=f"expected a tuned model of {TINY.layers} blocks of width 32, got 1 of 32"):
        weight_change(tiny_model, other)
