"""A built sound is the synthesiser's, and its spectrogram shows it where it is."""

import numpy as np
import pytest

from rsc_core import building, synth
from rsc_core.building import Recipe


def test_a_recipe_gives_what_the_synthesiser_makes_of_it():
    through = synth.Transmission(wall_db=6)
    recipe = Recipe(synth.Breath(rate_per_min=20), (synth.FINE, synth.Wheeze()), through, 6.0, 3)
    made = building.build(recipe)
    expected = synth.synthesise(recipe.breath, recipe.sounds, 6.0, seed=3, through=through)
    assert np.array_equal(made.synthetic.waveform, expected.waveform)
    assert made.synthetic.events == expected.events
    assert [p.start_s for p in made.phases] == [c.start_s for c in expected.cycles]


def test_a_spectrogram_shows_a_wheeze_at_its_pitch_and_time():
    wheeze = synth.Wheeze(pitch_hz=600, glide_semitones=0, level_db=20)
    made = building.build(Recipe(sounds=(wheeze,), seconds=4.0))
    shown, event = made.spectrogram, made.synthetic.events[0]
    row, frame = np.unravel_index(shown.values.argmax(), shown.values.shape)
    assert shown.frequencies_hz[row] == pytest.approx(600, rel=0.05)
    at_s = frame / shown.values.shape[1] * shown.end_s
    assert event.start_s < at_s < event.end_s
    assert shown.end_s == 4.0


def test_parts_that_do_not_fit_are_refused_in_words():
    with pytest.raises(ValueError, match="shorten the wheeze"):
        building.build(Recipe(synth.Breath(rate_per_min=40), (synth.Wheeze(duration_s=2),)))


def test_the_hybrid_maps_show_a_wheeze_at_its_pitch_too():
    wheeze = synth.Wheeze(pitch_hz=600, glide_semitones=0, level_db=20)
    made = building.build(Recipe(sounds=(wheeze,), seconds=4.0)).synthetic
    view, event = building.hybrid_view(made), made.events[0]
    assert len(view.hybrid["db"]) == 3 and view.cycle.seconds == 4.0
    for shown in view.hybrid["db"]:
        during = shown.values[:, int((event.start_s + 0.1) / 4 * shown.values.shape[1])]
        assert shown.frequencies_hz[during.argmax()] == pytest.approx(600, rel=0.1)
