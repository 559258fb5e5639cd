import pytest
import torch

from rsc_core import objectives
from rsc_core.config import CLASSES, ModelConfig
from rsc_core.models import spectrogram_transformer
from rsc_core.objectives import Batch, Task
from rsc_core.objectives.masked_patches import patches
from tests.conftest import TINY

FEATURES = torch.randn(4, 98, 128, generator=torch.Generator().manual_seed(3))


def fill_in(model, features=FEATURES, **options):
    """The objective and its loss on one batch; patches are hidden by the same seed."""
    torch.manual_seed(5)
    objective = objectives.build("masked_patches", options, Task(CLASSES), model).eval()
    batch = Batch(features, torch.zeros(len(features), 4))
    return objective, objective.loss(model, batch, torch.Generator().manual_seed(0))


def test_patches_are_cut_as_the_model_cuts_them(tiny_model):
    projection = tiny_model.backbone.embeddings.patch_embeddings.projection
    ours = patches(FEATURES, (8, 6), 16).unflatten(2, (16, 16)).transpose(2, 3).flatten(2)
    torch.testing.assert_close(ours @ projection.weight.flatten(1).T + projection.bias, tiny_model.embed(FEATURES))


def test_hidden_patches_never_enter_the_transformer(tiny_model):
    """With targets held fixed they could only differ through what was read: visible patches alone are."""
    order = torch.randperm(48, generator=torch.Generator().manual_seed(0))
    visible = set(order[:12].tolist())
    read = []
    hook = tiny_model.blocks[0].register_forward_pre_hook(lambda _m, args: read.append(args[0].detach().clone()))
    fill_in(tiny_model)
    changed = FEATURES.clone()
    for patch in set(range(48)) - visible:
        freq, time = divmod(patch, 6)
        changed[:, 16 * time : 16 * time + 16, 16 * freq : 16 * freq + 16] = 7
    fill_in(tiny_model, changed)
    hook.remove()
    assert read[0].shape == (4, 2 + 12, 32)
    torch.testing.assert_close(read[0], read[1])


def test_the_target_is_each_hidden_patch_standardised(tiny_model):
    """Brighter or louder spectrograms ask for the same picture; a decoder that answers zero is off by one."""
    objective = objectives.build("masked_patches", {}, Task(CLASSES), tiny_model)
    torch.nn.init.zeros_(objective.fill[1].weight)
    torch.nn.init.zeros_(objective.fill[1].bias)
    for features in (FEATURES, 3 * FEATURES + 2):
        loss = objective.loss(tiny_model, Batch(features, torch.zeros(4, 4)), torch.Generator().manual_seed(0))
        assert loss.total.item() == pytest.approx(1.0, abs=1e-3)


def test_it_learns_to_fill_in(tiny_model):
    ramp = torch.linspace(-1, 1, 16).repeat(8).expand(4, 98, 128).contiguous()
    objective = objectives.build("masked_patches", {"decoder_width": 32}, Task(CLASSES), tiny_model)
    optimizer = torch.optim.Adam([*tiny_model.parameters(), *objective.parameters()], lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        loss = objective.loss(tiny_model, Batch(ramp, torch.zeros(4, 4)), generator).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2
    assert objective.labels is False


def test_what_cannot_be_masked_is_refused(tiny_model):
    overlapping = spectrogram_transformer.build(
        ModelConfig(hidden_size=32, layers=1, heads=2, intermediate_size=64, frames=98, stride=10)
    )
    with pytest.raises(ValueError, match="patches that do not overlap"):
        fill_in(overlapping)
    with pytest.raises(ValueError, match="trains an Audio Spectrogram Transformer, got Linear"):
        fill_in(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="hidden_share must be above 0 and below 1"):
        fill_in(tiny_model, hidden_share=1.0)
    with pytest.raises(ValueError, match="multiple of 4"):
        fill_in(tiny_model, decoder_width=30)
    assert TINY.stride == TINY.patch
