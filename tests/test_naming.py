"""From which level on models name a sound: what they are given, and what is kept of their answers."""

import numpy as np
import pytest

from rsc_core import naming, soundcheck, synth, threshold
from rsc_core.config import CLASSES
from rsc_core.naming import namings
from tests.conftest import transformer_and_cnn

LEVELS = (-10, 0, 10)


@pytest.fixture(scope="module")
def analyser(tmp_path_factory):
    return transformer_and_cnn(tmp_path_factory.mktemp("checkpoints"))


def test_each_kind_is_named_by_its_class_and_by_both():
    assert naming.classes_of("fine crackle") == (CLASSES.index("crackle"), CLASSES.index("both"))
    assert naming.classes_of("stridor") == (CLASSES.index("wheeze"), CLASSES.index("both"))
    assert naming.classes_of("pleural rub") == ()


def test_answers_are_the_models_own_to_the_steps(analyser):
    sound, breath = synth.Wheeze(), synth.Breath(rate_per_min=20)
    stages = list(namings(analyser, sound, breath, seed=4, levels_db=LEVELS))
    assert [len(stage[0].levels_db) for stage in stages] == [1, 2, 3]
    classes = list(naming.classes_of("wheeze"))
    for one in stages[-1]:
        with analyser.alone_with(one.model) as (loaded,):
            label = soundcheck.labeller(loaded)
            rate = loaded.config.audio.sample_rate
            made = threshold.steps(sound, LEVELS, breath, breath.period_s, rate, 4)
            expected = [label(step.waveform)[classes].sum() for step in made]
            alone = label(synth.synthesise(breath, (), breath.period_s, rate, 4).waveform)[classes].sum()
        assert one.present == pytest.approx(expected, abs=1e-6)
        assert one.alone == pytest.approx(alone, abs=1e-3)
    assert [one.model for one in stages[-1]] == list(analyser.cards)


def test_a_model_that_hears_a_level_is_said_to_name_it_from_there_on(analyser, monkeypatch):
    """Instead of a model, a listener: the share of the sound's own pitch in what it is given."""

    def listener(loaded):
        def label(waveform):
            spectrum = np.abs(np.fft.rfft(waveform)) ** 2
            hz = np.fft.rfftfreq(len(waveform), 1 / loaded.config.audio.sample_rate)
            share = spectrum[(hz > 900) & (hz < 1100)].sum() / spectrum.sum()
            return np.eye(4)[CLASSES.index("wheeze") if share > 0.5 else 0]

        return label

    monkeypatch.setattr(soundcheck, "labeller", listener)
    tone = synth.Wheeze(pitch_hz=1000, glide_semitones=0, duration_s=1.0)
    *_, found = namings(analyser, tone, synth.Breath(), levels_db=tuple(range(-20, 12, 2)))
    for one in found:
        assert not one.named_alone and one.alone == 0
        assert -10 < one.level_db < 10
        assert one.named.tolist() == [level >= one.level_db for level in one.levels_db]


def test_a_sound_without_a_class_is_refused(analyser):
    with pytest.raises(ValueError, match="pleural rub"):
        next(namings(analyser, synth.Rub(), synth.Breath()))
