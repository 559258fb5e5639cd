import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rsc_core import data, synth
from rsc_core.data import breaths, icbhi, onsets
from rsc_core.data.__main__ import main
from rsc_core.data.breaths import Annotated, best_period_s, counts, covered, f1, fixed, inner, matched

REAL = pytest.mark.skipif("RSC_DATA" not in os.environ, reason="RSC_DATA is not set: no real recordings here")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder laid out as ICBHI: synthesised recordings of three patients, the third put together from cycles."""
    root = tmp_path_factory.mktemp("icbhi")
    (root / icbhi.DATABASE).mkdir()
    names = [f"{101 + i}_1b1_Al_sc_Meditron" for i in range(3)]
    for seed, name in enumerate(names):
        made = synth.synthesise(synth.Breath(), seconds=20.0, sample_rate=8000, seed=seed)
        synth.write(root / icbhi.DATABASE / f"{name}.wav", made)
    sides = zip(names, ("train", "test", "test"), strict=True)
    (root / icbhi.SPLIT_LIST).write_text("".join(f"{name}\t{side}\n" for name, side in sides))
    audio = zip(names, ("whole file", "whole file", "rebuilt from cycles"), strict=True)
    (root / breaths.FACTS).write_text("recording,audio\n" + "".join(f"{name},{how}\n" for name, how in audio))
    return root


def test_f1_in_closed_form():
    truth = [2.0, 4.0, 6.0, 8.0]
    for shift_s, expected in ((0.0, 100.0), (0.29, 100.0), (0.3, 100.0), (0.31, 0.0), (-0.29, 100.0), (-0.31, 0.0)):
        found = [t + shift_s for t in truth]
        assert f1(matched(truth, found), len(truth), len(found)) == pytest.approx(expected)
    assert f1(matched(truth, []), 4, 0) == f1(matched([], truth), 0, 4) == f1(0, 0, 0) == 0
    assert f1(matched(truth, truth[:2]), 4, 2) == pytest.approx(200 * 2 / 6)  # precision 1, recall 1/2


def test_a_boundary_matches_only_one_other():
    assert matched([2.0], [1.8, 2.0, 2.2]) == 1
    assert matched([2.0, 2.2], [1.9, 2.45]) == 2  # the nearest first would leave 2.45 to nobody
    assert matched([2.0, 2.2], [2.1]) == 1


def test_matching_is_the_largest_there_is():
    """Against all assignments, by augmenting paths."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = (np.sort(rng.uniform(0, 3, rng.integers(0, 7))) for _ in range(2))
        near = np.abs(a[:, None] - b[None]) <= 0.3
        owner = {}

        def place(i, seen, near=near, owner=owner):
            for j in np.flatnonzero(near[i]):
                if j not in seen:
                    seen.add(j)
                    if j not in owner or place(owner[j], seen):
                        owner[j] = i
                        return True
            return False

        assert matched(a, b) == sum(place(i, set()) for i in range(len(a)))


def test_the_ends_of_a_recording_need_no_listening():
    assert inner([(0.0, 2.0), (2.0, 9.8), (0.2, 1.0)], 10.0) == [1.0, 2.0]


def test_an_event_is_covered_by_one_breath_not_by_two():
    cycles = [(0.0, 3.0), (3.0, 6.0)]
    assert covered((0.5, 3.2), cycles) and covered((2.8, 5.0), cycles)
    assert not covered((2.0, 4.0), cycles)
    assert not covered((1.0, 2.0), [])


def test_the_best_fixed_period_is_found():
    items = [Annotated(Path("a"), "1", 20.0, tuple(fixed(20.0, 2.5))), Annotated(Path("b"), "2", 30.0, ((0, 2.5),))]
    assert best_period_s(items[:1]) == 2.5
    assert counts(items, [fixed(20.0, 2.5), []]).tolist() == [[7, 7, 7], [0, 1, 0]]


def test_score_reports_found_breaths_beside_a_fixed_period(corpus, capsys):
    assert main(["cycles-score", "--corpus", "icbhi", "--data", str(corpus)]) == 0
    head, _, found, period, difference = capsys.readouterr().out.strip().splitlines()
    assert "test: 1 recordings of 1 patients; no clear breathing in 0 of them" in head  # the rebuilt one is left out
    assert float(found.split()[2]) > float(period.split("train)")[1].split()[0])
    assert "difference +" in difference


def test_a_split_without_recordings_is_refused(corpus, capsys):
    assert main(["cycles-score", "--corpus", "icbhi", "--data", str(corpus), "--split", "intra"]) == 1
    assert "no whole recording in a split 'intra'; its splits are test, train" in capsys.readouterr().err


def test_weights_learned_from_breaths_tell_their_starts(corpus):
    items = breaths.recordings(data.load("icbhi", corpus), "train")
    waveform, rate = soundfile.read(items[0].path)
    inputs, target = onsets.examples(waveform, rate, items[0].boundaries_s)
    assert len(inputs) == len(target) and target.max() == pytest.approx(1, abs=0.1)
    weights, bias = onsets.fit(inputs, target)
    odds = inputs @ weights.ravel() + bias
    assert odds[target > 0.9].mean() > odds[target < 0.1].mean() + 0.5


def test_learning_prints_the_constants(corpus, capsys):
    assert main(["cycles-learn", "--data", str(corpus)]) == 0
    read: dict = {"np": np}
    exec(capsys.readouterr().out, read)  # noqa: S102 (our own words)
    assert read["ONSET_WEIGHTS"].shape == (13, 4)
    assert np.isfinite(read["ONSET_WEIGHTS"]).all() and read["ONSET_BIAS"] < 0


@REAL
def test_real_corpora_leave_their_rebuilt_recordings_out():
    found = breaths.recordings(data.load("icbhi", Path(os.environ["RSC_DATA"], "icbhi_subset")), "test")
    assert len(found) == 80
