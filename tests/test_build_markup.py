"""What the tab Build says of a sound."""

from html import unescape

import numpy as np
import pytest

from rsc_core import synth, threshold
from rsc_core.controls import controls
from rsc_core.naming import Naming
from rsc_core.synth import Breath, Wheeze
from rsc_core.ui import build_markup, texts

LEVELS = threshold.LEVELS_DB


def naming(named, level_db, named_alone=False):
    return Naming("base", LEVELS, np.linspace(0, 0.83, len(LEVELS)), np.array(named), 0.1, named_alone, level_db)


def test_a_summary_counts_breaths_and_events_and_names_the_sound_by_both_conventions():
    made = synth.synthesise(Breath(), (Wheeze(pitch_hz=250),), 8.0)
    said = build_markup.summary(made, (Wheeze(pitch_hz=250),))
    assert "2 whole breaths in 8 s. 2 × wheeze." in said
    assert "ATS (1977): no name fits; CORSA (2000): wheeze or rhonchus." in said
    assert texts.build.ALONE in build_markup.summary(synth.synthesise(Breath(), (), 4.0), ())


def test_all_events_are_in_the_table_of_times():
    made = synth.synthesise(Breath(), (synth.FINE,), 8.0)
    table = build_markup.times(made)
    assert table.count("<tr>") == 1 + len(made.events)
    assert all(f"<td>{event.start_s:.3f}</td><td>{event.end_s:.3f}</td>" in table for event in made.events)


def test_a_reason_names_fields_as_the_page_does():
    with pytest.raises(ValueError) as caught:
        synth.Crackles(idw_ms=2)
    said = unescape(build_markup.reason(caught.value))
    assert said.startswith(f"{texts.build.FIELDS['idw_ms']} must be")
    assert "two_cycle_ms" not in said


@pytest.mark.parametrize(
    ("named", "level_db", "said"),
    [
        ([False] * 16, None, texts.threshold.NEVER),
        ([True] * 16, -20, "at every level tried, from -20 dB on"),
        ([False] * 10 + [True] * 6, 0, "from +0 dB on"),
        ([True] * 15 + [False], None, texts.threshold.UNSTABLE),
    ],
)
def test_where_a_model_begins_is_told_in_words(named, level_db, said):
    table = build_markup.namings((naming(named, level_db),), "rhonchus")
    assert said in table
    assert "not labelled wheeze" in table and "P at +10 dB" in table and "<td>0.83</td>" in table
    assert "labelled wheeze too" in build_markup.namings((naming(named, level_db, True),), "rhonchus")


def test_every_field_of_the_synthesiser_has_its_words():
    parts = (Breath(), synth.Transmission(), *synth.TYPICAL.values())
    assert {control.field for part in parts for control in controls(part)} <= set(texts.build.FIELDS)
