"""CycleGuardian's objective: what it adds up, and what it teaches in the two modes."""

import pytest
import torch
from torch.nn import functional as F

from rsc_core import models, objectives
from rsc_core.average import Average, ShortenedStep, averaging
from rsc_core.config import CLASSES, ModelConfig, run_config
from rsc_core.objectives import Batch, Task, cycle_guardian
from rsc_core.objectives.cycle_guardian import CycleGuardianObjective

NEVER = {"clustering.decoder.weight", "clustering.decoder.bias", "gate.weight"}
"""What the published network holds and never trains."""


def made(faithful=False, **options):
    torch.manual_seed(0)
    model = models.build(ModelConfig("cycle_guardian", hidden_size=12, frames=86, faithful=faithful)).train()
    return model, objectives.build("cycle_guardian", options, Task(CLASSES), model)


def batch(clips=6):
    features = torch.randn(clips, 3, 84, 86, generator=torch.Generator().manual_seed(0))
    return Batch(features, torch.eye(4)[torch.arange(clips) % 4])


def of(model, objective, clips=6):
    return objective.loss(model, batch(clips), torch.Generator().manual_seed(0))


def untouched(module):
    return {n for n, p in module.named_parameters() if p.grad is None or not p.grad.any()}


def test_every_parameter_learns():
    model, objective = made()
    of(model, objective).total.backward()
    assert not untouched(model) and not untouched(objective) - {"projector.0.bias"}  # taken away by the norm behind it
    assert all(p.requires_grad for p in objective.parameters())
    assert sum(p.numel() for p in objective.parameters()) == 33_280


def test_the_faithful_mode_trains_what_the_published_code_trains():
    model, objective = made(faithful=True)
    with torch.no_grad():  # windows in every cluster: it begins with all of them in one
        model.clustering.revive(model.embed(batch().features))
    of(model, objective).total.backward()
    assert untouched(model) == NEVER
    assert not any(p.requires_grad for p in objective.parameters())


def test_at_first_the_faithful_mode_hardly_clusters():
    """As measured on the published code: next to no divergence, and clusters without windows that tell nothing."""
    model, objective = made(faithful=True)
    assert 0 <= of(model, objective).parts["clustering"] / (2 * 6) < 1e-3  # of one view of one clip
    with torch.no_grad():
        clusters = model.cluster(model.embed(batch().features))
    used = set(clusters.soft.argmax(dim=2).unique().tolist())
    assert len(used) <= 2
    assert all(not clusters.vectors[:, empty].any() for empty in set(range(4)) - used)


def test_the_total_is_the_weighted_sum():
    weights = {"cluster_weight": 2.0, "contrastive_weight": 3.0, "similarity_weight": 5.0}
    parts = of(*made(**weights))
    named = {"clustering": 2.0, "contrastive": 3.0, "similarity": 5.0, "cross_entropy": 1.0}
    assert parts.total.item() == pytest.approx(sum(w * parts.parts[n] for n, w in named.items()), rel=1e-5)
    assert objectives.OBJECTIVES["cycle_guardian"].Config() == made()[1].options
    options = made()[1].options
    assert (options.cluster_weight, options.contrastive_weight, options.similarity_weight) == (1.0, 0.5, 0.2)


