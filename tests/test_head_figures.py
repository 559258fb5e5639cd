"""Pictures of heads: what stands where, that a click leads back to it, and that a click changes nothing else."""

import numpy as np
import pytest

from rsc_core.analysis import Heads, Montage, Tile
from rsc_core.head_figures import CHOSEN, HeadPictures
from tests.test_map_figures import EDGES, WIDTHS, look

LAYERS, HEADS = 12, 3
TILE = Tile(0, 4.64, 4.80, 500.0, 900.0)


def kinds():
    return Heads(*np.random.default_rng(1).uniform(0.1, 1, (6, LAYERS, HEADS)))


def montage(hot=None, tile=None):
    maps = np.zeros((LAYERS, HEADS, 8, 200), np.float32)
    if hot:
        maps[hot] = 9
    flat = np.full((LAYERS, HEADS), 0.1)
    return Montage(maps, EDGES, 4.0, 6.0, tile, flat, flat, kinds())


def pictures(width=820, scale=1.5, heads=None):
    size = {"width_px": width, "scale": scale}
    return HeadPictures(look(), heads or kinds(), size, size)


def red(image):
    image = image.astype(int)
    return (image[..., 0] > image[..., 2] + 60) & (image[..., 0] > image[..., 1] + 60)


def framed(image):
    """The middle of a frame: (x, y) in pixels."""
    y, x = np.nonzero((image == CHOSEN).all(axis=2))
    return (x.min() + x.max() + 1) / 2, (y.min() + y.max() + 1) / 2


@pytest.mark.parametrize(("width", "scale"), WIDTHS)
def test_the_hot_head_stands_where_a_click_finds_it(width, scale):
    drawn = pictures(width, scale)
    for hot in ((0, 0), (11, 2), (4, 1)):
        image = drawn.montage(montage(hot), (7, 0))
        assert image.shape[1] == pytest.approx(width * scale, abs=1)
        y, x = (ends.mean() for ends in np.nonzero(red(image)))
        assert drawn.grid.at(x, y) == hot
    assert drawn.grid.at(1, 1) is None and drawn.grid.at(width * scale + 50, 40) is None


@pytest.mark.parametrize(("width", "scale"), WIDTHS)
def test_the_chosen_head_is_framed(width, scale):
    drawn = pictures(width, scale)
    for chosen in ((2, 1), (9, 0), (11, 2)):
        assert drawn.grid.at(*framed(drawn.montage(montage(), chosen))) == chosen


def test_the_chosen_heads_dot_is_framed_in_every_panel():
    values = np.tile(np.linspace(0, 1, LAYERS)[:, None], (1, HEADS))
    unread = np.full_like(values, np.nan)
    drawn = pictures(heads=Heads(values, values, values, unread, values, 0 * values))
    first, last = (drawn.kinds((layer, 0)) for layer in (1, 11))
    changed = (first != last).any(axis=2)
    panels = np.array_split(changed, 4, axis=1)
    assert [panel.any() for panel in panels] == [True, True, False, True]  # nobody reads from a distance of NaN
    for panel in np.array_split((first == CHOSEN).all(axis=2), 4, axis=1)[:2]:
        y, x = np.nonzero(panel)
        assert y.mean() > 0.5 * len(first) and x.mean() < 0.5 * panel.shape[1]  # low, and to the left


def test_the_patch_that_reads_is_framed_where_it_lies():
    drawn = pictures()
    plain, marked = drawn.look(montage()), drawn.look(montage(tile=TILE))
    assert not (plain == CHOSEN).all(axis=2).any()
    s, hz = drawn.axes.at(*framed(marked))
    assert s == pytest.approx(4.72, abs=0.01) and 500 < hz < 900
    assert framed(drawn.head(montage(tile=TILE), (0, 0))) == framed(marked)


def test_a_head_is_laid_over_the_tiles_it_reads():
    read = montage()
    read.maps[4, 1, 2, 150:] = 9
    drawn = pictures()
    y, x = np.nonzero(red(drawn.head(read, (4, 1))) & ~red(drawn.head(read, (0, 0))))
    (start_s, low_hz), (end_s, high_hz) = drawn.axes.at(x.min(), y.max() + 1), drawn.axes.at(x.max() + 1, y.min())
    assert (start_s, end_s) == pytest.approx((5.5, 6.0), abs=0.01)
    assert (low_hz, high_hz) == pytest.approx((EDGES[2], EDGES[3]), rel=0.04)


def test_an_even_spread_leaves_the_spectrogram_as_it_is():
    drawn, even = pictures(), montage()
    even.maps[:] = 1
    for name, image in drawn.answer(even, (3, 1)).items():
        np.testing.assert_array_equal(image, drawn.answer(montage(), (3, 1))[name])


def test_an_answer_leaves_nothing_behind():
    drawn = pictures()
    before = drawn.answer(montage(), (0, 0))
    drawn.answer(montage((3, 1), TILE), (11, 2))
    for name, image in drawn.answer(montage(), (0, 0)).items():
        np.testing.assert_array_equal(image, before[name])


@pytest.mark.parametrize(("width", "scale"), WIDTHS)
def test_nothing_touches_an_edge(width, scale):
    for name, image in pictures(width, scale).answer(montage((3, 1), TILE), (11, 2)).items():
        for side, edge in {"top": image[0], "bottom": image[-1], "left": image[:, 0], "right": image[:, -1]}.items():
            assert (edge == 255).all(), f"{name} touches the {side} edge"
