"""Brackets stand at the events' seconds, and a map that is forgotten falls; what is said fits what is drawn."""

import numpy as np
import pytest

from rsc_core import belief_figures, map_figures
from rsc_core.analysis import Cycle, Forgetting, RelevanceMap, Standing, Truth
from rsc_core.ui import inside_markup, texts
from tests.test_map_figures import WIDTHS, look, tile_map

LAYERS = ("head", "block 2", "block 1", "patches and positions")


def relevance(truth):
    return RelevanceMap("occlusion", "Occlusion", True, True, tile_map(np.eye(8, 200)), (), truth)


def test_a_bracket_spans_the_event_and_its_words_count_it():
    truth = Truth((Cycle(4.5, 5.0, "Wheeze"), Cycle(5.2, 5.3, "Wheeze")), 0.5, 0.3)
    plain, marked = (map_figures.relevance(look(), relevance(t), 820) for t in (None, truth))
    _, x = np.nonzero((plain.pixels() != marked.pixels()).any(axis=2))
    ends = [marked.axes[0].pixel(s, 1000)[0] for s in (4.5, 5.3)]
    assert (x.min(), x.max()) == (pytest.approx(ends[0], abs=4), pytest.approx(ends[1], abs=4))
    said = inside_markup.caption(relevance(truth))
    assert "2 x Wheeze" in said and "50% of the relevance" in said and "would have 30%" in said
    assert "nothing can lie outside" in inside_markup.truth(Truth(truth.events, 1.0, 1.0))


@pytest.mark.parametrize(("width", "scale"), WIDTHS)
def test_forgetting_is_drawn_as_far_as_it_has_come(width, scale):
    picture = belief_figures.forgetting(Forgetting(LAYERS, (0.9, 0.2)), width, scale)
    axes = picture.figure.axes[0]
    assert axes.lines[1].get_xydata().tolist() == [[0, 1], [1, 0.9], [2, 0.2]] and axes.get_xlim() == (0, 4)
    image = picture.pixels()
    assert all((edge == 255).all() for edge in (image[0], image[-1], image[:, 0], image[:, -1]))


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (0.8, "it draws the sound"),
        (0.3, "alike in part"),
        (-0.1, "depends on the model"),
        (np.nan, "nothing to compare"),
    ],
)
def test_the_end_of_forgetting_is_put_into_words(last, words):
    assert words in inside_markup.forgetting(Forgetting(LAYERS, (0.9, 0.8, 0.8, last)))
    assert "2 of 4 layers" in inside_markup.forgetting(Forgetting(LAYERS, (0.9, last)))


def test_how_a_method_stands_is_said_beside_its_name():
    good, bad = Standing("4 cycles (A, test)", 0.78, 0.7, 0.84, True), Standing("B", 0.5, np.nan, np.nan, False)
    assert inside_markup.method("Rollout", (good,)) == "Rollout (beats the baselines)"
    assert inside_markup.method("Rollout", (good, bad)) == "Rollout (does not beat the baselines)"
    assert inside_markup.method("Rollout", ()) == "Rollout (not measured)"
    assert "random orders on 78% (95 %: 70% to 84%) of cycles" in inside_markup.standing(good)
    assert "does NOT beat" in inside_markup.standing(bad) and "nan" not in inside_markup.standing(bad)
    assert texts.inside.NO_STANDING in inside_markup.caption(relevance(None))
