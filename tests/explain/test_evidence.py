"""Measured on synthesised sounds of known parameters, on hand-made ones, and on real events."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from rsc_core import audio, synth
from rsc_core.analysis import Cycle
from rsc_core.data import sprsound
from rsc_core.explain import evidence, ridges
from rsc_core.explain.crackles import Crackle
from rsc_core.explain.evidence import Evidence, agreement, breathing, measure
from rsc_core.explain.ridges import Ridge
from rsc_core.synth import COARSE, FINE, Breath, Crackles, Wheeze

RATE = 16000


def measured(sounds, breath=None, seed=0):
    """(evidence, true events with times from the cycle's start) of every cycle of a synthesised recording."""
    made = synth.synthesise(breath or Breath(inspiration_share=0.33), sounds, 16, RATE, seed)
    for cycle in made.cycles:
        events = [(e.start_s - cycle.start_s, e.end_s - cycle.start_s) for e in made.events]
        inside = [e for e in events if 0 <= e[0] < cycle.seconds]
        yield measure(made.waveform[round(cycle.start_s * RATE) : round(cycle.end_s * RATE)], RATE), inside


@pytest.mark.parametrize("glide", [0, -2, -4])
@pytest.mark.parametrize("pitch_hz", [170, 250, 410, 700, 1000])
def test_a_wheeze_is_found_with_its_pitch_and_duration(pitch_hz, glide):
    for found, ((start_s, end_s),) in measured([Wheeze(pitch_hz, 1.0, glide, 0)]):
        ridge = found.longest_ridge
        assert ridge.pitch_hz == pytest.approx(pitch_hz, rel=0.02)
        assert (ridge.start_s, ridge.end_s) == pytest.approx((start_s, end_s), abs=0.06)
        assert found.polyphony == 1
        assert ridge.meets == ("Bohadana", "CORSA", "ATS")


def test_two_wheezes_at_once_are_polyphonic_and_overtones_are_not():
    (found, _), *_ = measured([Wheeze(300, 1.2, 0, 0), Wheeze(437, 1.2, 0, 0)])
    assert found.polyphony == 2
    overtones = tuple(Ridge(0, 1, hz, 30) for hz in (300, 600, 905))
    assert ridges.fundamentals(overtones) == overtones[:1]
    falling = Ridge(0, 2, 170, 30, -20), Ridge(1.6, 1.9, 306, 30)  # it has fallen to 155 Hz when its octave sounds
    assert ridges.fundamentals(falling) == falling[:1]
    later = Ridge(0.9, 2, 600, 30)  # sounds with the first for a tenth of a second only
    assert ridges.fundamentals((overtones[0], later)) == (overtones[0], later)
    assert ridges.polyphony((overtones[0], Ridge(1, 2, 437, 30))) == 1
    assert ridges.polyphony(()) == 0


@pytest.mark.parametrize(
    ("seconds", "conventions"), [(0.04, None), (0.12, ("Bohadana", "CORSA")), (0.4, ("Bohadana", "CORSA", "ATS"))]
)
def test_short_tones_meet_the_conventions_they_last_for(seconds, conventions):
    t = np.arange(2 * RATE) / RATE
    tone = np.where(np.abs(t - 1) < seconds / 2, np.sin(2 * np.pi * 500 * t), 0)
    sound = 0.1 * tone + 0.02 * np.random.default_rng(0).standard_normal(len(t))
    assert [ridge.meets for ridge in ridges.find_ridges(sound, RATE)] == ([conventions] if conventions else [])


def test_breath_noise_and_silence_hold_nothing():
    for sound in (np.zeros(5 * RATE), np.zeros(10), np.random.default_rng(0).standard_normal(5 * RATE)):
        found = measure(sound.astype(np.float32), RATE)
        assert (found.ridges, found.crackles, found.longest_ridge, found.two_cycle_ms) == ((), (), None, None)
    counts = [(len(found.ridges), len(found.crackles)) for seed in range(3) for found, _ in measured([], seed=seed)]
    assert len(counts) == 12 and not np.any(counts)


@pytest.mark.parametrize(
    ("crackles", "corsa"),
    [(FINE, "fine"), (Crackles(0.9, 7), "fine"), (COARSE, "coarse")],
)
def test_crackles_are_counted_where_they_are_and_measured(crackles, corsa):
    widths, durations, hits, total, extra = [], [], 0, 0, 0
    for found, events in measured([crackles], Breath()):
        starts = np.array([c.start_s for c in found.crackles])
        near = [np.abs(starts - start_s).min(initial=9) < 0.008 for start_s, _ in events]
        hits, total, extra = hits + sum(near), total + len(events), extra + max(0, len(starts) - len(events))
        widths += [c.idw_ms for c in found.crackles]
        durations += [c.two_cycle_ms for c in found.crackles]
    assert hits >= 0.75 * total and extra <= 0.1 * total
    assert np.median(durations) == pytest.approx(crackles.two_cycle_ms, rel=0.4)
    assert np.median(widths) < 2 * crackles.idw_ms
    assert Crackle(0, 1, float(np.median(durations))).corsa == corsa


def test_in_silence_a_crackle_is_measured_exactly():
    found = [c for e, _ in measured([FINE], Breath(8, 0.05)) for c in e.crackles]
    assert len(found) == 16
    assert np.median([c.two_cycle_ms for c in found]) == pytest.approx(5, rel=0.1)
    assert np.median([c.idw_ms for c in found]) == pytest.approx(0.7, abs=0.1)


def test_kinds_of_crackles_by_convention():
    assert [Crackle(0, 1, ms).corsa for ms in (5, 9.9, 10)] == ["fine", "fine", "coarse"]
    assert [Crackle(0, 1, ms).ats for ms in (5, 7, 8, 10)] == ["fine", "fine", "coarse", "coarse"]


def test_level_and_sample_rate_do_not_matter():
    sound = synth.synthesise(Breath(), [Wheeze(410, 0.8, 0, 0), COARSE], 4, RATE).waveform
    found = measure(sound, RATE)
    quiet, faster = measure(0.01 * sound, RATE), measure(resample_poly(sound, 441, 160), 44100)
    for other in (quiet, faster):
        assert other.longest_ridge.pitch_hz == pytest.approx(found.longest_ridge.pitch_hz, rel=0.005)
        assert other.longest_ridge.seconds == pytest.approx(found.longest_ridge.seconds, abs=0.03)
        assert len(other.crackles) == len(found.crackles) > 0


@pytest.mark.parametrize(("rate", "volume_l"), [(12, 0.7), (15, 0.7), (20, 0.5), (30, 0.3), (60, 0.15)])
def test_breathing_rate_is_found(rate, volume_l):
    for seed in (0, 1):
        sound = synth.synthesise(Breath(rate, volume_l), [], 20, RATE, seed).waveform
        assert breathing(sound, RATE).rate_per_min == pytest.approx(rate, rel=0.05)


def test_breathing_rate_is_not_guessed():
    slow = synth.synthesise(Breath(12, 0.7), [], 20, RATE).waveform
    noise = np.random.default_rng(0).standard_normal(20 * RATE)
    assert breathing(slow[: RATE // 2], RATE) == evidence.Breathing(None, "too short")
    assert breathing(slow[: 6 * RATE], RATE) == evidence.Breathing(None, "too short")
    assert breathing(noise, RATE) == evidence.Breathing(None, "no rhythm")
    assert breathing(np.zeros(20 * RATE), RATE) == evidence.Breathing(None, "no rhythm")


def test_a_rate_that_the_breaths_found_contradict_is_not_given(monkeypatch):
    sound = synth.synthesise(Breath(15, 0.7), [], 20, RATE).waveform
    for seconds, rate, unclear in ((4.4, pytest.approx(15, rel=0.05), ""), (2.0, None, "two rates")):
        monkeypatch.setattr(evidence.segmentation, "breaths", lambda *_, s=seconds: (Cycle(0.0, s), Cycle(s, 2 * s)))
        found = breathing(sound, RATE)
        assert found.rate_per_min == rate and found.unclear == unclear


@pytest.mark.parametrize(
    ("probabilities", "found", "verdicts"),
    [
        ((0.7, 0.1, 0.1, 0.1), ((), 0), ("neither has it", "neither has it")),
        ((0.7, 0.1, 0.1, 0.1), ((410,), 1), ("measurement only", "neither has it")),
        ((0.1, 0.1, 0.7, 0.1), ((), 3), ("label only", "measurement only")),
        ((0.1, 0.1, 0.1, 0.7), ((410,), 2), ("both have it", "both have it")),
        ((0.1, 0.7, 0.1, 0.1), ((410,), 0), ("measurement only", "label only")),
    ],
)
def test_agreement_compares_label_and_measurement(probabilities, found, verdicts):
    pitches, count = found
    ridges_found = tuple(Ridge(1.0, 1.6, hz, 20) for hz in pitches)
    crackles = tuple(Crackle(0.1 * i, 1, 8) for i in range(count))
    wheeze, crackle = agreement(Evidence(3.0, ridges_found, crackles), np.array(probabilities))
    assert (wheeze.sound, crackle.sound) == ("wheeze", "crackle")
    assert (wheeze.verdict, crackle.verdict) == verdicts
    assert wheeze.probability == pytest.approx(probabilities[2] + probabilities[3])
    assert crackle.probability == pytest.approx(probabilities[1] + probabilities[3])
    assert wheeze.facts == ({"pitch_hz": 410, "seconds": pytest.approx(0.6), "polyphony": 1} if pitches else {})
    assert crackle.facts == ({"count": count, "two_cycle_ms": 8} if count else {})


def test_refuses_what_it_cannot_judge():
    with pytest.raises(ValueError, match=r"expected probabilities of normal, crackle, wheeze, both, got shape \(2,\)"):
        agreement(Evidence(1, (), ()), np.array([0.5, 0.5]))
    for look in (measure, breathing):
        with pytest.raises(ValueError, match="expected at least 4000 samples a second, got 2000"):
            look(np.zeros(4000), 2000)


def test_real_events_differ_as_the_docstring_says(real_data):
    """A draw of SPRSound's training events, 40 of each kind; the bounds leave room for the draw."""
    clips = [clip for clip in sprsound.load(real_data / "sprsound").clips if clip.split == "train"]
    rng = np.random.default_rng(7)
    share = {}
    for kind in ("Normal", "Wheeze", "Fine Crackle"):
        drawn = rng.permutation([i for i, clip in enumerate(clips) if clip.kind == kind])[:40]
        found = []
        for clip in (clips[i] for i in drawn):
            sound = audio.load(clip.path).waveform[round(clip.start_s * RATE) : round(clip.end_s * RATE)]
            found.append(measure(sound, RATE))
        share[kind] = (
            np.mean([bool(e.ridges) for e in found]),
            np.mean([len(e.crackles) >= evidence.LEAST_CRACKLES for e in found]),
        )
    assert share["Wheeze"][0] > 0.5 and share["Normal"][0] < 0.2 and share["Fine Crackle"][0] < 0.2
    assert share["Fine Crackle"][1] > 0.6 and share["Normal"][1] < 0.6
    assert share["Fine Crackle"][1] - share["Normal"][1] > 0.25
