import copy

import pytest
import torch
from torch import nn

from rsc_core import checkpoint, engine
from rsc_core.average import Average, ShortenedStep
from tests.test_train import curve, run


def test_it_is_the_moving_average_by_hand():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = Average(model, 0.6)
    expected = model[0].weight.detach().clone()
    for n in range(1, 30):
        with torch.no_grad():
            model[0].weight += torch.randn(2, 3)
        model(torch.randn(4, 3))
        average.update(model)
        decay = min(0.6, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * model[0].weight.detach()
    torch.testing.assert_close(average.weights["0.weight"], expected)
    assert average.weights["1.num_batches_tracked"].item() == 29


def test_the_model_gets_its_own_weights_back():
    model = nn.Linear(3, 2)
    average = Average(model, 0.9)
    with torch.no_grad():
        model.weight += 1
    own = copy.deepcopy(model.state_dict())
    with pytest.raises(RuntimeError), average.shown(model):
        assert torch.equal(model.weight, average.weights["weight"])
        assert not torch.equal(model.weight, own["weight"])
        raise RuntimeError
    assert all(torch.equal(a, own[name]) for name, a in model.state_dict().items())


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_published_average_is_a_smaller_learning_rate(share):
    """Patch-Mix's moving average with Adam ends where Adam ends at ``1 - share`` of the rate, and training sees it."""
    ends = []
    for lr, faithful in ((1e-2, True), (1e-2 * (1 - share), False)):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
        optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.1)
        average = ShortenedStep(model, share) if faithful else None
        for _ in range(20):
            optimizer.zero_grad()
            model(torch.randn(4, 3)).square().mean().backward()
            optimizer.step()
            if average:
                average.update(model)
                with average.shown(model):
                    assert all(torch.equal(model.state_dict()[n], w) for n, w in average.weights.items())
        ends.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    torch.testing.assert_close(*ends, atol=1e-6, rtol=0)


def test_a_faithful_run_takes_shorter_steps(tiny_icbhi, base, tmp_path):
    """Beside the SpecAugment that is left out here, ``--faithful`` halves the rate and nothing else."""
    # A large eps keeps gradients that are nothing but rounding, such as a key bias's, from being scaled up.
    more = "--augment", "roll", "--clip-gradient", "0", "--eps", "1e-3"
    assert run("full", tiny_icbhi, base, tmp_path / "faithful", *more, "--average", "0.5", "--faithful") == 0
    assert run("full", tiny_icbhi, base, tmp_path / "half", *more, "--lr", "1e-4") == 0
    faithful, half = (checkpoint.load(tmp_path / name) for name in ("faithful", "half"))
    assert faithful.config.train.faithful and faithful.config.data.faithful
    for a, b in zip(faithful.model.parameters(), half.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=2e-6, rtol=0)


def test_a_run_keeps_the_average_and_resumes_it(tiny_icbhi, base, tmp_path, monkeypatch):
    more = "--average", "0.9", "--epochs", "3"
    assert run("full", tiny_icbhi, base, tmp_path / "whole", *more) == 0
    assert run("full", tiny_icbhi, base, tmp_path / "plain", "--epochs", "3") == 0
    store = engine.store

    def stop(path, config, model, objective, optimizer, progress):
        if progress.epoch == 3:
            raise KeyboardInterrupt
        store(path, config, model, objective, optimizer, progress)

    monkeypatch.setattr(engine, "store", stop)
    assert run("full", tiny_icbhi, base, tmp_path / "cut", *more) == 130
    monkeypatch.undo()
    assert run("full", tiny_icbhi, base, tmp_path / "cut", *more, "--resume") == 0
    whole, cut, plain = (checkpoint.load(tmp_path / name).model for name in ("whole", "cut", "plain"))
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), cut.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(whole.parameters(), plain.parameters(), strict=True))
    assert curve(tmp_path / "whole") == curve(tmp_path / "cut")
