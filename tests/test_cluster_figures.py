"""The picture of clustered windows: colours where they belong, numbers, and nothing cut off."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from rsc_core import cluster_figures
from rsc_core.analysis import ClusterLook, Spectrogram
from rsc_core.explain.clusters import edges_s
from rsc_core.features.hybrid import HYBRID_MAPS, frequencies_hz

HOP_S = 256 / 22000


def shown(windows=45):
    frames = 15 * (windows - 1) + 28
    rng, hz = np.random.default_rng(0), frequencies_hz()
    maps = tuple(
        Spectrogram(name, np.zeros((84, frames), np.float32), "SD per row", hz[name], 0.0, frames * HOP_S)
        for name in HYBRID_MAPS
    )
    soft = np.full((windows, 4), 0.1)
    soft[: windows // 2, 0] = soft[windows // 2 :, 3] = 0.7
    weights = rng.uniform(-1, 1, windows)
    weights[0], weights[-1] = 1.0, 0.0
    return ClusterLook(
        maps, np.array([2.0, 4.0]), edges_s(windows, HOP_S), soft, weights, np.ones(4), tuple("abcd"),
        np.full((16, 4), 0.25), 1, 1,
    )  # fmt: skip


@pytest.mark.parametrize(("width_px", "scale"), [(330, 2.0), (820, 1.5), (1200, 1.0)])
def test_a_window_has_its_clusters_colour_as_strong_as_its_weight(width_px, scale):
    picture = cluster_figures.clusters(shown(), width_px, scale)
    pixels = picture.pixels().astype(float) / 255
    assert [axes.name for axes in picture.axes] == list(HYBRID_MAPS)
    for axes in picture.axes:
        first, last = (pixels[tuple(int(v) for v in axes.pixel(s, 500)[::-1])][:3] for s in (0.08, 7.8))
        grey = last - 0.1 * (np.array(to_rgb(cluster_figures.CLUSTER_COLOURS[3])) - last)
        assert np.ptp(first) > 0.3 > np.ptp(last)  # strong and faint
        assert first.argmax() == 0 and grey.std() < 0.1


def test_numbers_name_the_clusters_of_neighbouring_windows_and_bars_are_their_weights():
    look = shown()
    figure = cluster_figures.clusters(look, 820).figure
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "4"]
    assert [bar.get_height() for bar in figure.axes[-1].patches] == pytest.approx(look.weights)


def test_the_longest_numbers_of_a_colour_bar_leave_its_unit_room():
    look = shown()
    rows = np.linspace(-2.9, 2.9, 84, dtype=np.float32)[:, None]  # numbered -2.5, 0.0 and 2.5
    maps = tuple(replace(one, values=np.repeat(rows, one.values.shape[1], axis=1)) for one in look.maps)
    pixels = cluster_figures.clusters(replace(look, maps=maps), 1200, 1.5).pixels()
    assert (pixels[:, -2:] == 255).all()
