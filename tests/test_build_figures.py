"""The picture of a built sound: what stands where."""

from functools import cache

import numpy as np
import pytest

from rsc_core import build_figures, building, synth
from rsc_core.figures import CLASS_COLOURS
from rsc_core.naming import Naming

WIDTHS = [(330, 2.0), (820, 1.5), (1200, 1.0)]


@cache
def made():
    return building.build(building.Recipe(sounds=(synth.FINE, synth.Wheeze()), seconds=8.0))


def draw(width=820, scale=1.0):
    return build_figures.built(made().synthetic, made().phases, made().spectrogram, width, scale)


def test_an_event_is_coloured_where_it_is_and_nowhere_else():
    picture = draw()
    image = picture.pixels().astype(int)
    lanes = next(axes for axes in picture.axes if axes.name == "lanes")
    green = np.array([int(CLASS_COLOURS["wheeze"][i : i + 2], 16) for i in (1, 3, 5)])
    row = image[int(lanes.bottom) - build_figures.LANE_PX // 2]
    columns = np.nonzero((np.abs(row - green) < 3).all(axis=1))[0]
    shown_s = [lanes.at(column, lanes.bottom)[0] for column in columns]
    wheezes = [event for event in made().synthetic.events if event.kind == "wheeze"]
    inside = [any(e.start_s - 0.02 <= s <= e.end_s + 0.02 for e in wheezes) for s in shown_s]
    assert all(inside)
    drawn_s = len(columns) * 8 / (lanes.right - lanes.left)
    assert drawn_s == pytest.approx(sum(e.end_s - e.start_s for e in wheezes), abs=0.05)


def test_all_axes_share_one_time():
    left, right = {axes.left for axes in draw().axes}, {axes.right for axes in draw().axes}
    assert len(left) == len(right) == 1
    assert {(axes.start_s, axes.end_s) for axes in draw().axes} == {(0, 8.0)}


@pytest.mark.parametrize(("width", "scale"), WIDTHS)
def test_nothing_touches_an_edge(width, scale):
    image = draw(width, scale).pixels()
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert (edge == 255).all()


def test_filled_marks_are_levels_that_are_named_and_the_large_one_where_that_begins():
    levels = (-20, -10, 0, 10)
    one = Naming("base", levels, np.array([0.1, 0.6, 0.4, 0.9]), np.array([False, True, True, True]), 0.2, False, -10)
    axes = build_figures.namings((one,), levels, 820).figure.axes[0]
    drawn = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]
    filled, hollow, large = ((line.get_markerfacecolor(), line.get_xdata().tolist()) for line in drawn)
    assert filled[1] == [-10, 0, 10] and filled[0] != "white"
    assert hollow == ("white", [-40, -20])
    assert large[1] == [-10] and drawn[2].get_markersize() > drawn[0].get_markersize()


@pytest.mark.parametrize(("width", "scale"), WIDTHS)
def test_curves_of_many_models_touch_no_edge(width, scale):
    levels = tuple(range(-20, 12, 2))
    found = [
        Naming(f"sprsound-base-{i}", levels, np.linspace(0, 1, 16), np.arange(16) > 9 + i, 0.0, False, levels[10 + i])
        for i in range(5)
    ]
    image = build_figures.namings(found, levels, width, scale).pixels()
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert (edge == 255).all()
