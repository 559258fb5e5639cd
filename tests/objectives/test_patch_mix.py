import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rsc_core import models, objectives, tuning
from rsc_core.config import CLASSES, ModelConfig, TrainConfig
from rsc_core.models.spectrogram_transformer import TokenLayout
from rsc_core.objectives import Batch, Task
from rsc_core.objectives.contrastive import TARGETS, mixed_contrastive
from rsc_core.objectives.patch_mix import Mix, both_views, choose_patches, contrast, draw_share
from rsc_core.optimizer import build_optimizer
from tests.conftest import TINY

FEATURES = torch.randn(6, 98, 128, generator=torch.Generator().manual_seed(3))
TARGET = torch.eye(4)[[0, 1, 2, 3, 0, 1]]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def network(name):
    """A tiny network of a kind, and a batch it reads."""
    torch.manual_seed(0)
    if name == "spectrogram_transformer":
        return models.build(TINY), FEATURES
    if name == "cnn":
        return models.build(ModelConfig("cnn", hidden_size=32, heads=2, frames=98)), FEATURES
    geometry = {"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 64, "frames": 20}
    return models.build(ModelConfig("wav2vec2", **geometry)), torch.randn(6, 3200, generator=generator(4))


def built(model, task=None, **options):
    torch.manual_seed(5)
    return objectives.build("patch_mix", options, task or Task(CLASSES), model)


NETWORKS = pytest.mark.parametrize("name", ["spectrogram_transformer", "cnn", "wav2vec2"])
LOSSES = pytest.mark.parametrize("loss", ["cross_entropy", "contrastive"])


@pytest.mark.parametrize(("domain", "places"), [("patch", 12 * 79), ("time", 79)])
@pytest.mark.parametrize("share", [0.0, 0.123, 0.5, 0.9999, 1.0])
def test_the_share_is_counted_from_what_was_kept(domain, places, share):
    """K = int(P (1 - share)) of the places of an AST's 12 x 79 patches, and 1 - K / P are kept."""
    replaced = choose_patches(TokenLayout((12, 79)), share, domain, generator())
    count = int(places * (1 - share))
    assert replaced.shape == (948,) and replaced.sum() == count * 948 // places
    assert Mix(replaced, torch.arange(2)).kept == pytest.approx(1 - count / places)
    if domain == "time":
        columns = replaced.unflatten(0, (12, 79))
        assert torch.equal(columns.all(dim=0), columns.any(dim=0))


def test_the_patches_are_random():
    chosen = torch.stack([choose_patches(TokenLayout((3, 4)), 0.5, "patch", generator(i)) for i in range(400)])
    assert (chosen.float().mean(dim=0) - 0.5).abs().max() < 0.12


def test_shares_follow_their_beta_distribution():
    for beta in (0.5, 1.0, 4.0):
        source = generator()
        shares = torch.tensor([draw_share(beta, source) for _ in range(2000)])
        assert abs(shares.mean().item() - 0.5) < 0.03
        assert shares.var().item() == pytest.approx(1 / (4 * (2 * beta + 1)), rel=0.15)
    assert draw_share(0.0, generator()) == 1.0


def test_replaced_patches_and_labels_come_from_the_partner_and_the_input_stays():
    tokens = torch.randn(6, 48, 8, generator=generator(1))
    before = tokens.clone()
    replaced = choose_patches(TokenLayout((8, 6)), 0.3, "patch", generator(2))
    mix = Mix(replaced, torch.tensor([3, 2, 1, 0, 4, 5]))
    mixed = mix.tokens(tokens)
    assert torch.equal(tokens, before)
    assert torch.equal(mixed[:, ~replaced], tokens[:, ~replaced])
    assert torch.equal(mixed[:, replaced], tokens[mix.partner][:, replaced])
    labels = mix.targets(TARGET)
    torch.testing.assert_close(labels[0], mix.kept * TARGET[0] + (1 - mix.kept) * TARGET[3])
    torch.testing.assert_close(labels.sum(dim=1), torch.ones(6))
    assert torch.equal(labels[4], TARGET[4])


def test_mixed_cross_entropy_is_both_labels_by_their_shares(tiny_model):
    objective = built(tiny_model, loss="cross_entropy")
    read = []
    hook = tiny_model.blocks[0].register_forward_pre_hook(lambda _m, args: read.append(args[0].detach()))
    found = objective.loss(tiny_model, Batch(FEATURES, TARGET), generator(7))
    hook.remove()
    assert [len(hidden) for hidden in read] == [6]  # one pass, of one batch
    source = generator(7)
    replaced = choose_patches(tiny_model.layout(98), draw_share(1.0, source), "patch", source)
    mix = Mix(replaced, torch.randperm(6, generator=source))
    logits = tiny_model.head(tiny_model.pool(tiny_model.encode(mix.tokens(tiny_model.embed(FEATURES)))))
    label = TARGET.argmax(dim=1)
    own, other = F.cross_entropy(logits, label), F.cross_entropy(logits, label[mix.partner])
    assert found.total.item() == pytest.approx((mix.kept * own + (1 - mix.kept) * other).item(), rel=1e-5)
    assert found.parts == {"mixed_cross_entropy": found.total.item(), "kept": mix.kept}
    assert not list(objective.parameters())


def test_nothing_mixed_is_plain_cross_entropy(tiny_model):
    plain = objectives.build("cross_entropy", {}, Task(CLASSES, label_smoothing=0.1), tiny_model)
    wanted = plain.loss(tiny_model, Batch(FEATURES, TARGET), generator()).total
    objective = built(tiny_model, Task(CLASSES, label_smoothing=0.1), loss="cross_entropy", beta=0.0)
    torch.testing.assert_close(objective.loss(tiny_model, Batch(FEATURES, TARGET), generator()).total, wanted)


def test_the_contrastive_objective_adds_its_two_losses(tiny_model):
    objective = built(tiny_model, weight=0.5, temperature=0.2, negatives="all")
    found = objective.loss(tiny_model, Batch(FEATURES, TARGET), generator(7))
    source = generator(7)
    replaced = choose_patches(tiny_model.layout(98), draw_share(1.0, source), "patch", source)
    mix = Mix(replaced, torch.randperm(6, generator=source))
    tokens = tiny_model.embed(FEATURES)
    clips = tiny_model.embedding(FEATURES)
    mixed = objective.projector(tiny_model.pool(tiny_model.encode(mix.tokens(tokens))))
    contrastive = mixed_contrastive(mixed, clips, mix.partner, mix.kept, 0.2)
    cross_entropy = F.cross_entropy(tiny_model.head(clips), TARGET)
    torch.testing.assert_close(found.total, cross_entropy + 0.5 * contrastive)
    assert found.parts["contrastive"] == pytest.approx(contrastive.item(), rel=1e-5)


@pytest.mark.parametrize("target", TARGETS)
def test_gradients_reach_what_they_should(tiny_model, target):
    """Of the clips' own features with "flow" alone, through the projector with "project"."""
    objective = built(tiny_model, target=target)
    clips, mixed = torch.randn(2, 6, 32, generator=generator(1))
    clips.requires_grad_(), mixed.requires_grad_()
    mix = Mix(torch.arange(4) < 2, torch.tensor([1, 0, 3, 2, 5, 4]))
    seen = []
    objective.projector.register_forward_hook(lambda _m, args, _out: seen.append(args[0] is clips))
    contrast(objective.projector, clips, mixed, mix, TARGET, objective.options).backward()
    assert (clips.grad is not None) == target.endswith("flow")
    assert mixed.grad.abs().max() > 0
    assert (True in seen) == target.startswith("project")
    assert all(p.grad is not None for p in objective.projector.parameters())


def test_both_views_in_one_pass_equal_two(tiny_model):
    tokens = tiny_model.embed(FEATURES)
    mixed, layout = tokens.flip(0), tiny_model.layout(98)
    passes = []
    hook = tiny_model.blocks[0].register_forward_hook(lambda _m, args, _out: passes.append(len(args[0])))
    together = both_views(tiny_model.train(), tokens, mixed, layout)
    hook.remove()
    assert passes == [12]
    for found, alone in zip(together, (tokens, mixed), strict=True):
        torch.testing.assert_close(found, tiny_model.pool(tiny_model.encode(alone, layout)))


def test_each_view_keeps_its_own_batch_statistics():
    model, _ = network("cnn")
    tokens, layout = model.embed(FEATURES), model.layout(98)
    mixed = 2 * tokens + 1
    clips, _ = both_views(model.train(), tokens, mixed, layout)
    torch.testing.assert_close(clips, model.pool(model.encode(tokens, layout)))


@NETWORKS
@LOSSES
def test_a_step_on_every_network_moves_all_that_learns(name, loss):
    model, features = network(name)
    objective = built(model, loss=loss)
    optimizer = build_optimizer(model, objective, TrainConfig(lr=1e-2))
    before = {n: p.detach().clone() for m in (model, objective) for n, p in m.named_parameters()}
    for seed in range(2):
        found = objective.loss(model, Batch(features, TARGET), generator(seed))
        optimizer.zero_grad()
        found.total.backward()
        optimizer.step()
        assert torch.isfinite(found.total) and 0 <= found.parts["kept"] <= 1
    after = {n: p for m in (model, objective) for n, p in m.named_parameters()}
    still = {n for n, p in after.items() if torch.equal(p, before[n])}
    # Softmax takes a key's bias away, a BatchNorm the bias before it; wav2vec 2.0's mask is for its pre-training.
    assert not {n for n in still if not n.endswith(("k_proj.bias", "projector.0.bias", "masked_spec_embed"))}
    assert (loss == "contrastive") == any(n.startswith("projector") for n in after)


@pytest.mark.parametrize("name", tuning.TUNINGS)
@LOSSES
def test_every_tuning_learns_and_the_base_stays(name, loss, tiny_model):
    tuning.apply(tiny_model, name, tuning.configure(name))
    tuning.learning_mode(tiny_model)
    objective = built(tiny_model, loss=loss)
    frozen = {n: p.detach().clone() for n, p in tiny_model.named_parameters() if not p.requires_grad}
    objective.loss(tiny_model, Batch(FEATURES, TARGET), generator()).total.backward()
    for n, p in tiny_model.named_parameters():
        assert (p.grad is not None) == p.requires_grad, n
        assert p.requires_grad or torch.equal(p, frozen[n])
    assert all(p.grad is not None for p in objective.parameters())


def test_one_clip_alone_has_nothing_to_be_compared_with(tiny_model):
    found = built(tiny_model).loss(tiny_model.train(), Batch(FEATURES[:1], TARGET[:1]), generator())
    assert set(found.parts) == {"cross_entropy", "kept"}


def test_the_same_seed_gives_the_same_loss_and_the_features_stay(tiny_model):
    before = FEATURES.clone()
    objective = built(tiny_model.eval())
    losses = [objective.loss(tiny_model, Batch(FEATURES, TARGET), generator(s)).total.item() for s in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]
    assert torch.equal(FEATURES, before)


def test_what_cannot_be_mixed_is_refused(tiny_model):
    with pytest.raises(ValueError, match="what a model's embed returns, and Linear has none"):
        built(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="mixup must be 0, got 0.2"):
        built(tiny_model, Task(CLASSES, mixup=0.2))
