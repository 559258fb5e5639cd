"""Where a labelling function begins to name a sound, and that the sound is as loud as the step says."""

import numpy as np
import pytest

from rsc_core import synth, threshold
from rsc_core.synth import COARSE, FINE, Breath, Rhonchus, Rub, Squawk, Stridor, Wheeze


def named_from(*answers):
    """Label one waveform after another as told: True is class 1."""
    left = iter(answers)
    return lambda waveform: np.array([0.2, 0.8] if next(left) else [0.9, 0.1])


@pytest.mark.parametrize(
    ("answers", "level_db"),
    [
        ((0, 0, 1, 1), 0),
        ((1, 1, 1, 1), -20),
        ((0, 0, 0, 0), None),
        ((1, 0, 0, 1), 10),  # named by chance below: what counts is from where on it stays so
        ((1, 1, 1, 0), None),
    ],
)
def test_the_lowest_level_from_which_on_it_is_named(answers, level_db):
    found = threshold.find(named_from(*answers), [np.zeros(4)] * 4, {1}, (-20, -10, 0, 10))
    assert found.level_db == level_db
    assert found.named.tolist() == [bool(a) for a in answers]
    assert found.probabilities.shape == (4, 2)


def test_several_classes_may_name_it():
    answers = iter(np.eye(4)[[0, 3, 1]])
    found = threshold.find(lambda waveform: next(answers), [np.zeros(4)] * 3, {1, 3}, (0, 5, 10))
    assert found.level_db == 5


def test_levels_rise_and_each_has_its_waveform():
    for levels in ((), (0, 0), (5, 0)):
        with pytest.raises(ValueError, match="expected levels that rise"):
            threshold.find(named_from(), [], {1}, levels)
    with pytest.raises(ValueError, match="one answer for each of 3 levels, got 2"):
        threshold.find(named_from(1, 1), [np.zeros(4)] * 2, {1}, (0, 5, 10))


@pytest.mark.parametrize(
    "sound", [FINE, COARSE, Wheeze(), Rhonchus(), Stridor(), Squawk(), Rub()], ids=lambda s: s.kind
)
def test_a_step_is_as_loud_as_it_says(sound):
    """Measured in the recordings: the part of each that is the breath alone, and the part that is the sound alone."""
    rate, levels = 8000, (-20, 0, 10)
    layers = synth.compose(Breath(), [sound], 8, rate)
    alone = synth.record(layers, gain_db=-200).waveform.astype(float)
    inspiring = np.zeros(len(alone), bool)
    for phases in layers.phases:
        inspiring[int(phases.start_s * rate) : int(phases.inspiration_end_s * rate)] = True
    sounding = layers.sounds[layers.sounds != 0]
    for level_db, made in zip(levels, threshold.steps(sound, levels, Breath(), 8, rate), strict=True):
        (breath, over), *_ = np.linalg.lstsq(np.stack([alone, layers.sounds], 1), made.waveform.astype(float))
        ratio = over**2 * np.mean(sounding**2) / (breath**2 * np.mean(alone[inspiring] ** 2))
        assert 10 * np.log10(ratio) == pytest.approx(level_db, abs=0.5)
        assert made.cycles == layers.cycles


def test_a_detector_of_energy_finds_the_wheeze_where_it_rises_out_of_the_breath():
    """A labelling function of the simplest kind: it names the sound where its band holds more than it does alone."""
    sound, rate = Wheeze(700, 1.0, 0), 8000

    def share(waveform):
        power = np.abs(np.fft.rfft(waveform)) ** 2
        hz = np.fft.rfftfreq(len(waveform), 1 / rate)
        return power[(hz > 690) & (hz < 710)].sum() / power.sum()

    def label(waveform):
        return np.array([0.1, share(waveform)])

    waveforms = [made.waveform for made in threshold.steps(sound, sample_rate=rate)]
    found = threshold.find(label, waveforms, {1})
    assert np.all(np.diff(found.probabilities[:, 1]) > 0)
    assert found.levels_db == tuple(range(-20, 12, 2))
    assert -12 < found.level_db < 4


def test_answers_are_judged_as_waveforms_are():
    answers = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    left = iter(answers)
    found = threshold.find(lambda waveform: next(left), [np.zeros(4)] * 3, {1}, (0, 5, 10))
    judged = threshold.judge(answers, {1}, (0, 5, 10))
    assert judged.level_db == found.level_db == 5
    assert np.array_equal(judged.probabilities, found.probabilities)
