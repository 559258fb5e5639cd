"""Pictures of maps and of their tests: what stands where."""

import numpy as np
import pytest

from rsc_core import map_figures
from rsc_core.analysis import Belief, Followed, Look, RelevanceMap, Spectrogram, TileMap
from rsc_core.config import CLASSES

MEL_HZ = np.geomspace(40, 7900, 128)
EDGES = np.interp(np.arange(0, 129, 16), np.arange(128), MEL_HZ)
WIDTHS = [(330, 2.0), (820, 1.5), (1200, 1.0)]


def look():
    values = np.random.default_rng(0).uniform(-60, -40, (128, 200)).astype(np.float32)
    shown = Spectrogram("Log-mel", values, "dB", MEL_HZ, 4.0, 6.0)
    return Look(shown, np.zeros(32000, np.float32), 16000, 1, 1, CLASSES, np.full(4, 0.25), {}, True, 0.16, 16)


def tile_map(values):
    return TileMap(values.astype(np.float32), EDGES, 4.0, 6.0)


def test_one_tiles_size_is_written_on_the_map():
    found = RelevanceMap("occlusion", "Occlusion", True, True, tile_map(np.eye(8, 200)), ())
    drawn = {text.get_text() for axes in map_figures.relevance(look(), found).figure.axes for text in axes.texts}
    assert "one patch: 160 ms x 16 mel bins" in drawn


def test_what_speaks_for_a_class_is_red_and_what_speaks_against_it_blue():
    values = np.zeros((8, 200))
    values[2, 150:], values[2, :50] = 1, -1
    found = RelevanceMap("occlusion", "Occlusion", True, True, tile_map(values), ())
    picture = map_figures.relevance(look(), found, 820)
    image, axes = picture.pixels().astype(int), picture.axes[0]
    hz = np.sqrt(EDGES[2] * EDGES[3])
    colours = [image[int(y), int(x)] for x, y in (axes.pixel(s, hz) for s in (5.8, 4.2))]
    assert colours[0][0] > colours[0][2] + 80 and colours[1][2] > colours[1][0] + 80


def followed():
    fraction = np.linspace(0, 1, 11)
    falling = np.stack([1 - fraction, fraction])
    random = np.stack([falling * 0.5, falling * 0.9])
    return Followed("the local mean", fraction, falling, random, random[:1], falling * 0.7, ("a", "b"))


def test_curves_name_their_filling_and_shade_what_random_orders_do():
    picture = map_figures.believe(Belief(4, 4, (followed(), followed())), 820)
    titles = [axes.get_title(loc="left") for axes in picture.figure.axes]
    assert titles == ["Deletion, the local mean", "Insertion, the local mean"] * 2
    shade = picture.figure.axes[0].collections[0].get_paths()[0].vertices
    at_start = shade[shade[:, 0] == 0][:, 1]
    assert (at_start.min(), at_start.max()) == (0.5, 0.9)
    assert followed().areas(followed().own) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(("width", "scale"), WIDTHS)
def test_nothing_touches_an_edge(width, scale):
    found = RelevanceMap("occlusion", "Occlusion", True, True, tile_map(np.eye(8, 200)), ())
    pictures = {
        "relevance": map_figures.relevance(look(), found, width, scale),
        "believe": map_figures.believe(Belief(4, 4, (followed(), followed())), width, scale),
    }
    for name, picture in pictures.items():
        image = picture.pixels()
        for side, edge in {"top": image[0], "bottom": image[-1], "left": image[:, 0], "right": image[:, -1]}.items():
            assert (edge == 255).all(), f"{name} touches the {side} edge"
