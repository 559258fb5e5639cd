"""What is optimised, and at which rate."""

import numpy as np
import pytest
import torch

from rsc_core.config import TrainConfig, run_config
from rsc_core.optimizer import LOWERED_BY, build_optimizer, rate


def test_every_learning_parameter_is_optimised(tiny_model):
    optimizer = build_optimizer(tiny_model, torch.nn.Linear(2, 2), run_config("full", "icbhi", "small").train)
    covered = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert {id(p) for p in tiny_model.parameters()} <= covered
    assert len(covered) == len(list(tiny_model.parameters())) + 2


def test_decay_all_decays_biases_norms_and_positions_too(tiny_model):
    some, all_ = (
        build_optimizer(tiny_model, torch.nn.Linear(2, 2), run_config("full", "icbhi", "small", options).train)
        for options in ({}, {"decay_all": True, "betas": [0.9, 0.98], "eps": 1e-6})
    )
    assert [len(group["params"]) for group in all_.param_groups] == [len(list(tiny_model.parameters())) + 2, 0]
    decayed = {id(p) for p in some.param_groups[0]["params"]}
    assert id(tiny_model.backbone.embeddings.position_embeddings) not in decayed
    assert id(tiny_model.backbone.layernorm.weight) not in decayed
    assert id(tiny_model.backbone.embeddings.patch_embeddings.projection.weight) in decayed
    assert (all_.defaults["betas"], all_.defaults["eps"]) == ((0.9, 0.98), 1e-6)


def test_without_decay_the_steps_are_adams():
    plain, ours = (torch.nn.Linear(3, 2) for _ in range(2))
    ours.load_state_dict(plain.state_dict())
    settings = run_config("cycle_guardian", "icbhi", "small", {"faithful": True}).train
    adam = torch.optim.Adam(plain.parameters(), lr=settings.lr)
    mine = build_optimizer(ours, torch.nn.Identity(), settings)
    for _ in range(5):
        for model, optimizer in ((plain, adam), (ours, mine)):
            optimizer.zero_grad()
            model(torch.ones(1, 3)).square().sum().backward()
            optimizer.step()
    assert torch.equal(plain.weight, ours.weight) and torch.equal(plain.bias, ours.bias)


def test_without_warmup_the_rate_is_torchs_cosine():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    for step in range(20):
        assert rate(step, 20, TrainConfig(warmup=0.0)) == pytest.approx(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()


def test_rate_rises_then_falls_to_zero():
    rates = [rate(step, 100, TrainConfig(warmup=0.1)) for step in range(101)]
    assert rates[9] == rates[10] == 1
    assert np.all(np.diff(rates[:10]) > 0) and np.all(np.diff(rates[10:]) < 0)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_steps_are_those_of_cycle_guardians_schedule():
    """Its code counts epochs, 600 of them, and lowers the rate at the end of one."""
    settings = run_config("cycle_guardian", "icbhi", "small", {"faithful": True}).train
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    milestones = [200, 350, 450, 550]
    reference = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=LOWERED_BY)
    for epoch in range(settings.epochs):
        steps = [rate(3 * epoch + step, 3 * settings.epochs, settings) for step in range(3)]
        assert steps == pytest.approx([reference.get_last_lr()[0]] * 3)
        optimizer.step()
        reference.step()
