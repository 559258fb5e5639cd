import math

import numpy as np
import pytest
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

from rsc_core import trials
from rsc_core.trials import Trial, TrialError


def brute_force_cost(same, scores, p_target, c_miss, c_fa):
    """Every threshold in turn, one trial at a time."""
    costs = []
    for threshold in [*scores, math.inf]:
        misses = sum(s and score < threshold for s, score in zip(same, scores, strict=True)) / sum(same)
        alarms = sum(not s and score >= threshold for s, score in zip(same, scores, strict=True)) / (~same).sum()
        costs.append(c_miss * p_target * misses + c_fa * (1 - p_target) * alarms)
    return min(costs) / min(c_miss * p_target, c_fa * (1 - p_target))


@pytest.fixture(params=[1, 6], ids=["many ties", "no ties"])
def sample(request):
    rng = np.random.default_rng(request.param)
    same = rng.random(300) < 0.3
    return same, np.round(rng.standard_normal(300) + 1.5 * same, request.param)


def test_equal_error_rate_is_where_scikit_learns_roc_crosses(sample):
    false_alarm, hit, _ = roc_curve(*sample)
    expected = brentq(lambda x: 1 - x - np.interp(x, false_alarm, hit), 0, 1)
    assert trials.equal_error_rate(*sample) == pytest.approx(100 * expected, abs=1e-6)


@pytest.mark.parametrize("setting", [(0.01, 1, 1), (0.05, 1, 1), (0.5, 10, 1), (0.01, 1, 30)])
def test_min_dcf_equals_trying_every_threshold(sample, setting):
    found = trials.min_dcf(*sample, *setting)
    assert 0 < found <= 1
    assert found == pytest.approx(brute_force_cost(*sample, *setting), abs=1e-12)


def test_defaults_are_the_published_operating_point(sample):
    assert trials.min_dcf(*sample) == trials.min_dcf(*sample, p_target=0.01, c_miss=1, c_fa=1)
    assert trials.min_dcf(*sample) != trials.min_dcf(*sample, p_target=0.5)


def test_by_hand():
    """One miss of four meets one false alarm of four: 25 %. Rejecting that miss costs no alarm: DCF 1/4."""
    same, scores = [1, 1, 1, 1, 0, 0, 0, 0], [8, 7, 6, 3, 4, 2, 1, 0]
    assert trials.equal_error_rate(same, scores) == 25
    assert trials.min_dcf(same, scores) == pytest.approx(0.25)


def test_perfect_reversed_and_constant_scores():
    same = [1, 1, 0, 0]
    assert (trials.equal_error_rate(same, [4, 3, 2, 1]), trials.min_dcf(same, [4, 3, 2, 1])) == (0, 0)
    assert (trials.equal_error_rate(same, [1, 2, 3, 4]), trials.min_dcf(same, [1, 2, 3, 4])) == (100, 1)
    assert (trials.equal_error_rate(same, [1] * 4), trials.min_dcf(same, [1] * 4)) == (50, 1)


@pytest.mark.parametrize("same", [[], [1, 1], [0, 0]])
def test_trials_of_one_kind_are_defined(same):
    scores = np.arange(len(same))
    assert math.isnan(trials.equal_error_rate(same, scores)) and math.isnan(trials.min_dcf(same, scores))


def test_reads_a_list(tmp_path):
    path = tmp_path / "trials.txt"
    path.write_text("1 id10270/a.wav id10270/b.wav\n\n0\tid10270/a.wav\tid10300/c.wav\n")
    assert trials.read_trials(path) == (
        Trial(True, "id10270/a.wav", "id10270/b.wav"),
        Trial(False, "id10270/a.wav", "id10300/c.wav"),
    )


def test_names_every_wrong_line(tmp_path):
    path = tmp_path / "trials.txt"
    path.write_text("1 a b\ntarget a b\n0 a\n1 a b c\n")
    with pytest.raises(TrialError) as caught:
        trials.read_trials(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{path}:"
    assert "line 2: the label is 1 (same source) or 0, got 'target'" in lines[1]
    assert lines[2] == "line 3: expected LABEL ENROL TEST, got 2 columns: '0 a'"
    assert "line 4" in lines[3] and len(lines) == 4


@pytest.mark.parametrize("content", [None, b"\n\n", b"\xff\xfe\x00"], ids=["missing", "empty", "not text"])
def test_unusable_lists_are_named(tmp_path, content):
    path = tmp_path / "trials.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrialError, match="trials.txt"):
        trials.read_trials(path)


def test_scores_are_cosines():
    vectors = {"a": np.array([2.0, 0.0]), "b": np.array([0.0, 3.0]), "c": np.array([1.0, 1.0])}
    pairs = [Trial(True, "a", "a"), Trial(False, "a", "b"), Trial(True, "c", "b"), Trial(True, "a", "c")]
    np.testing.assert_allclose(trials.score_trials(vectors, pairs), [1, 0, 0.5**0.5, 0.5**0.5])
    assert trials.score_trials(vectors, []).shape == (0,)


@pytest.mark.parametrize("vector", [np.zeros(2), np.array([np.nan, 1.0])])
def test_embeddings_that_cannot_be_compared_are_named(vector):
    with pytest.raises(TrialError, match="'b' has no direction"):
        trials.score_trials({"a": np.ones(2), "b": vector}, [Trial(True, "a", "b")])


def test_missing_embeddings_are_named():
    with pytest.raises(TrialError, match="2 of 3 recordings have no embedding, the first 'b'"):
        trials.score_trials({"a": np.ones(2)}, [Trial(True, "a", "b"), Trial(True, "a", "c")])


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"scores of shape \(2,\), got \(1,\)"):
        trials.equal_error_rate([1, 0], [0.5])
    with pytest.raises(ValueError, match="got NaN"):
        trials.min_dcf([1, 0], [0.5, math.nan])
    for wrong in ({"p_target": 0}, {"p_target": 1}, {"c_miss": 0}, {"c_fa": -1}):
        with pytest.raises(ValueError, match="0 < p_target < 1 and positive costs"):
            trials.min_dcf([1, 0], [1, 0], **wrong)
