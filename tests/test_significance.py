import math

import numpy as np
import pytest
from scipy.stats import binomtest

from rsc_core import metrics, significance


def test_interval_resamples_patients_not_cycles():
    """Two opinions per patient: cycles of one patient stand or fall together, so the interval is wide."""
    labels = np.tile([0, 1], 500)
    patients = np.repeat([f"p{i}" for i in range(10)], 100)
    right = np.repeat(np.arange(10) % 2 == 0, 100)
    predictions = np.where(right, labels, 1 - labels)
    low, high = significance.interval(labels, predictions, patients)
    assert low <= 20 and high >= 80
    each_alone = significance.interval(labels, predictions, [str(i) for i in range(1000)])
    assert each_alone[1] - each_alone[0] < 10
    assert (low, high) == significance.interval(labels, predictions, patients)
    assert (low, high) != significance.interval(labels, predictions, patients, seed=1, draws=100)


def test_interval_of_perfect_predictions_is_a_point():
    labels = [0, 1, 2, 3] * 5
    assert significance.interval(labels, labels, ["a", "b"] * 10) == (100, 100)


def test_interval_of_two_patients_in_closed_form():
    """Of two patients, one all right and one all wrong, a draw is 0, 50 or 100 with chances 1/4, 1/2, 1/4."""
    labels, patients = [0, 1, 0, 1], ["a", "a", "b", "b"]
    predictions = [0, 1, 1, 0]
    assert significance.interval(labels, predictions, patients) == (0, 100)
    assert significance.interval(labels, predictions, patients, level=0.4) == (50, 50)


