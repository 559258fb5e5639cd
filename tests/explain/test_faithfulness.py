import numpy as np
import pytest
import torch
from sklearn.metrics import auc
from torch import nn

from rsc_core.explain import faithfulness
from rsc_core.explain.faithfulness import Curves
from rsc_core.explain.perturb import FILLS
from rsc_core.explain.target import Target


class Ear(nn.Module):
    """Hears tile (2, 3) of 16 x 16 alone: its mean is the first class's logit, nothing the second's."""

    input_shape = (96, 128)

    def forward(self, features):
        heard = features[:, 48:64, 32:48].mean(dim=(1, 2))
        return torch.stack([heard, torch.zeros_like(heard), torch.full_like(heard, -50.0)], dim=1)


@pytest.fixture
def sound():
    """Loud in tile (2, 3), which the local mean would wash out."""
    features = torch.zeros(1, 96, 128)
    features[:, 48:64, 32:48] = 8.0
    return features


@pytest.fixture(autouse=True)
def silence(monkeypatch):
    monkeypatch.setitem(FILLS, "silence", lambda features, period, generator: torch.zeros_like(features))


def order(best, worst=None):
    values = torch.zeros(1, 8, 6)
    values[:, best[0], best[1]] = 1
    if worst:
        values[:, worst[0], worst[1]] = -1
    return values


