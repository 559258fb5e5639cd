import os
from pathlib import Path

import numpy as np
import pytest

from rsc_core import audio, synth
from rsc_core.data.breaths import matched
from rsc_core.segmentation import breaths, most_likely_starts

RATE = 16000
REAL = pytest.mark.skipif("RSC_DATA" not in os.environ, reason="RSC_DATA is not set: no real recordings here")


def times(cycles):
    return [cycle.start_s for cycle in cycles[1:]]


def contiguous(cycles, seconds):
    starts, ends = [c.start_s for c in cycles], [c.end_s for c in cycles]
    return starts[0] == 0 and ends[-1] == seconds and starts[1:] == ends[:-1]


@pytest.mark.parametrize("rate_per_min", [12, 15, 20, 28])
def test_synthetic_breaths_are_found_within_0_3_s(rate_per_min):
    breath = synth.Breath(rate_per_min=rate_per_min, tidal_volume_l=0.8)
    made = synth.synthesise(breath, seconds=24.0, sample_rate=RATE, seed=rate_per_min)
    found = breaths(made.waveform, RATE)
    assert contiguous(found, 24.0)
    truth = times(made.cycles)
    assert matched(truth, times(found)) == len(truth)
    assert len(found) <= len(made.cycles) + 1  # the end of the last one may be told from a rest


@pytest.mark.parametrize("name", list(synth.EXAMPLES))
def test_crackles_and_wheezes_hide_no_breath(name):
    made = synth.example(name)
    truth = times(made.cycles)
    assert matched(truth, times(breaths(made.waveform, made.sample_rate))) >= len(truth) - 1


def test_inspiration_is_told_from_expiration():
    breath = synth.Breath(rate_per_min=12, tidal_volume_l=1.2)
    made = synth.synthesise(breath, seconds=25.0, sample_rate=RATE, seed=3)
    turns = [c.inspiration_end_s for c in breaths(made.waveform, RATE) if c.inspiration_end_s is not None]
    truth = [breath.phases(c.start_s, c.end_s).inspiration_end_s for c in made.cycles]
    assert len(turns) >= 3
    assert matched(truth, turns) == len(turns)


def nothing_heard():
    rng = np.random.default_rng(0)
    seconds = np.arange(20 * RATE) / RATE
    pink = np.fft.irfft(np.fft.rfft(rng.standard_normal(20 * RATE)) / np.arange(1, 10 * RATE + 2) ** 0.5)
    beats = np.sin(2 * np.pi * 45 * seconds) * np.exp(-(((seconds % 0.8) / 0.06) ** 2))
    return {
        "silence": np.zeros(20 * RATE),
        "noise": rng.standard_normal(20 * RATE),
        "pink noise": pink,
        "a tone": np.sin(2 * np.pi * 440 * seconds),
        "a constant": np.ones(20 * RATE),
        "heartbeats in noise": beats + 0.01 * rng.standard_normal(20 * RATE),
        "0.2 s": rng.standard_normal(RATE // 5),
        "one sample": np.ones(1),
        "nothing": np.zeros(0),
    }


@pytest.mark.parametrize("name", list(nothing_heard()))
def test_nothing_is_found_where_nobody_breathes(name):
    assert breaths(nothing_heard()[name].astype(np.float32), RATE) == ()


@pytest.fixture(scope="module")
def breathing():
    return synth.synthesise(synth.Breath(), seconds=20.0, sample_rate=RATE, seed=1)


def test_the_same_sound_gives_the_same_cycles_at_any_level(breathing):
    found = breaths(breathing.waveform, RATE)
    assert breaths(breathing.waveform, RATE) == found
    assert times(breaths(1000 * breathing.waveform, RATE)) == times(breaths(0.001 * breathing.waveform, RATE))
    assert matched(times(found), times(breaths(0.001 * breathing.waveform, RATE)), 0.05) == len(found) - 1


@pytest.mark.parametrize("sample_rate", [4000, 8000, 22050, 44100])
def test_any_sample_rate(sample_rate):
    made = synth.synthesise(synth.Breath(), seconds=20.0, sample_rate=max(8000, sample_rate), seed=1)
    waveform = made.waveform[:: made.sample_rate // sample_rate]
    assert matched(times(made.cycles), times(breaths(waveform, sample_rate))) == len(made.cycles) - 1


def test_clipping_heartbeats_and_gaps_do_not_hide_the_breath(breathing):
    seconds = np.arange(len(breathing.waveform)) / RATE
    beats = 0.5 * np.sin(2 * np.pi * 45 * seconds) * np.exp(-(((seconds % 0.8) / 0.06) ** 2))
    gap = np.where((seconds > 9) & (seconds < 9.2), 0, breathing.waveform)
    truth = times(breathing.cycles)
    for changed in (np.clip(breathing.waveform, -0.1, 0.1), breathing.waveform + beats, gap):
        assert matched(truth, times(breaths(changed.astype(np.float32), RATE))) == len(truth)


def test_the_most_likely_starts_follow_odds_and_rhythm():
    odds = np.full(400, -4.0)
    truth = np.array([20, 70, 120, 170, 220, 270, 320, 370])
    odds[truth] = 2.0
    assert most_likely_starts(odds).tolist() == truth.tolist()
    odds[195] = 0.0  # amid a cycle
    odds[220] = -1.0  # hardly heard
    assert most_likely_starts(odds).tolist() == truth.tolist()


@REAL
def test_a_real_recording_is_cut_into_breaths():
    path = Path(os.environ["RSC_DATA"], "icbhi_subset", "ICBHI_final_database", "101_1b1_Al_sc_Meditron.flac")
    heard = audio.load(path)
    found = breaths(heard.waveform, heard.sample_rate)
    assert contiguous(found, heard.seconds)
    assert 4 <= len(found) <= 25