@pytest.mark.parametrize("statistic", [metrics.sensitivity, metrics.macro_f1, metrics.balanced_accuracy])
def test_interval_equals_a_plain_loop_over_draws(statistic):
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(4, size=(2, 120))
    patients = rng.integers(12, size=120).astype(str)
    names = np.unique(patients)
    values = []
    for picks in np.random.default_rng(7).integers(len(names), size=(50, len(names))):
        rows = np.concatenate([np.flatnonzero(patients == names[p]) for p in picks])
        values.append(statistic(metrics.confusion(labels[rows], predictions[rows])))
    expected = tuple(np.percentile(values, [5, 95]))
    found = significance.interval(labels, predictions, patients, statistic=statistic, draws=50, level=0.9, seed=7)
    assert found == pytest.approx(expected)


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Patients differ in how well they are labelled: the mean is 70 %; intervals over clips are far too narrow."""
    rng = np.random.default_rng(1)
    covered = {"patients": 0, "clips": 0}
    for seed in range(200):
        skill = np.repeat(rng.beta(3.5, 1.5, size=40), 30)
        labels = np.tile([0, 1], 600)
        predictions = np.where(rng.random(1200) < skill, labels, 1 - labels)
        owners = {"patients": np.repeat(np.arange(40), 30), "clips": np.arange(1200)}
        for kind, who in owners.items():
            if kind == "clips" and seed >= 50:
                continue
            low, high = significance.interval(labels, predictions, who, ("normal", "abnormal"), draws=200, seed=seed)
            covered[kind] += low <= 70 <= high
    assert 0.89 <= covered["patients"] / 200 <= 0.985
    assert covered["clips"] / 50 < 0.8


def test_one_patient_and_none_have_no_interval():
    assert np.isnan(significance.interval([0, 1], [0, 1], ["a", "a"])).all()
    assert np.isnan(significance.interval([], [], [])).all()
    result = significance.difference([0, 1], [0, 0], [0, 1], ["a", "a"])
    assert result["estimate"] == 50
    assert all(math.isnan(result[key]) for key in ("low", "high", "p"))


def test_draws_without_an_abnormal_clip_are_left_out():
    """A draw of the healthy patient alone has no sensitivity; what is left says 100."""
    assert significance.interval([0, 1], [0, 1], ["healthy", "ill"]) == (100, 100)
    assert np.isnan(significance.interval([0, 0], [0, 1], ["a", "b"])).all()


def test_difference_is_paired():
    """The second run is right wherever the first is and on one clip more a patient: better in every draw."""
    rng = np.random.default_rng(2)
    labels = np.tile([0, 1], 300)
    patients = np.repeat(np.arange(30), 20)
    skill = np.repeat(rng.random(30), 20)
    first = np.where(rng.random(600) < skill, labels, 1 - labels)
    second = first.copy()
    for patient in range(30):
        wrong = np.flatnonzero((patients == patient) & (first != labels))[:1]
        second[wrong] = labels[wrong]
    result = significance.difference(labels, first, second, patients, draws=500)
    gain = metrics.evaluate(labels, second)["score"] - metrics.evaluate(labels, first)["score"]
    assert result["estimate"] == pytest.approx(gain)
    assert 0 < result["low"] <= gain <= result["high"] < 8
    assert result["p"] == pytest.approx(2 / 501)
    low, high = significance.interval(labels, second, patients)
    assert high - low > 3 * (result["high"] - result["low"])


def test_difference_turns_its_sign_with_the_order_and_is_nil_for_the_same_run():
    rng = np.random.default_rng(3)
    labels, first, second = rng.integers(4, size=(3, 200))
    patients = rng.integers(20, size=200)
    there = significance.difference(labels, first, second, patients)
    back = significance.difference(labels, second, first, patients)
    for one, other in (("estimate", "estimate"), ("low", "high"), ("high", "low")):
        assert there[one] == pytest.approx(-back[other])
    assert there["p"] == back["p"] > 0.05
    same = significance.difference(labels, first, first, patients)
    assert same == {"estimate": 0, "low": 0, "high": 0, "p": 1}


def test_difference_of_two_patients_in_closed_form():
    """Only patient a gains, 50 points of 100: draws aa 100, ab 50, bb 0, so a quarter lies at 0: p near 1/2."""
    labels, patients = [0, 1, 0, 1], ["a", "a", "b", "b"]
    result = significance.difference(labels, [1, 0, 0, 1], [0, 1, 0, 1], patients, draws=4000)
    assert (result["estimate"], result["low"], result["high"]) == (50, 0, 100)
    assert result["p"] == pytest.approx(0.5, abs=0.05)


def test_p_is_small_as_often_as_it_says_when_runs_are_alike():
    rng = np.random.default_rng(4)
    labels, patients = np.tile([0, 1], 200), np.repeat(np.arange(40), 10)
    small = 0
    for seed in range(200):
        runs = [np.where(rng.random(400) < 0.7, labels, 1 - labels) for _ in range(2)]
        small += significance.difference(labels, *runs, patients, draws=200, seed=seed)["p"] < 0.05
    assert 2 <= small <= 22  # 10 expected


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 0), (0, 6), (5, 5), (2, 9), (40, 61)])
def test_mcnemar_agrees_with_the_binomial_test(only_first, only_second):
    first = [0] * only_first + [1] * only_second + [0, 1]
    second = [1] * only_first + [0] * only_second + [0, 1]
    result = significance.mcnemar([0] * len(first), first, second)
    assert (result["only_first"], result["only_second"]) == (only_first, only_second)
    total = only_first + only_second
    assert result["p"] == pytest.approx(binomtest(only_first, total).pvalue if total else 1)


def test_mcnemar_by_hand():
    """Six against none: 2 / 2 ** 6."""
    assert significance.mcnemar([1] * 6, [0] * 6, [1] * 6)["p"] == 2 / 64


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="one patient per label, got 1 for 2"):
        significance.interval([0, 1], [0, 1], ["a"])
    with pytest.raises(ValueError, match="one prediction per label, got 1 for 2"):
        significance.difference([0, 1], [0, 1], [0], ["a", "b"])
    with pytest.raises(ValueError, match="two predictions per label, got 2 and 1 for 2"):
        significance.mcnemar([0, 1], [0, 1], [0])


def test_interval_of_a_mean_over_patients():
    """Against a bootstrap written out: whole patients are drawn, however many values each has."""
    rng = np.random.default_rng(1)
    patients = np.repeat([f"p{i}" for i in range(12)], rng.integers(1, 6, 12))
    values = rng.normal(1, 1, len(patients)) + (patients == "p3")
    got = significance.mean_interval(values, patients)
    names = sorted(set(patients))
    means = []
    for _ in range(4000):
        drawn = [values[patients == names[i]] for i in rng.integers(12, size=12)]
        means.append(np.concatenate(drawn).mean())
    assert got["estimate"] == pytest.approx(values.mean())
    assert (got["low"], got["high"]) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])), abs=0.05)


def test_interval_of_a_mean_needs_two_patients_and_one_patient_a_value():
    one = significance.mean_interval([1.0, 3.0], ["a", "a"])
    assert one["estimate"] == 2 and np.isnan(one["low"]) and np.isnan(one["high"])
    with pytest.raises(ValueError, match="one patient per value, got 1 for 2"):
        significance.mean_interval([1.0, 2.0], ["a"])