def test_the_right_order_falls_at_once_and_rises_at_once(sound):
    """Closed form: the probability is sigmoid(8) with the tile and 1/2 without it."""
    with_, without = 1 / (1 + np.exp(-8)), 0.5
    c = faithfulness.curves(Ear(), sound, order((2, 3)), Target(0), "silence", steps=4)
    np.testing.assert_allclose(c.fraction, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(c.deletion, [with_, *4 * [without]], rtol=1e-5)
    np.testing.assert_allclose(c.insertion, [without, *4 * [with_]], rtol=1e-5)
    assert c.deletion_area == pytest.approx(auc(c.fraction, c.deletion))
    assert c.insertion_area == pytest.approx(auc(c.fraction, c.insertion))
    last = faithfulness.curves(Ear(), sound, order((0, 0), (2, 3)), Target(0), "silence", steps=4)
    np.testing.assert_allclose(last.deletion, [*4 * [with_], without], rtol=1e-5)
    np.testing.assert_allclose(last.insertion, [*4 * [without], with_], rtol=1e-5)


def test_every_step_replaces_its_share():
    """Closed form, whatever the order: a model that hears the mean of an even clip is left with what remains."""

    class Level(nn.Module):
        input_shape = (96, 128)

        def forward(self, features):
            heard = features.mean(dim=(1, 2))
            return torch.stack([heard, torch.zeros_like(heard)], dim=1)

    c = faithfulness.curves(Level(), torch.full((1, 96, 128), 8.0), torch.rand(1, 8, 6), Target(0), "silence", steps=5)
    share = np.array([0, 10, 19, 29, 38, 48]) / 48  # of 48 tiles, in whole tiles
    np.testing.assert_allclose(c.fraction, share, rtol=1e-6)
    np.testing.assert_allclose(c.deletion, 1 / (1 + np.exp(-8 * (1 - share))), rtol=1e-5)
    np.testing.assert_allclose(c.insertion, 1 / (1 + np.exp(-8 * share)), rtol=1e-5)


def test_windows_are_averaged_each_in_its_own_order(sound):
    both = torch.cat([sound, sound])
    orders = torch.cat([order((2, 3)), order((0, 0), (2, 3))])
    one, other = (faithfulness.curves(Ear(), sound, o[None], Target(0), "silence", 5) for o in orders)
    mean = faithfulness.curves(Ear(), both, orders, Target(0), "silence", 5)
    np.testing.assert_allclose(mean.deletion, (one.deletion + other.deletion) / 2)
    np.testing.assert_allclose(mean.insertion, (one.insertion + other.insertion) / 2)


def test_copies_of_a_moment_fall_together():
    """A model that hears its loudest copy notices nothing until all copies are gone."""

    class Loudest(nn.Module):
        input_shape = (96, 128)

        def forward(self, features):
            heard = features.mean(dim=2).amax(dim=1)
            return torch.stack([heard, torch.zeros_like(heard)], dim=1)

    features = torch.zeros(1, 96, 128)
    features[:, 0::32] = 8.0  # one frame, three copies
    first_copy = torch.zeros(1, 8, 6)
    first_copy[:, :, 0] = 1
    apart = faithfulness.curves(Loudest(), features, first_copy, Target(0), "silence", steps=6)
    together = faithfulness.curves(Loudest(), features, first_copy, Target(0), "silence", steps=2, period=32)
    assert apart.deletion[1] == apart.deletion[0]
    assert together.deletion[1] == pytest.approx(0.5)


@pytest.mark.parametrize("fill", ["local_mean", "matched_noise"])
def test_both_replacements_silence_what_the_model_hears(sound, fill):
    good = faithfulness.curves(Ear(), sound, order((2, 3)), Target(0), fill, steps=8)
    bad = faithfulness.curves(Ear(), sound, order((0, 0), (2, 3)), Target(0), fill, steps=8)
    assert good.deletion_area < bad.deletion_area and good.insertion_area > bad.insertion_area


def test_the_ends_are_the_clip_and_the_replacement(tiny_model):
    features = torch.randn(1, 98, 128)
    c = faithfulness.curves(tiny_model, features, torch.rand(1, 8, 6), Target(1), steps=3)
    with torch.no_grad():
        whole = tiny_model(features).softmax(1)[0, 1]
    assert c.deletion[0] == c.insertion[-1] == pytest.approx(float(whole), abs=1e-6)
    assert c.deletion[-1] == c.insertion[0] != c.deletion[0]
    assert all(getattr(c, key).dtype == np.float32 for key in ("fraction", "deletion", "insertion"))


def test_against_a_class_the_two_stand_alone():
    logits = torch.tensor([[1.0, 3.0, 9.0]])
    assert faithfulness.probability(logits, Target(1)).item() == pytest.approx(np.exp(-6) / (1 + np.exp(-6)), rel=0.01)
    assert faithfulness.probability(logits, Target(1, against=0)).item() == pytest.approx(1 / (1 + np.exp(-2)))


def test_baselines_know_loudness_or_nothing(sound):
    run = {"fill": "silence", "steps": 6, "target": Target(0)}
    (loudest,) = faithfulness.baseline_curves(Ear(), sound, baseline="loudest", orders=1, **run)
    assert loudest.deletion[1] == pytest.approx(0.5), "the loudest tile is the one it hears"
    for name in ("random", "smooth"):
        five = list(faithfulness.baseline_curves(Ear(), sound, baseline=name, orders=5, **run))
        two = list(faithfulness.baseline_curves(Ear(), sound, baseline=name, orders=2, **run))
        assert [c.deletion.tolist() for c in five[:2]] == [c.deletion.tolist() for c in two]
        assert len({c.deletion_area for c in five}) > 1
    assert set(faithfulness.BASELINE_TITLES) == set(faithfulness.BASELINES)


def test_smooth_blocks_hang_together_and_random_tiles_do_not(tiny_model):
    divided = faithfulness.parts(tiny_model, 498, 128)
    features, generator = torch.zeros(20, 498, 128), torch.Generator().manual_seed(0)
    for name, low, high in (("random", -0.1, 0.1), ("smooth", 0.6, 1.0)):
        field = faithfulness.BASELINES[name](features, divided, generator).unflatten(1, divided.shape)
        neighbours = np.corrcoef(field[..., :-1].flatten(), field[..., 1:].flatten())[0, 1]
        assert low < neighbours < high


def flat(deletion, insertion):
    return Curves(np.array([0, 1.0]), np.full(2, deletion), np.full(2, insertion))


def test_a_verdict_tells_where_the_area_lies():
    random = [flat(0.4 + 0.01 * i, 0.5 + 0.01 * i) for i in range(20)]
    told = faithfulness.verdict(flat(0.3, 0.595), random)
    assert told["deletion"].standing == "better" and told["deletion"].better_than == 20
    assert told["deletion"].sentence == "better than all 20 random orders on this cycle"
    assert (told["deletion"].lowest, told["deletion"].highest) == pytest.approx((0.4, 0.59))
    assert told["insertion"].standing == "within" and told["insertion"].better_than == 10
    assert told["insertion"].sentence == "within the range of random orders on this cycle"
    worst = faithfulness.verdict(flat(0.6, 0.4), random)
    assert [v.standing for v in worst.values()] == ["worse", "worse"]
    assert worst["insertion"].sentence == "worse than all 20 random orders on this cycle"
    assert (worst["insertion"].lowest, worst["insertion"].highest) == pytest.approx((0.5, 0.69))


def test_agreement_of_maps():
    ramp = np.arange(248.0).reshape(8, 31)
    same = faithfulness.agreement(ramp, 3 * ramp + 1)
    assert (same.correlation, same.overlap) == (pytest.approx(1), 1) and same.sentence.endswith("methods agree here")
    turned = faithfulness.agreement(ramp, -ramp)
    assert (turned.correlation, turned.overlap) == (pytest.approx(-1), 0)
    assert turned.sentence == "these two methods disagree here"
    partly = ramp.flatten()
    partly[-25:-8] = -1  # 8 of the 25 highest stay
    partly = faithfulness.agreement(ramp, partly.reshape(8, 31))
    assert partly.overlap == pytest.approx(8 / 25) and partly.sentence == "these two methods agree in part here"
    assert np.isnan(faithfulness.agreement(ramp, np.ones_like(ramp)).correlation)


def test_unrelated_maps_rarely_share_more_than_chance():
    rng = np.random.default_rng(0)
    found = [faithfulness.agreement(rng.random((8, 31)), rng.random((8, 31))) for _ in range(300)]
    assert 0.9 < np.mean([a.overlap <= a.chance for a in found]) < 1


def test_errors_name_what_was_expected(sound):
    with pytest.raises(ValueError, match="at least 1 step, got 0"):
        faithfulness.curves(Ear(), sound, order((0, 0)), Target(0), steps=0)
    with pytest.raises(ValueError, match=r"\(windows, parts\) = \(1, 48\), got \(1, 6\)"):
        faithfulness.curves(Ear(), sound, torch.zeros(1, 6), Target(0))
    with pytest.raises(ValueError, match="no baseline 'quietest'; choose one of random, smooth, loudest"):
        next(faithfulness.baseline_curves(Ear(), sound, Target(0), "quietest"))
    with pytest.raises(ValueError, match="at least 1 random order"):
        faithfulness.verdict(flat(0, 1), [])
    with pytest.raises(ValueError, match="two maps of one grid"):
        faithfulness.agreement(np.zeros((2, 3)), np.zeros((3, 2)))


def test_orders_followed_together_are_as_followed_alone_and_share_their_ends(sound):
    orders = [torch.rand(1, 8, 6, generator=torch.Generator().manual_seed(i)) for i in range(3)]
    calls = []
    ear = Ear()
    ear.register_forward_pre_hook(lambda _, given: calls.append(len(given[0])))
    together = faithfulness.follow(ear, sound, orders[:2], Target(0), "silence", 5, symmetric=orders[2:])
    assert sum(calls) == 2 + 2 * 2 * 4 + 4
    for order, found in zip(orders, together, strict=True):
        alone = faithfulness.curves(Ear(), sound, order, Target(0), "silence", 5)
        np.testing.assert_allclose(found.deletion, alone.deletion)
    reverse = faithfulness.curves(Ear(), sound, -orders[2], Target(0), "silence", 5)
    np.testing.assert_allclose(together[2].insertion, reverse.insertion)
    assert faithfulness.curves(Ear(), sound, orders[0], Target(0), "silence", 1).deletion.shape == (2,)
