"""The atlas: a page for every sound, each complete, with the sounds it is confused with at the same places."""

import re
from html import escape, unescape
from xml.etree import ElementTree

import numpy as np
import pytest

from rsc_core import synth
from rsc_core.ui import atlas, atlas_drawings, atlas_markup, texts
from rsc_core.ui.texts.atlas import ENTRIES, PLACES


def test_every_kind_of_sound_has_a_page():
    assert list(ENTRIES) == ["normal", *synth.KINDS]
    assert set(synth.TYPICAL) == set(synth.KINDS)
    assert all(sound.kind == kind for kind, sound in synth.TYPICAL.items())


@pytest.mark.parametrize("kind", ENTRIES)
def test_a_page_is_complete_and_refers_to_what_there_is(kind):
    entry = ENTRIES[kind]
    assert entry.sources and entry.confused and kind not in entry.confused
    assert set(entry.confused) <= set(ENTRIES) and set(entry.codes) <= set(PLACES) and entry.codes
    assert len(re.findall(r"[.;](?: |$)", entry.mechanism)) >= 2
    for phase, (low, high) in entry.spans.items():
        assert phase in texts.atlas.PHASES and 0 <= low < high <= 1
    page = atlas_markup.page(entry)
    for text in (entry.definition, entry.mechanism, entry.where, entry.when, *entry.sources):
        assert text in unescape(page)


@pytest.mark.parametrize("kind", synth.KINDS)
def test_an_exemplar_sounds_in_the_phases_that_its_page_marks(kind):
    made = atlas._make(kind)
    phases = {
        phase
        for event in made.synthetic.events
        for one in made.phases
        for phase in texts.atlas.PHASES
        if one.span(phase)[0] <= event.start_s < one.span(phase)[1]
    }
    assert phases == set(ENTRIES[kind].spans)
    assert {event.kind for event in made.synthetic.events} == {kind}


def test_all_exemplars_are_over_the_same_breath():
    phases = {atlas._make(kind).phases for kind in ("normal", "wheeze", "pleural rub")}
    lengths = {len(atlas._make(kind).synthetic.waveform) for kind in ("normal", "wheeze", "pleural rub")}
    assert len(phases) == len(lengths) == 1


def test_a_drawing_marks_the_places_it_names():
    svg = ElementTree.fromstring(atlas_drawings.chest(("Tc", "Pl")))
    marked = [text.text for text in svg.iter("text") if text.get("class") == "marked"]
    assert marked == ["Tc", "Pl"]
    assert "Tc, trachea, Pl, posterior left" in svg.get("aria-label")
    assert len([circle for circle in svg.iter("circle")]) == len(PLACES)


def test_a_breath_s_marks_lie_in_their_phases():
    svg = ElementTree.fromstring(atlas_drawings.breath({"inspiration": (0.5, 1.0), "expiration": (0.0, 0.5)}, "when"))
    place = {
        one.get("class"): (float(one.get("x")), float(one.get("x")) + float(one.get("width")))
        for one in svg.iter("rect")
        if one.get("class") != "marked"
    }
    first, second = (
        (float(one.get("x")), float(one.get("x")) + float(one.get("width")))
        for one in svg.iter("rect")
        if one.get("class") == "marked"
    )
    assert first == pytest.approx((np.mean(place["inspiration"]), place["inspiration"][1]), abs=0.2)
    assert second == pytest.approx((place["expiration"][0], np.mean(place["expiration"])), abs=0.2)


def test_a_sound_is_told_apart_from_each_that_it_is_confused_with():
    entry = ENTRIES["fine crackle"]
    html = atlas_markup.confused(entry)
    assert re.findall(r"<li><b>([^<]*)\.</b>", html) == [ENTRIES[other].title for other in entry.confused]
    assert all(escape(how) in html for how in entry.confused.values())
