"""IPET against its equations, part by part."""

import copy
from pathlib import Path

import pytest
import torch

from rsc_core import study, tuning
from rsc_core.explain.weights import scaled, weight_change


def tuned(model, **options):
    """A tuned copy as training would leave it: everything that learns is elsewhere."""
    model = copy.deepcopy(model)
    tuning.apply(model, "ipet", tuning.configure("ipet", options))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


@pytest.mark.parametrize("learn_scale", [False, True])
def test_the_adapter_reads_the_residual_without_layernorm(tiny_model, learn_scale):
    """One block by hand: h + MLP(LN(h)) + s (W_up relu(W_down h)), h = x + Attn(LN(x))."""
    block = tuned(tiny_model, prompts=0, scale=0.2, learn_scale=learn_scale).blocks[0]
    plain, adapter = tiny_model.blocks[0], block.mlp.adapter
    assert isinstance(adapter.scale, torch.nn.Parameter) == learn_scale
    x = torch.randn(2, 5, 32)
    with torch.no_grad():
        h = x + plain.attention(plain.layernorm_before(x))[0]
        hidden = (h @ adapter.down.weight.T + adapter.down.bias).clamp_min(0)
        added = hidden @ adapter.up.weight.T + adapter.up.bias
        expected = h + plain.mlp(plain.layernorm_after(h)) + adapter.scale * added
        torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=0)


def test_prompts_act_in_their_block_only(tiny_model):
    """The same as prompts in front, thrown away behind the block."""
    model = tuned(tiny_model, prompts=3, rank=0)
    hidden = expected = torch.randn(2, 50, 32)
    with torch.no_grad():
        for plain, block in zip(tiny_model.blocks, model.blocks, strict=True):
            hidden = block(hidden)
            expected = plain(torch.cat([block.virtual.expand(2, -1, -1), expected], dim=1))[:, 3:]
    assert hidden.shape == (2, 50, 32)
    torch.testing.assert_close(hidden, expected, atol=1e-5, rtol=0)


def test_dropout_acts_in_training_only(tiny_model):
    model = tuned(tiny_model, dropout=0.5)
    features = torch.randn(2, 98, 128)
    with torch.no_grad():
        assert torch.equal(model(features), model(features))
        tuning.learning_mode(model)
        assert not torch.equal(model(features), model(features))


@pytest.mark.parametrize("frames", [98, 60])
def test_the_input_prompt_is_a_border(tiny_model, frames):
    model = tuned(tiny_model, prompts=0, rank=0, border=5)
    prompt = model.backbone.embeddings.patch_embeddings
    seen = []
    prompt.base.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    features = torch.randn(2, frames, 128)
    with torch.no_grad():
        model(features)
    border = (seen[0] - features).abs()
    assert (border[:, 5:-5, 5:-5] == 0).all()
    for side in (border[:, :5], border[:, -5:], border[:, :, :5], border[:, :, -5:]):
        assert (side > 0).float().mean() > 0.99
    first, last = prompt.ends.detach()
    low, high = prompt.bands.detach()
    added = (seen[0] - features)[0]
    torch.testing.assert_close(added[:5], first, atol=1e-5, rtol=0)
    torch.testing.assert_close(added[-5:], last, atol=1e-5, rtol=0)
    torch.testing.assert_close(added[5:-5, :5], low[: frames - 10], atol=1e-5, rtol=0)
    torch.testing.assert_close(added[5:-5, -5:], high[: frames - 10], atol=1e-5, rtol=0)


def test_a_border_needs_a_middle(tiny_model):
    with pytest.raises(ValueError, match="expected a border of less than half of 98, got 49"):
        tuned(tiny_model, border=49)
    with pytest.raises(ValueError, match="expected a clip of 11 to 98 frames, got 120"):
        tuned(tiny_model, border=5)(torch.zeros(1, 120, 128))


def test_what_changed_is_the_adapters_and_the_dial_moves_them(tiny_model):
    model = tuned(tiny_model, prompts=0)
    assert {row.projection for row in weight_change(tiny_model, model) if row.kind == "branch"} == {"mlp"}
    features = torch.randn(2, 98, 128)
    with torch.no_grad():
        before = model(features)
        with scaled(model, tiny_model, 0.0):
            embedding = model.embedding(features)
            torch.testing.assert_close(embedding, tiny_model.embedding(features), atol=1e-6, rtol=0)
        assert torch.equal(model(features), before)
    bordered = tuned(tiny_model, prompts=0, border=2)
    with pytest.raises(ValueError, match="virtual tokens and borders"), scaled(bordered, tiny_model, 0.5):
        pass


def test_the_ablation_crosses_prompts_and_ranks(tmp_path, base):
    path = Path(study.__file__).parent / "studies" / "ipet_ablation.json"
    runs = study.plan(study.read(path), tmp_path, str(base))
    crossed = {(r.config.tuning_options["prompts"], r.config.tuning_options["rank"]) for r in runs}
    assert crossed >= {(p, r) for p in (0, 4, 8, 32) for r in (0, 32, 64, 128)}
    assert len(runs) == 3 * 19 and {r.config.train.lr for r in runs} == {1e-3}
