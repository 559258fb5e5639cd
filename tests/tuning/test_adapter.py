"""What the adapters compute, by hand, and where their convolutions reach."""

import copy

import pytest
import torch
from torch.nn import functional as F

from rsc_core import tuning
from rsc_core.models import spectrogram_transformer
from rsc_core.tuning.branches import Conformer, Convpass, EmbeddedClip
from tests.conftest import TINY

EQUATIONS = [
    ({}, lambda s, a, _, n: s(n) + a(s(n))),
    ({"residual": "off"}, lambda s, a, _, n: a(s(n))),
    ({"order": "parallel"}, lambda s, a, _, n: s(n) + a(n)),
    ({"order": "parallel", "residual": "on"}, lambda s, a, _, n: s(n) + a(n) + n),
    ({"side": "before"}, lambda s, a, _, n: s(n + a(n))),
    ({"side": "before", "residual": "off"}, lambda s, a, _, n: s(a(n))),
    ({"placement": "hydra"}, lambda s, a, b, n: s(n) + a(s(n)) + b(n)),
]


def stir(module):
    """Give every parameter a value of its own, as if it had learned."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return module.eval()


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def adapted(kind="convpass", **options):
    torch.manual_seed(0)
    model = spectrogram_transformer.build(TINY).eval()
    tuning.apply(model, "adapter", tuning.configure("adapter", {"kind": kind, "bottleneck": 4, **options}))
    return model


@pytest.mark.parametrize(("options", "equation"), EQUATIONS)
@pytest.mark.parametrize("place", ["mlp", "attention"])
def test_every_placement_follows_its_equation(options, equation, place):
    wrapped = stir(getattr(adapted("bottleneck", place=place, **options).blocks[0], place))
    normed = torch.randn(2, 5, TINY.hidden_size, generator=torch.Generator().manual_seed(1))

    def sublayer(x):
        return wrapped.base(x)[0] if place == "attention" else wrapped.base(x)

    with torch.no_grad():
        expected = equation(sublayer, wrapped.adapter, wrapped.beside, normed)
        output = wrapped(normed)
    output = output[0] if place == "attention" else output
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=0)


def along_rows(x, weight, bias, groups, layout):
    """(tokens, channels): each row of the grid, and the special tokens, convolved on their own."""
    starts = [0, *(layout.special + row * layout.grid[1] for row in range(layout.grid[0]))]
    ends = [*starts[1:], layout.special + layout.patches]
    rows = [x[a:b] for a, b in zip(starts, ends, strict=True)] + [x[i : i + 1] for i in range(ends[-1], len(x))]
    reach = weight.shape[-1] // 2
    return torch.cat([F.conv1d(row.T[None], weight, bias, padding=reach, groups=groups)[0].T for row in rows])


@pytest.mark.parametrize("frames", [98, 50, 130])
@pytest.mark.parametrize("virtual", [0, 9])
def test_convpass_by_hand_at_any_length_and_with_virtual_tokens(frames, virtual):
    model = adapted("convpass")
    model.embed(torch.zeros(1, frames, 128))
    layout, a = model.layout(frames), stir(model.blocks[0].mlp.adapter)
    x = torch.randn(2, layout.special + layout.patches + virtual, TINY.hidden_size)
    with torch.no_grad():
        for clip, output in zip(x, a(x), strict=True):
            mixed = along_rows(quick_gelu(a.down(clip)), a.conv.weight[:, :, 0], a.conv.bias, 1, layout)
            torch.testing.assert_close(output, a.up(quick_gelu(mixed)), atol=1e-5, rtol=0)


def test_conformer_by_hand(tiny_model):
    torch.manual_seed(1)
    a = stir(Conformer(TINY.hidden_size, 4, 0.0, EmbeddedClip(tiny_model)))
    a.batch_norm.running_mean += 0.2
    a.batch_norm.running_var *= 1.7
    tiny_model.embed(torch.zeros(1, 98, 128))
    layout = tiny_model.layout(98)
    x = 5 + 3 * torch.randn(2, layout.special + layout.patches, TINY.hidden_size)
    with torch.no_grad():
        for clip, output in zip(x, a(x), strict=True):
            values, gates = a.down(a.norm(clip)).chunk(2, dim=-1)
            mixed = along_rows(values * gates.sigmoid(), a.conv.weight[:, :, 0], a.conv.bias, 4, layout)
            mixed = (mixed - a.batch_norm.running_mean) / (a.batch_norm.running_var + a.batch_norm.eps).sqrt()
            expected = a.up(F.silu(a.batch_norm.weight * mixed + a.batch_norm.bias))
            torch.testing.assert_close(output, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("kind", "reach"), [("convpass", 1), ("conformer", 15)])
def test_a_convolution_reaches_along_time_and_no_further(kind, reach, tiny_model):
    """A patch, one special and one virtual token are changed in turn; which tokens notice?"""
    frames = 40 * 16
    layout = tiny_model.layout(frames)
    tokens = layout.special + layout.patches + 3
    branch = {"convpass": Convpass, "conformer": Conformer}[kind]
    a = stir(branch(TINY.hidden_size, 4, 0.0, EmbeddedClip(tiny_model)))
    tiny_model.embed(torch.zeros(1, frames, 128))
    x = torch.randn(1, tokens, TINY.hidden_size)

    def noticed(token):
        other = x.clone()
        other[0, token] += torch.randn(TINY.hidden_size)
        return set((a(other) - a(x)).abs().amax(dim=-1)[0].nonzero().flatten().tolist())

    def patch(freq, time):
        return layout.special + freq * layout.grid[1] + time

    with torch.no_grad():
        assert noticed(0) == {0, 1}
        assert noticed(patch(3, 20)) == {patch(3, t) for t in range(20 - reach, 20 + reach + 1)}
        assert noticed(patch(3, 39)) == {patch(3, t) for t in range(39 - reach, 40)}
        assert noticed(tokens - 1) == {tokens - 1}


def test_a_copy_of_the_model_folds_its_own_clips():
    model = stir(adapted("convpass"))
    other = copy.deepcopy(model)
    features = torch.randn(1, 130, 128)
    with torch.no_grad():
        expected = model(features)
        model(torch.randn(1, 50, 128))
        assert torch.equal(other(features), expected)


def test_convolutions_refuse_what_is_no_grid(tiny_model):
    model = adapted("convpass")
    with pytest.raises(ValueError, match="expected the tokens of a clip that was embedded, got 50"):
        model.blocks[0](torch.zeros(1, 50, TINY.hidden_size))
    with pytest.raises(ValueError, match=r"expected the tokens of 2 \+ 48 or more, got 5"):
        model.encode(model.embed(torch.zeros(1, 98, 128)), kept=torch.arange(3))
    with pytest.raises(ValueError, match="expected a spectrogram transformer, .* got a Linear"):
        EmbeddedClip(torch.nn.Linear(1, 1))


@pytest.mark.parametrize("kind", ["bottleneck", "convpass", "conformer"])
def test_dropout_acts_in_training_only(kind):
    model = stir(adapted(kind, dropout=0.5))
    clip = torch.randn(2, 98, 128)
    with torch.no_grad():
        assert torch.equal(model(clip), model(clip))
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.train()
        assert not torch.allclose(model(clip), model(clip))


def test_running_statistics_are_learned(tiny_model):
    tuning.apply(tiny_model, "adapter", tuning.configure("adapter", {"kind": "conformer", "bottleneck": 4}))
    saved = tuning.trainable_state(tiny_model)
    name = next(n for n in saved if n.endswith("running_mean"))
    before = saved[name].clone()
    tuning.learning_mode(tiny_model)
    tiny_model(torch.randn(2, 98, 128))
    assert not torch.equal(tuning.trainable_state(tiny_model)[name], before)