@pytest.mark.parametrize("faithful", [False, True])
def test_each_part_is_what_it_is_by_hand(faithful, monkeypatch):
    """The second and the fifth of five windows come from another clip; every part is written out from the paper."""
    model, objective = made(faithful, **({"negatives": "all"} if faithful else {}))
    clips, replaced = batch(), torch.tensor([False, True, False, False, True])
    with torch.no_grad():
        model.clustering.revive(model.embed(clips.features))
        model.similarity += 0.1 * torch.randn(128, 128, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(cycle_guardian, "draw_share", lambda *_: 0.6)
    monkeypatch.setattr(cycle_guardian, "choose_patches", lambda *_: replaced)
    parts = of(model, objective).parts

    partner = torch.randperm(6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        windows = model.embed(clips.features)
        mixed = windows.clone()
        mixed[:, [1, 4]] = windows[partner][:, [1, 4]]
        own, other = model.cluster(windows), model.cluster(mixed)
        wanted = {
            "cross_entropy": F.cross_entropy(model.head(own.pooled), clips.targets.argmax(dim=1)),
            "similarity": model.likeness(own.vectors) + model.likeness(other.vectors),
            "clustering": sum(divergence(view.soft, faithful) for view in (own, other)),
            "contrastive": two_positives(
                objective.projector(own.pooled), objective.projector(other.pooled), partner, clips.targets, faithful
            ),
        }
    assert parts.pop("kept") == pytest.approx(0.6)
    assert parts == pytest.approx({name: value.item() for name, value in wanted.items()}, rel=1e-4)


def divergence(soft, summed):
    """Of every window's assignments from their target, of a clip by itself."""
    total = 0.0
    for clip in soft:
        target = clip**2 / clip.sum(dim=0)
        target = target / target.sum(dim=1, keepdim=True)
        total = total + (target * (target / clip).log()).sum()
    return total if summed else total / (soft.shape[0] * soft.shape[1])


def two_positives(clips, mixed, partner, targets, everyone):
    """Each mixed clip is to be found among clips by what it kept, 3 of 5 windows, and what it got."""
    losses = []
    for index, vector in enumerate(mixed):
        found = torch.stack([F.cosine_similarity(vector, clip, dim=0) for clip in clips]) / 0.06
        pair = {index, int(partner[index])}
        beside = [i for i in range(6) if everyone or i in pair or not torch.equal(targets[i], targets[index])]
        shares = found - found[beside].logsumexp(dim=0)
        losses.append(-(0.6 * shares[index] + 0.4 * shares[partner[index]]))
    return torch.stack(losses).mean()


def test_lost_clusters_are_revived_from_all_windows_unless_clips_are_few():
    few, enough = cycle_guardian.TELLING - 1, cycle_guardian.TELLING
    model, objective = made()
    drawn = model.clustering.centres.clone()  # all windows are nearest to one of them
    of(model, objective, few)
    assert torch.equal(model.clustering.centres, drawn)
    of(model, objective, enough)
    with torch.no_grad():
        other = made()[0]
        other.clustering.revive(other.embed(batch(enough).features))
    assert not torch.equal(other.clustering.centres, drawn)
    assert torch.equal(model.clustering.centres, other.clustering.centres)


@pytest.mark.parametrize("faithful", [False, True])
def test_clusters_stay_alive_unless_faithful(faithful):
    model, objective = made(faithful)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(12):
        optimizer.zero_grad()
        of(model, objective).total.backward()
        optimizer.step()
    with torch.no_grad():
        alive = len(model.cluster(model.embed(batch().features)).soft.argmax(dim=2).unique())
    assert alive <= 2 if faithful else alive == 4


def test_the_faithful_preset_is_what_was_published():
    config = run_config("cycle_guardian", "icbhi", "small", train={"faithful": True})
    published = {
        "epochs": 600,
        "batch_size": 128,
        "lr": 1e-3,
        "weight_decay": 0.0,
        "warmup": 0.0,
        "schedule": "steps",
        "balance": 0.0,
        "class_weight": 0.0,
        "average": 0.1,
        "precision": "fp32",
        "choose_after": 11,
        "roll_share": 0.5,
        "augment": ("one_of", "roll", "spec_augment"),
        "spec_policy": "cycle_guardian",
    }
    assert {name: getattr(config.train, name) for name in published} == published
    options = CycleGuardianObjective.Config(**config.objective_options)
    assert (options.negatives, options.target, options.temperature) == ("all", "project_flow", 0.06)
    assert (options.beta, config.model.faithful) == (1.0, True)
    assert type(averaging(torch.nn.Linear(1, 1), config)) is Average  # and not the steps that Patch-Mix shortens
    patch_mix = run_config("patch_mix_cl", "icbhi", "small", train={"faithful": True})
    assert type(averaging(torch.nn.Linear(1, 1), patch_mix)) is ShortenedStep
    assert (config.audio.sample_rate, config.audio.window_s) == (22000, 8.0)
    assert (config.audio.padding, config.audio.level) == ("tile", "none")


def test_one_clip_is_compared_with_nothing():
    parts = of(*made(), clips=1)
    assert "contrastive" not in parts.parts and torch.isfinite(parts.total)


def test_without_mixing_both_views_are_the_same(monkeypatch):
    model, objective = made(beta=0.0)
    views, cluster = [], model.cluster
    monkeypatch.setattr(model, "cluster", lambda windows: views.append(cluster(windows)) or views[-1])
    assert of(model, objective).parts["kept"] == 1
    assert torch.equal(views[0].soft, views[1].soft) and torch.equal(views[0].pooled, views[1].pooled)


def test_a_blocked_target_learns_nothing_from_the_contrast():
    moved = {}
    for target in ("grad_block", "grad_flow", "project_block", "project_flow"):
        model, objective = made(target=target, cluster_weight=0.0, similarity_weight=0.0)
        parts = of(model, objective)
        parts.total.backward()
        moved[target] = parts.total.item(), model.summary.projection.weight.grad
    for kind in ("grad", "project"):
        blocked, flowing = moved[f"{kind}_block"], moved[f"{kind}_flow"]
        assert blocked[0] == pytest.approx(flowing[0]) and not torch.allclose(blocked[1], flowing[1], rtol=1e-3)
    assert moved["grad_flow"][0] != pytest.approx(moved["project_flow"][0])


def test_what_it_cannot_train_is_refused(tiny_model):
    with pytest.raises(ValueError, match="trains a CycleGuardian, got SpectrogramTransformer"):
        objectives.build("cycle_guardian", {}, Task(CLASSES), tiny_model)
    model, _ = made()
    with pytest.raises(ValueError, match="mixup must be 0, got 0.2"):
        objectives.build("cycle_guardian", {}, Task(CLASSES, mixup=0.2), model)
