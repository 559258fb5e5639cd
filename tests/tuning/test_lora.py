"""Tunings whose layers peft makes, against their equations, and folded into the weights they wrap."""

import copy

import pytest
import torch

from rsc_core import tuning
from rsc_core.resume import copy as state_of
from rsc_core.resume import paste

FEATURES = torch.randn(3, 98, 128, generator=torch.Generator().manual_seed(1))
VARIANTS = [
    ("lora", {"rank": 4, "alpha": 2.0}),
    ("lora", {"rank": 4, "alpha": 8.0, "scaling": "sqrt_rank", "targets": ("q", "v", "o", "fc1", "fc2")}),
    ("lora", {"rank": 4, "variant": "dora"}),
    ("lora", {"rank": 4, "variant": "pissa", "dropout": 0.5, "targets": ("k", "v", "fc1")}),
    ("ia3", {}),
]


def moved(base, name, options):
    """A tuned copy of ``base`` as training would leave it: everything that learns is elsewhere."""
    model = copy.deepcopy(base)
    tuning.apply(model, name, tuning.configure(name, options))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


@pytest.fixture(params=VARIANTS, ids=["lora", "rslora", "dora", "pissa", "ia3"])
def tuned(request, tiny_model):
    return moved(tiny_model, *request.param)


def logits(model):
    with torch.no_grad():
        return model(FEATURES)


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        ({"rank": 4, "alpha": 2.0}, 0.5),
        ({"rank": 4, "alpha": 8.0}, 2.0),
        ({"rank": 4, "alpha": 8.0, "scaling": "sqrt_rank"}, 4.0),
        ({"rank": 8, "alpha": 2 / 3}, 8 / 96),  # LoRA-RSC
        ({"rank": 4, "alpha": 8.0, "variant": "dora"}, 2.0),
        ({"rank": 4, "alpha": 8.0, "variant": "pissa"}, 2.0),
    ],
)
def test_lora_follows_its_equation(tiny_model, options, scale):
    """W + s B A; DoRA: m (W + s B A) / |W + s B A| row by row; PiSSA: W + s (B A - B0 A0)."""
    start = copy.deepcopy(tiny_model)
    tuning.apply(start, "lora", tuning.configure("lora", {**options, "targets": ("v", "fc2")}))
    model = moved(tiny_model, "lora", {**options, "targets": ("v", "fc2")})
    with torch.no_grad():
        for plain, first, block in zip(tiny_model.blocks, start.blocks, model.blocks, strict=True):
            for part, child in (("attention", "v_proj"), ("mlp", "fc2")):
                linear, untrained, layer = (getattr(getattr(b, part), child) for b in (plain, first, block))
                linear.weight += scale * layer.lora_B.default.weight @ layer.lora_A.default.weight
                if options.get("variant") == "pissa":
                    linear.weight -= scale * untrained.lora_B.default.weight @ untrained.lora_A.default.weight
                if options.get("variant") == "dora":
                    length = layer.lora_magnitude_vector.default.weight / linear.weight.norm(dim=1)
                    linear.weight *= length.unsqueeze(1)
        tiny_model.hf.classifier.load_state_dict(model.hf.classifier.state_dict())
    torch.testing.assert_close(logits(model), logits(tiny_model), atol=1e-5, rtol=0)


def test_pissa_starts_with_the_largest_singular_directions(tiny_model):
    original = tiny_model.blocks[1].attention.q_proj.weight.detach().clone()
    options = {"rank": 3, "alpha": 6.0, "variant": "pissa", "targets": ("q",)}
    tuning.apply(tiny_model, "lora", tuning.configure("lora", options))
    layer = tiny_model.blocks[1].attention.q_proj
    principal = 2 * layer.lora_B.default.weight @ layer.lora_A.default.weight
    values = torch.linalg.svdvals(original)
    torch.testing.assert_close(torch.linalg.svdvals(principal.detach())[:4], torch.cat([values[:3], torch.zeros(1)]))
    torch.testing.assert_close(torch.linalg.svdvals(original - principal.detach())[0], values[3])


def test_ia3_rescales_keys_values_and_the_mlps_activations(tiny_model):
    model = moved(tiny_model, "ia3", {})
    with torch.no_grad():
        for plain, block in zip(tiny_model.blocks, model.blocks, strict=True):
            for child in ("k_proj", "v_proj"):
                linear, scale = getattr(plain.attention, child), getattr(block.attention, child).ia3_l.default
                linear.weight *= scale
                linear.bias *= scale.flatten()
            plain.mlp.fc2.weight *= block.mlp.fc2.ia3_l.default
        tiny_model.hf.classifier.load_state_dict(model.hf.classifier.state_dict())
    torch.testing.assert_close(logits(model), logits(tiny_model), atol=1e-5, rtol=0)


def test_merged_equals_unmerged_and_is_undone_bit_by_bit(tuned, tiny_model):
    before, state = logits(tuned), copy.deepcopy(tuned.state_dict())
    original = tiny_model.blocks[0].attention.v_proj.weight
    with tuning.merged(tuned):
        assert not torch.equal(tuned.blocks[0].attention.v_proj.base_layer.weight, original)
        torch.testing.assert_close(logits(tuned), before, atol=1e-5, rtol=0)
    assert all(torch.equal(t, state[n]) for n, t in tuned.state_dict().items())
    assert torch.equal(logits(tuned), before)


def test_merging_runs_the_wrapped_layers_alone(tuned):
    seen = []
    for name, module in tuned.named_modules():
        if ".lora_A." in name or ".lora_B." in name:
            module.register_forward_hook(lambda *_: seen.append(1))
    with tuning.merged(tuned):
        logits(tuned)
    assert not seen


def test_merging_is_undone_after_an_error(tuned):
    before = logits(tuned)
    with pytest.raises(KeyError), tuning.merged(tuned):
        raise KeyError
    assert torch.equal(logits(tuned), before)


def test_a_tuned_state_holds_all_that_the_base_does_not(tuned, tiny_model):
    state = state_of(tuned)
    names = {n for n, _ in tuned.named_parameters()}
    kept = {n.replace(".base_layer.", ".") for n in names - set(state)}
    assert kept == {n for n, _ in tiny_model.named_parameters() if "classifier" not in n}
    fresh = copy.deepcopy(tuned)
    with torch.no_grad():
        for name, parameter in fresh.named_parameters():
            if name in state:
                parameter.zero_()
    paste(fresh, state)
    assert torch.equal(logits(fresh), logits(tuned))


def test_dropout_falls_on_what_learns_alone(tiny_model):
    """PiSSA's first product is taken away in full, or training would start from a disturbed model."""
    options = {"rank": 4, "variant": "pissa", "dropout": 0.9}
    tuning.apply(tiny_model, "lora", tuning.configure("lora", options))
    layer = tiny_model.blocks[0].attention.k_proj
    assert layer.lora_dropout["default"].p == 0.9
    assert isinstance(layer.lora_dropout["initial"], torch.nn.Identity)
