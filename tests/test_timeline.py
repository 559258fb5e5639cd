"""The timeline as HTML."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from rsc_core.analysis import Cycle
from rsc_core.annotation import Annotation, History
from rsc_core.ui import texts, timeline

TWO = Annotation((Cycle(0.5, 2.0, "normal"), Cycle(2.0, 5.0, "both")), 10.0)


def drawn(annotation, chosen, follow=True, unsaved=False):
    picture = timeline.outline(np.sin(np.arange(1600) / 5), annotation.seconds)
    html = timeline.timeline(annotation, chosen, picture, follow, unsaved)
    return ElementTree.fromstring(re.sub(r" (disabled|data-unsaved)(?=[ >])", r' \1=""', html))


def test_blocks_stand_at_their_share_of_the_recording_and_say_what_they_are():
    blocks = [one for one in drawn(TWO, 1).iter("button") if "data-cycle" in one.attrib]
    assert [re.findall(r"(?:left|width): ([\d.]+)%", one.get("style")) for one in blocks] == [
        ["5.00000", "15.00000"],
        ["20.00000", "30.00000"],
    ]
    assert [one.get("aria-label") for one in blocks] == [
        "Cycle 1, 0.50 to 2.00 s, normal",
        "Cycle 2, 2.00 to 5.00 s, both",
    ]
    assert [(one.get("aria-pressed"), one.get("tabindex")) for one in blocks] == [("false", "-1"), ("true", "0")]
    assert ["".join(one.itertext()) for one in blocks] == ["N", "B"]


@pytest.mark.parametrize(("follow", "lowest"), [(True, "0.51"), (False, "2.0")])
def test_edges_of_the_chosen_cycle_say_how_far_they_go(follow, lowest):
    start, end = (one for one in drawn(TWO, 1, follow).iter("div") if "data-edge" in one.attrib)
    assert (start.get("data-edge"), start.get("aria-valuemin"), start.get("aria-valuemax")) == (
        "start",
        lowest,
        "4.99",
    )
    assert (end.get("data-edge"), end.get("aria-valuenow"), end.get("aria-valuemax")) == ("end", "5.0", "10.0")
    assert not [one for one in drawn(Annotation((), 10.0), None).iter("div") if "data-edge" in one.attrib]


def test_zooms_longer_than_the_recording_are_off():
    off = [one.get("data-zoom") for one in drawn(TWO, 0).iter("button") if "disabled" in one.attrib]
    assert off == ["10", "30", "120"]


def test_an_outline_has_as_many_steps_as_its_box_and_returns():
    svg = ElementTree.fromstring(timeline.outline(np.ones(16_000), 600.0))
    width = int(svg.get("viewBox").split()[2])
    path = svg[0].get("d")
    assert width == timeline.MOST_POINTS == path.count("h1") == path.count("h-1")


def test_the_status_counts_labels_and_tells_what_is_unsaved():
    history = History(TWO, TWO)
    assert "2 cycles: 1 normal (N), 1 both (B)." in timeline.status(history)
    assert texts.annotate.SAVED in timeline.status(history)
    history = history.edited(Annotation((), 10.0))
    assert texts.annotate.UNSAVED in timeline.status(history) and texts.annotate.NO_CYCLES in timeline.status(history)
    assert "data-unsaved" in drawn(TWO, 0, unsaved=True).attrib
    assert "&lt;b&gt;" in timeline.status(history, "<b>")


def test_labels_to_type_are_the_ones_shown():
    script = (Path(timeline.__file__).parent / "timeline.js").read_text()
    typed = dict(re.findall(r"(\w): \"(\w+)\"", re.search(r"const LABELS = {(.*)}", script).group(1)))
    assert {label: letter.upper() for letter, label in typed.items()} == texts.annotate.LETTERS
