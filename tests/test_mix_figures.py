"""The picture of a mix: what is dimmed, what is outlined, what stands where."""

import numpy as np
import pytest

from rsc_core import mix_figures
from rsc_core.analysis import CycleMix, Spectrogram
from rsc_core.features.log_mel import center_frequencies_hz

WIDTHS = [(330, 2.0), (820, 1.5), (1200, 1.0)]
TITLES = ("A, 1.20 s, labelled crackle", "Mix: 24 of 48 patches are B's", "B, 0.80 s, labelled normal")


def shown():
    """Of 8 x 6 patches the left half stays."""
    hz, silent = center_frequencies_hz(), np.zeros(16000, np.float32)
    values = np.random.default_rng(0).uniform(-60, -40, (3, 128, 98)).astype(np.float32)
    maps = tuple(Spectrogram("Log-mel", own, "dB", hz, 0.0, 1.0) for own in values)
    replaced = np.arange(6)[None].repeat(8, axis=0) >= 3
    edges_s = np.append(np.arange(6) * 16, 98) / 98
    return CycleMix("base", replaced, np.arange(0, 129, 16), edges_s, maps, (silent,) * 3, 16000, (1, 1))


def test_what_does_not_enter_the_mix_is_dimmed():
    picture = mix_figures.mix(shown(), TITLES, 820)
    image = picture.pixels().astype(float)

    def brightness(axes, low_s, high_s):
        (left, bottom), (right, top) = axes.pixel(low_s, 100), axes.pixel(high_s, 6000)
        return image[int(top) : int(bottom), int(left) : int(right)].mean()

    kept, taken = (0.05, 0.45), (0.55, 0.95)
    first, mixed, second = picture.axes
    assert brightness(first, *taken) > brightness(first, *kept) + 60
    assert brightness(second, *kept) > brightness(second, *taken) + 60
    assert abs(brightness(mixed, *kept) - brightness(mixed, *taken)) < 5


def test_only_borders_between_the_cycles_are_outlined():
    picture = mix_figures.mix(shown(), TITLES, 820)
    for axes in picture.figure.axes:
        if axes.get_title(loc="left") in TITLES:
            (lines,) = axes.collections
            assert len(lines.get_segments()) == 8  # one for each row of patches
            assert all((segment[:, 0] == 48 / 98).all() for segment in lines.get_segments())


@pytest.mark.parametrize(("width", "scale"), WIDTHS)
def test_nothing_touches_an_edge(width, scale):
    image = mix_figures.mix(shown(), TITLES, width, scale).pixels()
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert (edge == 255).all()
